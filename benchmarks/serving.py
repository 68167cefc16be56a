"""One-row requests to one worker, beside a raw ASGI echo in the same run: `python benchmarks/serving.py`.

Processor time per request is what the server's process was charged, so that the client, which shares the machine, does
not count. The model's own call is timed in this process, on the same input, already built.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
from measure.client import Load, alone, load
from measure.processes import cpu, family, free_port, server
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from workbench.api import Workbench
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

SECONDS = 6.0
MANY = {"linear": 64, "frame": 64, "forest": 16}


rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 30))
Y = X[:, 0] + rng.normal(size=2000) > 0
NAMED = pd.DataFrame(X[:, :7], columns=list("abcdefg"))
logistic, named_logistic = LogisticRegression().fit(X, Y), LogisticRegression().fit(NAMED, Y)
trees = RandomForestClassifier(100, n_jobs=1, random_state=0).fit(X, Y)


def linear(rows: Any) -> Any:
    return logistic.predict_proba(rows)[:, 1]


def frame(df: pd.DataFrame) -> Any:
    return named_logistic.predict_proba(df)[:, 1]


def forest(rows: Any) -> Any:
    return trees.predict_proba(rows)[:, 1]


MODELS = {
    "linear": (linear, X, [X[0].tolist()]),
    "frame": (frame, NAMED, NAMED.iloc[0].to_dict()),
    "forest": (forest, X, [X[0].tolist()]),
}
"""Each model's function, its example, and one row as JSON has it."""


def own_call(function: Callable[[Any], Any], one: Any) -> float:
    """Median seconds of the model's own call."""
    times = []
    end = time.perf_counter() + 1.0
    while time.perf_counter() < end:
        start = time.perf_counter()
        function(one)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def asked(url: str, body: bytes, pids: list[int], connections: int, token: str = "") -> tuple[Load, Load, float]:
    """With one connection, with many, and microseconds of processor time per request of the many."""
    alone(url, body, seconds=1.0, token=token)
    one = alone(url, body, seconds=SECONDS, token=token)
    before = cpu(pids)
    many = load(url, body, connections=connections, seconds=SECONDS, token=token)
    return one, many, (cpu(pids) - before) / many.requests * 1e6


def row(name: str, one: Load, many: Load, spent: float, own: float, echo: float) -> None:
    times = [one.quantile(0.5) * 1e3, own * 1e3, one.quantile(0.99) / one.quantile(0.5), many.quantile(0.99) * 1e3]
    figures = "".join(f"{value:11.3f}" for value in times)
    print(f"{name:14}{many.rate:10,.0f}{spent:9.1f}{spent / echo:9.2f} ×{figures}")


def main() -> None:
    heads = ("many/s", "CPU µs", "of echo", "p50 ms", "model ms", "p99/p50", "p99 many")
    print(f"{'':14}{heads[0]:>10}{heads[1]:>9}" + "".join(f"{head:>11}" for head in heads[2:]))
    body, port = orjson.dumps(MODELS["linear"][2]), free_port()
    command = [sys.executable, "-m", "measure.echo", str(port)]
    with server(command, port, Path(__file__).parent) as pid:
        one, many, echo = asked(f"http://127.0.0.1:{port}/", body, [pid], 64)
        row("echo", one, many, echo, 0.0, echo)
    warm()
    with tempfile.TemporaryDirectory() as folder:
        api = Workbench(Path(folder))
        try:
            for name, (function, example, record) in MODELS.items():
                api.model(name, function, example=example, session=session_of_script())
                own = own_call(function, example[:1])
                for fast in (False, True):
                    service = api.serve(name, fast=fast)
                    pids = family(service.job.process.pid)
                    measured = asked(f"{service.url}/predict", orjson.dumps(record), pids, MANY[name], service.token)
                    row(f"{name} --fast" if fast else name, *measured, own, echo)
                    service.stop()
        finally:
            api.shutdown(all=True)


if __name__ == "__main__":
    main()
