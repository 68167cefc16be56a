"""A notebook with its parameters and a kernel -> its cells executed by papermill, and an honest record of them."""

from __future__ import annotations

import functools
import json
import math
import os
import re
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

from ...errors import BadInput
from ..control import LOOK, Control
from . import parameters as tagged
from .hiding import Hiding
from .kernel import KILL, Kernel
from .outcome import Held, NotebookRun, Times

_END_SECONDS = 5.0
_KEEP_SECONDS = 1.0
_SHOWN = 300
_RAISES = "raises-exception"
_ARROW = re.compile(r"^-+> *(\d+) (.*)$", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_RAISED = "PapermillExecutionError"
_UNTOLD = "CellExecutionError: "
"""What is said of a cell that failed without an error in its outputs, as a magic that there is not does."""


def with_parameters(given: Path, values: dict[str, Any]) -> tuple[Any, int]:
    """The notebook with a cell after the tagged one that sets the values, as papermill marks it, and where that is; 0
    where there is none. BadInput."""
    import nbformat

    try:
        notebook = nbformat.read(given, as_version=4)
    except Exception as error:  # nbformat raises what it comes upon
        what = f"{given} is no notebook: {type(error).__name__}: {error}"
        raise BadInput(what, where=str(given), fix="save it again as .ipynb") from error
    for cell in notebook.cells:
        if cell.cell_type == "code":  # nbformat reads what lacks them, and does not write it
            cell.setdefault("outputs", [])
            cell.setdefault("execution_count", None)
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", ())]
    if not values:
        return notebook, 0
    place = next(i for i, cell in enumerate(notebook.cells) if tagged.TAG in cell.metadata.get("tags", ()))
    cell = nbformat.v4.new_code_cell(tagged.source(values), metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(place + 1, cell)
    return notebook, place + 1


class _Stopped(Exception):
    """It was told to stop, or its time was up, between two cells."""


class Execution:
    """One run. `cell` is counted as the notebook itself has its cells, without the one that sets the parameters."""

    def __init__(
        self,
        notebook: Any,
        injected: int,
        output: Path,
        control: Control,
        kernel: Kernel,
        hiding: Hiding,
        before: list[Any],
    ) -> None:
        self.notebook, self.injected, self.output = notebook, injected, output
        self.control, self.kernel, self.hiding, self.before = control, kernel, hiding, before
        self.cells = len(notebook.cells) - bool(injected)
        self.cell, self.title, self.complaint = 0, "", ""
        self.stopped = self.paused = self.late = False
        self.ended, self.asking = threading.Event(), threading.Lock()
        self.started = self.kept = time.monotonic()

    def run(self, scratch: Path, times: Times, record: dict[str, str]) -> NotebookRun:
        """Execute the cells that come after those `before`; `scratch` holds what papermill reads and writes, `record`
        is kept in the notebook."""
        import nbformat
        import papermill

        given, made = scratch / "given.ipynb", scratch / "made.ipynb"
        cells = self.notebook.cells
        nbformat.write(nbformat.from_dict({**self.notebook, "cells": cells[len(self.before) :]}), given)
        shutil.copyfile(given, made)
        error: BaseException | None = None
        watching = threading.Thread(target=self._watch, args=(times.run,), daemon=True)
        watching.start()
        try:
            papermill.execute_notebook(
                str(given),
                str(made),
                km=self.kernel.manager,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                execution_timeout=math.ceil(times.cell) if times.cell else None,
                on_cell_start=functools.partial(self._begun, made),
                start_timeout=60,
            )
        except Exception as raised:  # noqa: BLE001 whatever a cell raises is the run's result
            error = None if self._meant(raised) else raised
        finally:
            self.ended.set()
            watching.join()
        cells = self._save(made, error, record)
        return self._result(error, times, cells)

    def _begun(self, made: Path, cell: Any, cell_index: int, **_: Any) -> None:
        """Between two cells: wait while it is paused, and keep what is done."""
        while self._waits():
            time.sleep(LOOK)
        if self.stopped or self.late:
            raise _Stopped
        self.title = cell.source.partition("\n")[0][:80]
        index = cell_index + len(self.before)
        self.cell = index + (not self.injected or index < self.injected)
        if self.cell < 2 or time.monotonic() - self.kept > _KEEP_SECONDS:
            self.kept = time.monotonic()
            self._publish(made)

    def _waits(self) -> bool:
        """Whether it is paused; where that is told just now, it is known in a moment."""
        with self.asking:
            return self.paused and not self.stopped and not self.late

    def _publish(self, made: Path) -> None:
        """What is done so far, whole or not at all."""
        new = self.output.with_name(f".{self.output.name}.new")
        if self.hiding or self.before:
            there = json.loads(made.read_text(encoding="utf-8"))
            there["cells"] = [*self.before, *there["cells"]]
            self.hiding.cells(there["cells"])
            new.write_text(json.dumps(there), encoding="utf-8")
        else:
            shutil.copyfile(made, new)
        os.replace(new, self.output)

    def _watch(self, limit: float | None) -> None:
        """Tell the progress; interrupt the kernel when the run is to stop or takes longer than `limit`, and end it if
        it does not heed that. The control is asked by this thread alone."""
        told = 0
        while not self.ended.wait(LOOK):
            if self.cell != told:
                told = self.cell
                self.control.facts(cell=told, cells=self.cells, title=self.title)
            with self.asking:
                self.paused = self.control.paused()
            self.stopped = self.control.stopping()
            self.late = not self.stopped and limit is not None and time.monotonic() - self.started > limit
            if self.stopped or self.late:
                self.kernel.send(signal.SIGINT)
                if not self.ended.wait(_END_SECONDS):
                    self.kernel.send(KILL)
                return

    def _save(self, made: Path, error: BaseException | None, about: dict[str, str]) -> list[Any]:
        """The executed notebook, whole or not at all, with an honest record of what ran; the cells before the last one
        that was begun."""
        import nbformat

        notebook = nbformat.read(made, as_version=4)
        notebook.cells = [*self.before, *notebook.cells]
        marks = [cell for cell in notebook.cells if "papermill-error-cell-tag" in cell.metadata.get("tags", ())]
        cells = [cell for cell in notebook.cells if cell not in marks]
        failed = self.cell - (not self.injected or self.cell <= self.injected)
        for index, cell in enumerate(cells):
            record = cell.metadata.get("papermill")
            if record is not None and error is not None and index >= failed:
                record["status"] = "failed" if index == failed else "pending"
        if error is None:
            notebook.cells = cells
        elif failed < len(cells):
            self.complaint = _complaint(cells[failed])
        self.hiding.cells(notebook.cells)
        notebook.metadata.get("papermill", {}).update(exception=error is not None or None, **about)
        new = self.output.with_name(f".{self.output.name}.new")
        nbformat.write(notebook, new)
        os.replace(new, self.output)
        return cells[:failed]

    def _result(self, error: BaseException | None, times: Times, cells: list[Any]) -> NotebookRun:
        took = time.monotonic() - self.started
        state = "done" if error is None else "stopped" if self.stopped else "failed"
        said = self.hiding.text(self._said(error, times)) if error is not None and state == "failed" else ""
        raised = state == "failed" and not self.late and type(error).__name__ == _RAISED
        held = Held(self.kernel, cells) if raised and self.kernel.alive() else None
        line = self.hiding.text(_line(error)) if raised else ""
        return NotebookRun(state, str(self.output), self.cells, took, self.cell, said, line, held=held)

    def _said(self, error: BaseException, times: Times) -> str:
        """What a cell raised, or what became of the kernel."""
        kind = type(error).__name__
        if self.late:
            return f"the run took longer than {times.run:g} s"
        if kind == _RAISED:
            raised = f"{error.ename}: {error.evalue}"  # type: ignore[attr-defined]
            return (self.complaint or raised if raised == _UNTOLD else raised)[:_SHOWN]
        if kind == "DeadKernelError":
            return self.kernel.death()
        if kind == "CellTimeoutError":
            return f"it took longer than {times.cell:g} s"
        return f"{kind}: {error}"[:_SHOWN]

    def _meant(self, error: Exception) -> bool:
        """Whether all that was raised came from cells that are marked as Jupyter has it, and which ended nothing."""
        if type(error).__name__ != _RAISED:
            return False
        cell = self.notebook.cells[error.cell_index + len(self.before)]  # type: ignore[attr-defined]
        return _RAISES in cell.metadata.get("tags", ())


def _line(error: Any) -> str:
    """The line of its cell that has raised, with its number; empty for a cell that is no Python."""
    said = _COLOURS.sub("", "\n".join(error.traceback))
    return f"{found[2].strip()} · line {found[1]}"[:_SHOWN] if (found := _ARROW.search(said)) else ""


def _complaint(cell: Any) -> str:
    """What a cell wrote last to where errors go."""
    said = "".join(one.text for one in cell.get("outputs", ()) if one.get("name") == "stderr")
    return said.strip().rpartition("\n")[2]
