"""Batches, services and streams on engines: what each does a second by workers, beside this machine, and beside a job
by hand in the engine itself.

    python benchmarks/scale.py                    all of it on Ray and Spark, 1 and 2 workers: about 10 minutes
    python benchmarks/scale.py --only ray --pattern serving --workers 1 2 4

The same logistic regression of 30 numbers everywhere, with one thread: a batch reads a Parquet file and writes one
column; a service is asked for one row at a time over 64 connections; a stream answers records of JSON into files that
are on the disk. A batch counts from the call to its end, a cluster of its own included, for Workbench as for the job by
hand; services and streams once they answer. The ratio is how much more time Workbench takes for each than the job by
hand: <= 1.1 is to be reached. Requests that failed are no answers, and stand beside the figure with their status.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure.growing import Failed
from models import fit, save, table
from scaling import batches, services, streams
from scaling.jobs import Rate, Run

from workbench.api import Workbench
from workbench.errors import WorkbenchError
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

REACH = 1.1
PATTERNS: dict[str, Any] = {"batch": batches, "serving": services, "streaming": streams}
ENGINES = {"": "", "ray": "ray", "spark": "pyspark"}
"""By what each is called in `--engine` (nothing: this machine), the module that it needs."""
line = fit("linear")


def linear(rows: Any) -> Any:
    return line.predict_proba(rows)[:, 1]


def lines(run: Run, options: argparse.Namespace) -> Iterator[str]:
    """The lines of the table, as they are done."""
    for name in options.pattern:
        pattern = PATTERNS[name]
        pattern.prepare(run)
        for engine in ENGINES:
            if engine and (engine not in options.only or engine not in pattern.SCRIPTS):
                continue
            if engine and find_spec(ENGINES[engine]) is None:
                yield f"| {name} | {engine} | | not installed | | |"
                continue
            for workers in options.workers:
                yield f"| {name} | {engine or 'local'} | {workers} | {measured(run, pattern, engine, workers)} |"


def measured(run: Run, pattern: Any, engine: str, workers: int) -> str:
    """Ours, by hand, and the ratio."""
    try:
        ours = pattern.ours(run, engine, workers)
        hand = pattern.hand(run, engine, workers) if engine else 0.0
    except (Failed, WorkbenchError) as error:
        return f"failed: {str(error).splitlines()[0]} | |"
    return f"{figure(ours)} | " + (f"{figure(hand)} | {hand / ours:.2f}" if hand else " | ")


def figure(rate: float) -> str:
    """How much a second, with what failed."""
    return str(rate) if isinstance(rate, Rate) else f"{rate:,.0f}/s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[name for name in ENGINES if name], default=list(ENGINES)[1:])
    parser.add_argument("--pattern", nargs="+", choices=PATTERNS, default=list(PATTERNS))
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", type=int, default=1_000_000, help="of a batch")
    parser.add_argument("--records", type=int, default=200_000, help="of a stream")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a load")
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many counts")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in ("RAY_ADDRESS", "SPARK_REMOTE", "SPARK_MASTER"):
        os.environ.pop(name, None)
    warm()
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}, {date.today():%d %B %Y}\n")
    print("| pattern | engine | workers | Workbench | by hand | ratio |\n| --- | --- | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["WORKBENCH_HOME"] = str(folder / "home")
        save({"linear": line}, folder)
        api = Workbench(folder / "home")
        run = Run(folder, api, options.rows, options.records, options.seconds, options.rounds)
        try:
            api.model("linear", linear, example=table("linear"), session=session_of_script())
            for text in lines(run, options):
                print(text, flush=True)
        finally:
            api.shutdown(all=True)
    print(f"\nto reach: <= {REACH} x the job by hand")


if __name__ == "__main__":
    main()
