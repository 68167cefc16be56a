"""A notebook and points -> a run for each of them, some at once, and a table that compares what they handed back."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ... import text
from ...bundle.storage import writing
from ...errors import WorkbenchError
from ..control import LOOK, Control, Foreground
from . import parameters
from .comparison import COMPARISON, best_of, row, words
from .kernel import Ahead, Kernel
from .notebook import run_notebook
from .outcome import ANY_TIME, NotebookRun, Times

_SLUG = re.compile(r"[^\w.=+-]+")
_LONGEST = 80
Point = dict[str, Any]
RunPoint = Callable[..., NotebookRun]
"""Runs one point elsewhere, in a kernel of this name in this folder, given what `run_notebook` is given."""


@dataclass(frozen=True)
class Swept:
    """What became of a sweep: `points` holds for each its parameters, state and results; `best` is the number of the
    best of them, from 1."""

    state: str
    output: str
    points: list[dict[str, Any]]
    seconds: float
    best: int = 0
    by: str = ""

    def __str__(self) -> str:
        failed = [point for point in self.points if point["state"] == "failed"]
        if self.state == "failed":
            first = failed[0]
            return (
                f"{len(failed)} of {text.count(len(self.points), 'point')} failed, the first in cell {first['cell']}: "
                f"{first['error']}"
            )
        return f"{self.state} · {text.count(len(self.points), 'point')} in {text.seconds(self.seconds)} → {self.output}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "got": self.got, "report": [str(file) for file in self.report]}

    @property
    def got(self) -> str:
        """The best point, in words."""
        return words(self.points, self.best)

    @property
    def report(self) -> list[Path]:
        """The table that compares the points."""
        return [Path(self.output) / COMPARISON]


@dataclass(frozen=True)
class Sweep:
    """What is run: a notebook, and its parameters at each point; `at_once` so many at a time; the best by a result
    (`auc`, `loss:min`). In a `folder` other than the notebook's own, or in a `kernel` that is installed, if named."""

    notebook: Path
    points: list[Point]
    at_once: int
    best: str = ""
    times: Times = ANY_TIME
    folder: Path | None = None
    kernel: str | None = None


def run_sweep(
    sweep: Sweep,
    output: Path,
    *,
    control: Control | None = None,
    given: Path | None = None,
    scratch: Path,
    elsewhere: RunPoint | None = None,
) -> Swept:
    """Run all points whose end is not kept in `scratch`, `output` being the folder of the executed notebooks and of the
    table that compares them. `given` is a copy of the notebook that is run in its place; `elsewhere` runs points on
    other machines. Points that fail stop no others."""
    with writing(output):
        for folder in (output, scratch / "points"):
            folder.mkdir(parents=True, exist_ok=True)
        return _Sweeping(sweep, given or sweep.notebook, output, control or Foreground(), scratch, elsewhere).run()


class _Sweeping:
    """One attempt."""

    def __init__(
        self, sweep: Sweep, given: Path, output: Path, control: Control, scratch: Path, elsewhere: RunPoint | None
    ) -> None:
        sweep = replace(sweep, points=[parameters.check(given, point) for point in sweep.points])
        self.sweep, self.given, self.output, self.control, self.scratch = sweep, given, output, control, scratch
        self.elsewhere, self.lock = elsewhere, threading.Lock()
        self.started = time.monotonic()
        self.seen = [_begun(point) for point in sweep.points]
        for i, point in enumerate(sweep.points):
            self.seen[i] |= self._kept(point)

    def run(self) -> Swept:
        todo = [i for i, seen in enumerate(self.seen) if seen["state"] != "done"]
        self._compare()
        folder = self.sweep.folder or self.sweep.notebook.parent
        ahead = Ahead(folder, self.scratch, 0 if self.elsewhere else len(todo), self.sweep.kernel)
        try:
            self._all(todo, ahead)
        finally:
            ahead.close()
        return self._result()

    def _all(self, todo: list[int], ahead: Ahead) -> None:
        with ThreadPoolExecutor(self.sweep.at_once) as pool:
            left = {pool.submit(self._point, i, ahead) for i in todo}
            while left:
                done, left = wait(left, timeout=LOOK, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
                self._tell()

    def _point(self, i: int, ahead: Ahead) -> None:
        """Run one point; what becomes of it is kept once it has ended by itself."""
        point, name = self.sweep.points[i], _name(i, self.sweep.points[i], len(self.sweep.points))
        while self.control.paused() and not self.control.stopping():
            time.sleep(LOOK)
        if self.control.stopping():
            return
        own = _OfOne(self.control, lambda facts: self._saw(i, facts))
        try:
            found = self._run(point, self.output / f"{name}.ipynb", own, ahead.take)
        except WorkbenchError as error:
            self._saw(i, {"state": "failed", "error": error.what})
            return
        self._saw(i, found.to_json())
        if found.state != "stopped":
            self._keep(point, found)
            self._compare()

    def _run(self, point: Point, output: Path, control: Control, start: Callable[[], Kernel]) -> NotebookRun:
        keep = self.output / "results" / output.stem
        how: dict[str, Any] = {"control": control, "given": self.given, "times": self.sweep.times, "keep": keep}
        if self.elsewhere is not None:
            place = {"folder": self.sweep.folder or self.sweep.notebook.parent, "kernel": self.sweep.kernel}
            return self.elsewhere(self.sweep.notebook, output, point, **how, **place)
        return run_notebook(self.sweep.notebook, output, point, scratch=self.scratch, start=start, **how)

    def _saw(self, i: int, facts: Mapping[str, Any]) -> None:
        with self.lock:
            self.seen[i] |= facts

    def _tell(self) -> None:
        with self.lock:
            points = [dict(seen) for seen in self.seen]
        best, _ = best_of(points, self.sweep.best)
        self.control.facts(points=points, output=str(self.output), best=best, by=self.sweep.best)

    def _kept(self, point: Point) -> dict[str, Any]:
        """How the point has ended before; nothing where it has not, or failed, and is to be run again."""
        try:
            found: dict[str, Any] = json.loads(self._file(point).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found if found["state"] == "done" and Path(found["output"]).is_file() else {}

    def _keep(self, point: Point, found: NotebookRun) -> None:
        new = self._file(point).with_suffix(".new")
        new.write_text(json.dumps(found.to_json()), encoding="utf-8")
        os.replace(new, self._file(point))

    def _file(self, point: Point) -> Path:
        said = json.dumps(sorted(parameters.portable(point).items()), default=repr)
        return self.scratch / "points" / f"{hashlib.sha256(said.encode()).hexdigest()[:32]}.json"

    def _compare(self) -> None:
        """Write the table that compares them, whole or not at all."""
        with self.lock:
            rows = [row(i, seen) for i, seen in enumerate(self.seen, 1)]
            names = list(dict.fromkeys(name for one in rows for name in one))
            new = self.output / f".{COMPARISON}.new"
            with open(new, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(rows)
            os.replace(new, self.output / COMPARISON)

    def _result(self) -> Swept:
        states = {seen["state"] for seen in self.seen}
        state = "done" if states <= {"done"} else "stopped" if self.control.stopping() else "failed"
        best, by = best_of(self.seen, self.sweep.best)
        return Swept(state, str(self.output), self.seen, time.monotonic() - self.started, best, by)


class _OfOne:
    """The control of one point: it is steered with all, and tells of itself alone."""

    def __init__(self, control: Control, saw: Callable[[Mapping[str, Any]], None]) -> None:
        self.stopping, self.paused = control.stopping, control.paused
        self._saw = saw

    def facts(self, **facts: Any) -> None:
        self._saw({"state": "ready", **facts})

    def state(self, state: str, reason: str = "") -> None:
        pass


def _begun(point: Point) -> dict[str, Any]:
    return {"parameters": parameters.portable(point), "state": "starting", "results": {}}


def _name(i: int, point: Point, number: int) -> str:
    """`07-depth=3,rate=0.1`."""
    said = ",".join(f"{name}={value}" for name, value in parameters.portable(point).items())
    return f"{i + 1:0{len(str(number))}}-{_SLUG.sub('_', said.replace(',', '+'))[:_LONGEST]}"
