"""One Parquet file, one column of predictions: rows a second from the call to the end of the run, a cluster that is
started for it included."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import dataset

from .jobs import Run, by_hand, on, until

SCRIPTS = {"ray": "batch_ray", "spark": "batch_spark"}
_COLUMNS, _GROUP = 30, 50_000


def prepare(run: Run) -> None:
    """Write the file that all read."""
    schema = pa.schema([(f"x_{i}", pa.float64()) for i in range(_COLUMNS)])
    rng = np.random.default_rng(0)
    with pq.ParquetWriter(run.folder / "in.parquet", schema, use_dictionary=False) as writer:
        for start in range(0, run.rows, _GROUP):
            values = rng.normal(size=(_COLUMNS, min(_GROUP, run.rows - start)))
            writer.write_table(pa.table(list(values), schema=schema))


def ours(run: Run, engine: str, workers: int) -> float:
    return max(_ours(run, engine, workers) for _ in range(run.rounds))


def hand(run: Run, engine: str, workers: int) -> float:
    return max(_hand(run, engine, workers) for _ in range(run.rounds))


def _ours(run: Run, engine: str, workers: int) -> float:
    out, given = _out(run), str(run.folder / "in.parquet")
    start = time.perf_counter()
    run.api.batch("linear", given, output=str(out), keep="none", workers=workers, wait=True, **on(engine))
    return _rate(run, time.perf_counter() - start)


def _hand(run: Run, engine: str, workers: int) -> float:
    out, start = _out(run), time.perf_counter()
    with by_hand(run, SCRIPTS[engine], run.folder / "in.parquet", out, workers) as process:
        until(lambda: process.poll() is not None, f"{SCRIPTS[engine]} did not end")
        took = time.perf_counter() - start
    return _rate(run, took)


def _out(run: Run) -> Path:
    shutil.rmtree(out := run.folder / "out", ignore_errors=True)
    return out


def _rate(run: Run, seconds: float) -> float:
    found = dataset.dataset(run.folder / "out", format="parquet").count_rows()
    assert found == run.rows, f"{found} predictions for {run.rows} rows"
    return run.rows / seconds
