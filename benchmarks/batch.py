"""A Parquet file scored by Workbench, beside loops by hand, pandas, Dask, Ray Data, Spark and MLflow in Spark.

    python benchmarks/batch.py                        all of it: 5 million rows of 30 columns, about half an hour
    python benchmarks/batch.py --quick                300 000 rows, each once: some minutes
    python benchmarks/batch.py --rows 1000000 --model linear --only loop "workbench" Dask

Each job reads the same file and writes one column of predictions; `whole` ones write the input's columns too. The model
is a logistic regression or a forest of 100 trees (which gets a tenth of the rows), with one thread. Seconds count from
when all is imported and the model loaded: for Workbench from the call of `batch`, in a session whose pre-warmed process
has imported what the model needs, to the end of the run; for engines with their own start. `read`, `predict` and
`write` do that alone. Memory is that of all processes of a job at one time. What an engine answers is compared. Engines
are installed into environments of their own under `build/peers`; one that cannot be says why.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from measure.peak import Peak
from measure.processes import end
from models import fit, save, table
from peers.environments import NotInstalled, environment, installed
from pyarrow import dataset

from workbench.api import Workbench
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

HERE = Path(__file__).parent
COLUMNS, GROUP, LIMIT = 30, 250_000, 1800.0
REACH, MEMORY = 1.15, 600
BY_HAND = ("read", "predict", "write", "loop", "whole", "pandas")
ENGINES = {"Dask": "dask", "Ray Data": "ray", "Spark": "spark", "MLflow in Spark": "mlflow"}
OURS: dict[str, dict[str, Any]] = {
    "workbench": {"keep": "none"},
    "workbench --workers 2": {"keep": "none", "workers": 2},
    "workbench, whole": {},
}
ALL = (*BY_HAND[:4], *list(OURS)[:2], "whole", list(OURS)[2], "pandas", *ENGINES)
SILENT = ("read", "predict", "write")  # these answer nothing that could be compared

line, trees = fit("linear"), fit("forest")


def linear(rows: Any) -> Any:
    return line.predict_proba(rows)[:, 1]


def forest(rows: Any) -> Any:
    return trees.predict_proba(rows)[:, 1]


FUNCTIONS = {"linear": linear, "forest": forest}


class Failed(Exception):
    """Why a job has no figures."""


@dataclass(frozen=True)
class Took:
    """Seconds, and bytes of memory."""

    seconds: float
    memory: int


def make(file: Path, rows: int) -> None:
    """30 columns, row groups of a quarter of a million rows."""
    rng = np.random.default_rng(0)
    schema = pa.schema([(f"x_{i}", pa.float64()) for i in range(COLUMNS)])
    with pq.ParquetWriter(file, schema, use_dictionary=False) as writer:
        for start in range(0, rows, GROUP):
            values = rng.normal(size=(COLUMNS, min(GROUP, rows - start)))
            writer.write_table(pa.table(list(values), schema=schema))


def answered(out: Path) -> tuple[int, float]:
    """How many predictions there are, and their sum."""
    found = dataset.dataset(out, format="parquet").to_table(columns=["prediction"]).column("prediction")
    return len(found), pc.sum(found).as_py() or 0.0


class Contest:
    """One run: the folder that everything is in, the home of Workbench, and what was asked for."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options, self.api = folder, options, Workbench(folder / "home")
        save({"linear": line, "forest": trees}, folder)

    def tables(self) -> Iterator[str]:
        """The lines of each model's table, as they are done."""
        for model in self.options.model:
            rows = self.options.rows // (10 if model == "forest" else 1)
            given = self.folder / f"{model}.parquet"
            make(given, rows)
            size = f"{given.stat().st_size / 1e6:,.0f} MB".replace(",", " ")
            yield f"\n**{model}, {spaced(rows)} rows x {COLUMNS} columns, {size} of Parquet**\n"
            yield "| job | seconds | rows/s | of the loop | MB |"
            yield "| --- | --: | --: | --: | --: |"
            yield from self._lines(model, given, rows)
            given.unlink()

    def _lines(self, model: str, given: Path, rows: int) -> Iterator[str]:
        if any(name in OURS for name in self.options.only):
            self.api.model(model, FUNCTIONS[model], example=table(model), session=session_of_script())
        floors, expected = {}, None
        for name in self.options.only:
            print(f"{model}: {name} …", file=sys.stderr, flush=True)
            try:
                best = min((took for took in self._rounds(model, name, given)), key=lambda took: took.seconds)
                if name not in SILENT:
                    expected = self._compared(expected, rows)
            except (Failed, NotInstalled) as why:
                yield f"| {name} | {'not installed: ' * isinstance(why, NotInstalled)}{why} |"
                continue
            floors[name] = best.seconds
            floor = floors.get("whole" if "whole" in name else "loop")
            ratio = f"{best.seconds / floor:.2f}" if floor and name not in SILENT else ""
            rate = spaced(round(rows / best.seconds))
            yield f"| {name} | {best.seconds:.2f} | {rate} | {ratio} | {best.memory / 1e6:.0f} |"

    def _compared(self, expected: tuple[int, float] | None, rows: int) -> tuple[int, float]:
        number, total = answered(self.folder / "out")
        if number != rows or not math.isclose(total, (expected or (0, total))[1], rel_tol=1e-9):
            raise Failed(f"it answers otherwise: {number} predictions, their sum {total:.6g}")
        return number, total

    def _rounds(self, model: str, name: str, given: Path) -> Iterator[Took]:
        """Those of engines, which take long, once."""
        for _ in range(self.options.rounds if name not in ENGINES else 1):
            out = self.folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            out.unlink(missing_ok=True)
            if name in OURS:
                yield self._ours(model, given, out, **OURS[name])
            else:
                yield self._process(self._command(name), model, given, out)

    def _ours(self, model: str, given: Path, out: Path, **how: Any) -> Took:
        start = time.perf_counter()
        run = self.api.batch(model, str(given), output=str(out), **how)
        with Peak(run.refresh().job.process.pid) as peak:
            run.wait()
        return Took(time.perf_counter() - start, peak.bytes)

    @staticmethod
    def _command(name: str) -> list[str]:
        if name in BY_HAND:
            return [sys.executable, "-m", "peers.batch_by_hand", name]
        return [str(environment(name)), "-m", f"peers.batch_{ENGINES[name]}"]

    def _process(self, command: list[str], model: str, given: Path, out: Path) -> Took:
        quiet = dict.fromkeys(("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "RAY_USAGE_STATS_DISABLED"), "1")
        path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
        own = {"MODEL": model, "MODELS": str(self.folder), "PYTHONPATH": str(HERE), "PATH": path}
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        python = {"PYSPARK_PYTHON": command[0], "HOME": str(self.folder)}
        python |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}  # no name is looked up
        with (self.folder / "log").open("w+") as log:
            process = subprocess.Popen(
                [*command, str(given), str(out)],
                env=os.environ | own | threads | python | quiet,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
            try:
                return self._timed(process, log)
            finally:
                end(process)

    @staticmethod
    def _timed(process: subprocess.Popen[bytes], log: Any) -> Took:
        assert process.stdout
        with process.stdout as said, Peak(process.pid) as peak:
            ready = any(line.strip() == b"ready" for line in iter(said.readline, b""))
            start = time.perf_counter()
            code = process.wait(LIMIT)
        if code or not ready:
            log.seek(0)
            lines = [text.strip() for text in log.read().splitlines() if text.strip()]
            raise Failed((lines or ["it ended without a word"])[-1][:200])
        return Took(time.perf_counter() - start, peak.bytes)


def spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def chosen() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="300 000 rows, each job once")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts, but for engines")
    parser.add_argument("--model", nargs="+", choices=FUNCTIONS, default=list(FUNCTIONS))
    parser.add_argument("--only", nargs="+", metavar="JOB", choices=ALL, default=list(ALL), help=", ".join(ALL))
    options = parser.parse_args()
    if options.quick:
        options.rows, options.rounds = 300_000, 1
    return options


def _versions(only: list[str]) -> Iterator[str]:
    """Those of the engines; what is not there is installed before anything is measured."""
    for name in set(only) & set(ENGINES):
        with suppress(NotInstalled):
            environment(name)
            yield f"· {installed(name)}"


def main() -> None:
    options = chosen()
    os.environ["OMP_NUM_THREADS"] = "1"
    warm()
    about = f"{os.cpu_count()} processors, Python {platform.python_version()}, {date.today():%d %B %Y}"
    print(about, *_versions(options.only))
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(Path(folder), options)
        try:
            for text in contest.tables():
                print(text, flush=True)
        finally:
            contest.api.shutdown(all=True)
    print(f"\nto reach: workbench <= {REACH} x the loop, <= {MEMORY} MB; workbench, whole <= {REACH} x whole")


if __name__ == "__main__":
    main()
