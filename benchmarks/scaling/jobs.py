"""Where everything of a run is, and jobs by hand as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure.growing import Failed
from measure.processes import end

from workbench.api import Workbench
from workbench.errors import NotFound

HERE = Path(__file__).parents[1]
PATIENCE = 180.0
_LOOK = 0.005


@dataclass(frozen=True)
class Run:
    """A folder, the home of Workbench in it, the rows of a batch, the records of a stream, the seconds of a load, and
    how often each is measured."""

    folder: Path
    api: Workbench
    rows: int
    records: int
    seconds: float
    rounds: int


class Rate(float):
    """So many a second, and those that were asked for besides and not answered, by what became of them."""

    def __new__(cls, rate: float, broken: Counter[str]) -> Rate:
        made = super().__new__(cls, rate)
        made.broken = broken
        return made

    broken: Counter[str]

    def __str__(self) -> str:
        failed = ", ".join(f"{what} × {count:,}" for what, count in self.broken.most_common())
        return f"{self:,.0f}/s" + (f" (failed: {failed})" if failed else "")


def on(engine: str) -> dict[str, Any]:
    """What a verb is told of an engine; nothing for this machine."""
    return {"engine": engine} if engine else {}


def ended(run: Run, name: str) -> None:
    """Stop and remove what runs under this name, if it was ever begun: one that is late would take from the next."""
    with suppress(NotFound):
        run.api.stop(name)
        run.api.remove(name)


@contextmanager
def by_hand(run: Run, script: str, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """A job that was written by hand, until the block ends; Failed with what it said where it ended before."""
    own = {"MODEL": "linear", "MODELS": str(run.folder), "PYTHONPATH": str(HERE), "RAY_USAGE_STATS_ENABLED": "0"}
    env = os.environ | own | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, "-m", f"peers.{script}", *map(str, words)]
    log = run.folder / f"{script}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=env, stdout=file, stderr=file, cwd=run.folder, start_new_session=True)
    try:
        yield process
        if process.poll():
            raise Failed(f"{script}: {log.read_text(errors='replace').strip()[-300:]}")
    finally:
        end(process)


def until(true: Callable[[], Any], what: str) -> None:
    """Wait for a condition. Failed where it does not come."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() > begun + PATIENCE:
            raise Failed(what)
        time.sleep(_LOOK)
