"""How long a request waits while versions change: `python benchmarks/swaps.py [--swaps 50] [--model linear|forest]`.

A service of one worker, and of two, is asked 400 times a second over 8 connections while `live` moves to and fro, and
while shares of the traffic change. What waits at a swap stands beside what waits where nothing changes, in the same
run: on a machine that does other things as well, both are long.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from measure.waits import Asked, Asking, Wait
from models import fit, table

from workbench.api import Workbench
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

RATE, CONNECTIONS = 400.0, 8
REACH = 0.025
REST = 0.3
"""Seconds between two changes, in which nothing changes."""
Span = tuple[float, float]


def versions(api: Workbench, model: str) -> Any:
    """Two versions of the model, the second as large as the first; a row of it."""
    estimator, rows = fit(model), table(model)

    def first(x: Any) -> Any:
        return estimator.predict_proba(x)[:, 1]

    def second(x: Any) -> Any:
        return estimator.predict_proba(x)[:, 0]

    session = session_of_script()
    for function in (first, second):
        api.model(model, function, example=rows, session=session)
    return rows[:1].tolist()


def changed(api: Workbench, model: str, number: int) -> None:
    """The change of this number: to and fro, by a promotion, or by a share."""
    ways = (
        lambda: api.promote(f"{model}@2"),
        lambda: api.promote(f"{model}@1"),
        lambda: api.promote(f"{model}@2", canary="30"),
        lambda: api.rollback(model),
    )
    made = ways[number % len(ways)]()
    assert made.promoted, str(made)


def told(waits: list[Wait], spans: list[Span]) -> None:
    """A line of what waited at the changes, and one of all others."""
    at = [any(begun <= due + wait and due <= ended + 0.05 for begun, ended in spans) for due, wait, _ in waits]
    failed = sum(status != 200 for *_, status in waits)
    for said, which in (("at a change", True), ("else", False)):
        found = sorted(wait for (_, wait, _), changes in zip(waits, at, strict=True) if changes is which)
        p50, p99 = (found[int(share * (len(found) - 1))] * 1e3 for share in (0.5, 0.99))
        late = sum(wait > REACH for wait in found)
        print(
            f"  {said:12}{len(found):7,} requests  p50 {p50:6.2f}  p99 {p99:6.2f}  longest {found[-1] * 1e3:6.1f} ms  "
            f"{late} over {REACH * 1e3:.0f} ms",
            flush=True,
        )
    print(f"  {failed} failed · a change took {sum(b - a for a, b in spans) / len(spans) * 1e3:.0f} ms in the mean")


def measured(api: Workbench, model: str, row: Any, workers: int, swaps: int, folder: Path) -> None:
    api.alias(f"{model}@1", "live")
    service = api.serve(model, workers=workers)
    asking = Asking(Asked(f"{service.url}/predict", str(service.token), json.dumps(row), RATE, CONNECTIONS), folder)
    time.sleep(1.0)
    spans = list[Span]()
    for number in range(swaps):
        begun = time.monotonic()
        changed(api, model, number)
        spans.append((begun, time.monotonic()))
        time.sleep(REST)
    waits = asking.over()
    print(f"{model}, {workers} workers, {swaps} changes")
    told([wait for wait in waits if wait[0] > spans[0][0] - 1.0], spans)
    service.stop()
    api.remove(service.name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--swaps", type=int, default=48)
    parser.add_argument("--model", default="linear", choices=("linear", "forest"))
    given = parser.parse_args()
    warm()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_HOME"] = folder
        api = Workbench(Path(folder))
        try:
            row = versions(api, given.model)
            for workers in (1, 2):
                measured(api, given.model, row, workers, given.swaps, Path(folder))
        finally:
            api.shutdown(all=True)


if __name__ == "__main__":
    main()
