"""Batches on engines: throughput by workers beside this machine's, and beside a job by hand in the engine itself.

    python benchmarks/scale.py                    a million rows of 30 columns, 1 and 2 workers: some minutes
    python benchmarks/scale.py --rows 5000000 --workers 1 2 4

Each job reads the same Parquet file and writes one column of predictions of a logistic regression, with one thread.
Seconds count from the call to the end of the run; an engine starts a cluster of its own within them, for Workbench as
for the job by hand. Where it is by hand, the ratio is Workbench's seconds to those: <= 1.1 is to be reached.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from models import fit, save, table
from pyarrow import dataset

from workbench.api import Workbench
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

HERE = Path(__file__).parent
COLUMNS, GROUP, REACH = 30, 50_000, 1.1
line = fit("linear")


def linear(rows: Any) -> Any:
    return line.predict_proba(rows)[:, 1]


@dataclass(frozen=True)
class Engine:
    """What it is called in `--engine` (nothing: this machine), the module that it needs, and the peer's script that
    does the same by hand: `SCRIPT INPUT OUTPUT WORKERS`."""

    name: str
    module: str = ""
    script: str = ""


ENGINES = (Engine(""), Engine("ray", "ray", "peers.batch_ray"), Engine("spark", "pyspark", "peers.batch_spark"))
"""Another engine is another line here."""


class Scale:
    """One run: the folder that everything is in, and the home of Workbench."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows, self.api = folder, rows, Workbench(folder / "home")
        save({"linear": line}, folder)
        self.given, self.out = folder / "in.parquet", folder / "out"
        schema = pa.schema([(f"x_{i}", pa.float64()) for i in range(COLUMNS)])
        rng = np.random.default_rng(0)
        with pq.ParquetWriter(self.given, schema, use_dictionary=False) as writer:
            for start in range(0, rows, GROUP):
                values = rng.normal(size=(COLUMNS, min(GROUP, rows - start)))
                writer.write_table(pa.table(list(values), schema=schema))
        self.api.model("linear", linear, example=table("linear"), session=session_of_script())

    def lines(self, workers: list[int], rounds: int) -> Iterator[str]:
        """The lines of the table, as they are done."""
        for engine in ENGINES:
            if engine.module and find_spec(engine.module) is None:
                yield f"| {engine.name} | | not installed |"
                continue
            for number in workers:
                ours = self._best(rounds, lambda e=engine, n=number: self._ours(e, n))
                hand = self._best(rounds, lambda e=engine, n=number: self._by_hand(e, n)) if engine.script else 0.0
                beside = f"{hand:.2f} | {ours / hand:.2f}" if hand else " | "
                yield f"| {engine.name or 'local'} | {number} | {ours:.2f} | {self.rows / ours:,.0f} | {beside} |"

    def _best(self, rounds: int, job: Callable[[], float]) -> float:
        return min(job() for _ in range(rounds))

    def _ours(self, engine: Engine, workers: int) -> float:
        shutil.rmtree(self.out, ignore_errors=True)
        how = {"engine": engine.name} if engine.name else {}
        start = time.perf_counter()
        self.api.batch("linear", str(self.given), output=str(self.out), keep="none", workers=workers, wait=True, **how)
        return self._whole(time.perf_counter() - start)

    def _by_hand(self, engine: Engine, workers: int) -> float:
        shutil.rmtree(self.out, ignore_errors=True)
        own = {"MODEL": "linear", "MODELS": str(self.folder), "PYTHONPATH": str(HERE), "RAY_USAGE_STATS_ENABLED": "0"}
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", engine.script, str(self.given), str(self.out), str(workers)]
        start = time.perf_counter()
        subprocess.run(command, env=os.environ | own | threads, check=True, capture_output=True, cwd=self.folder)
        return self._whole(time.perf_counter() - start)

    def _whole(self, seconds: float) -> float:
        found = dataset.dataset(self.out, format="parquet").count_rows()
        assert found == self.rows, f"{found} predictions for {self.rows} rows"
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many counts")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in ("RAY_ADDRESS", "SPARK_REMOTE", "SPARK_MASTER"):
        os.environ.pop(name, None)
    warm()
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}, {date.today():%d %B %Y}\n")
    print("| engine | workers | seconds | rows/s | by hand | ratio |\n| --- | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        scale = Scale(Path(folder), options.rows)
        try:
            for text in scale.lines(options.workers, options.rounds):
                print(text, flush=True)
        finally:
            scale.api.shutdown(all=True)
    print(f"\nto reach: <= {REACH} x the job by hand")


if __name__ == "__main__":
    main()
