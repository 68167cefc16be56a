"""A stream through the embedded log, 30 numbers of JSON a record: `python benchmarks/stream.py`.

The floors, in the same run on the same records: decoding, predicting and encoding alone, in memory; and a loop written
by hand for this model over a SQLite table, whose output and offset are on the disk after each micro-batch, as ours are.
The stream is a deployment like any other, from the moment that it is ready until nothing is left to read.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from sklearn.linear_model import LogisticRegression

from workbench.api import Workbench
from workbench.data import places
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

RECORDS, MOST = 600_000, 1000
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 30)).round(6)
logistic = LogisticRegression().fit(X, X[:, 0] > 0)


def linear(rows: Any) -> Any:
    return logistic.predict_proba(rows)[:, 1]


def batches(values: list[bytes]) -> Iterator[list[bytes]]:
    return (values[i : i + MOST] for i in range(0, len(values), MOST))


def answered(values: list[bytes]) -> bytes:
    """What the hand-written loops do with one micro-batch."""
    said = [orjson.loads(value) for value in values]
    answers = linear(np.array(said)).tolist()
    return b"".join(orjson.dumps({"x": x, "prediction": y}) + b"\n" for x, y in zip(said, answers, strict=True))


def alone(values: list[bytes]) -> None:
    for batch in batches(values):
        answered(batch)


def by_hand(folder: Path, values: list[bytes]) -> Callable[[], None]:
    """A log in SQLite and a loop over it, ready to run."""
    log = sqlite3.connect(folder / "log.db", isolation_level=None)
    log.execute("pragma journal_mode=wal")
    log.execute("pragma synchronous=normal")
    log.execute("create table records (offset integer primary key, value blob)")
    log.execute("create table done (offset integer)")
    log.execute("begin")
    log.executemany("insert into records (value) values (?)", ((value,) for value in values))
    log.execute("insert into done values (0)")
    log.execute("commit")
    return lambda: _loop(log, folder / "by_hand.jsonl")


def _loop(log: sqlite3.Connection, output: Path) -> None:
    done = 0
    with output.open("ab") as file:
        while rows := log.execute(
            "select offset, value from records where offset > ? limit ?", (done, MOST)
        ).fetchall():
            file.write(answered([value for _, value in rows]))
            file.flush()
            os.fsync(file.fileno())
            done = rows[-1][0]
            log.execute("update done set offset = ?", (done,))


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def deployed(api: Workbench, folder: Path, values: list[bytes]) -> float:
    """Seconds from ready to nothing left."""
    api.model("linear", linear, example=X, session=session_of_script())
    log = places.log("queue:numbers")
    log.append(values)
    stream = api.stream("linear", "queue:numbers", output=str(folder / "out.jsonl"), most=MOST)
    start = time.perf_counter() - (time.time() - stream.job.since)
    while log.offsets().get("linear") != len(values):  # what it tells of itself comes once a second
        time.sleep(0.005)
    return time.perf_counter() - start


def row(name: str, took: float, floor: float) -> None:
    print(f"{name:28}{RECORDS / took:12,.0f}/s{floor / took:9.2f} ×")


def main() -> None:
    values = [orjson.dumps(x.tolist()) for x in X] * (RECORDS // len(X))
    warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = seconds(lambda: alone(values))
        loop = seconds(by_hand(folder, values))
        api = Workbench(folder / "home")
        os.environ["WORKBENCH_HOME"] = str(folder / "home")
        try:
            ours = deployed(api, folder, values)
        finally:
            api.shutdown(all=True)
    for label, took in (("decode, predict, encode", own), ("loop by hand over SQLite", loop), ("stream", ours)):
        row(label, took, loop)


if __name__ == "__main__":
    main()
