"""What a predictor adds to the model's own call, per call: `python benchmarks/predictor.py`.

The floor is the same function on the same input, already built, in the same run; rows 1 and 32, medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema

REACH = {"array": 60, "frame": 150}


def per_call(call: Callable[[], object], seconds: float = 0.7) -> float:
    """Median microseconds of one call."""
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)


def models(rng: np.random.Generator) -> dict[str, tuple[Any, Callable[[Any], Any]]]:
    X = rng.normal(size=(500, 30))
    linear = LogisticRegression().fit(X, X[:, 0] > 0)
    frame = pd.DataFrame(
        {
            "city": rng.choice(["Oslo", "Bergen"], 500),
            "plan": pd.Categorical(rng.choice(["basic", "plus"], 500)),
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, 500), "D"),
            "age": rng.integers(18, 90, 500),
            "spend": rng.normal(100, 30, 500),
            "visits": rng.integers(0, 9, 500),
            "member": rng.random(500) < 0.5,
        }
    )
    return {
        "array": (X, lambda rows: linear.predict_proba(rows)[:, 1]),
        "frame": (frame, lambda df: df["spend"] * df["member"] + df["since"].dt.day_of_week),
    }


def main() -> None:
    print(f"{'input':8}{'rows':>6}{'model µs':>12}{'predictor µs':>14}{'added µs':>10}{'reach':>8}")
    for kind, (example, function) in models(np.random.default_rng(0)).items():
        schema = Schema.infer(example)
        predictor = Predictor(function, schema, row_wise=True)
        for rows in (1, 32):
            table = schema.table(example[:rows])
            ready = schema.build(table)
            own = per_call(lambda ready=ready, function=function: function(ready))
            whole = per_call(lambda predictor=predictor, table=table: predictor.predict(table))
            print(f"{kind:8}{rows:6}{own:12.1f}{whole:14.1f}{whole - own:10.1f}{'≤ ' + str(REACH[kind]):>8}")


if __name__ == "__main__":
    main()
