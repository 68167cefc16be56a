"""A notebook and parameters -> the executed notebook, through papermill; what became of it is told by this, not by
papermill's own record, which calls cells completed that a dead kernel never ran."""

from __future__ import annotations

import functools
import math
import os
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ... import text
from ...bundle.storage import writing
from ...errors import BadInput, UsageError
from ..control import LOOK, Control, Foreground
from . import kernel
from . import parameters as tagged

_END_SECONDS = 5.0
_KEEP_SECONDS = 1.0
_SHOWN = 300
_RAISES = "raises-exception"


@dataclass(frozen=True)
class NotebookRun:
    """What became of a run: `state` is done, failed or stopped; where it failed, `cell` (from 1) and `error`."""

    state: str
    output: str
    cells: int
    seconds: float
    cell: int = 0
    error: str = ""

    def __str__(self) -> str:
        if self.state == "failed":
            return f"{Path(self.output).name} failed in cell {self.cell}: {self.error}"
        early = f", ended by cell {self.cell}" * (self.state == "done" and self.cell < self.cells)
        return f"{self.state} · {text.count(self.cells, 'cell')}{early} in {text.seconds(self.seconds)} → {self.output}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def run_notebook(
    notebook: Path,
    output: Path,
    parameters: dict[str, Any],
    *,
    control: Control | None = None,
    folder: Path | None = None,
    timeout: float | None = None,
    scratch: Path | None = None,
) -> NotebookRun:
    """Run a notebook in a kernel of this interpreter, in `folder` (its own); the executed one is `output`, which holds
    what is done so far from the first cell on.

    `timeout` is in seconds, for each cell; `scratch` is a folder for what is written meanwhile. UsageError for
    parameters that do not fit, before a kernel starts. A cell that fails, a kernel that dies and a time that is up are
    no errors but the state `failed`.
    """
    check(notebook, output, timeout)
    values = tagged.check(notebook, parameters)
    with writing(output.parent):
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            execution = _Execution(notebook, output, values, control or Foreground(), folder or notebook.parent)
            return execution.run(Path(place), timeout)


def check(notebook: Path, output: Path | None, timeout: float | None) -> None:
    """UsageError for an output or a time that cannot be, and for a notebook of another language; BadInput for none."""
    if output and os.path.realpath(output) == os.path.realpath(notebook):
        raise UsageError(f"the output is the notebook itself, {notebook}", fix="name another output")
    if output and output.is_dir():
        raise UsageError(f"the output {output} is a folder", fix=f"name a file: {output / notebook.name}")
    if timeout is not None and not timeout > 0:
        raise UsageError(f"a cell cannot take {timeout:g} s at most", fix="name a time of more than 0 seconds")
    metadata = tagged.content(notebook).get("metadata", {})
    language = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    if language and language.lower() not in ("python", "ipython"):
        raise UsageError(f"{notebook.name} is a notebook of {language}, not of Python", fix="run it with its own tools")


class _Stopped(Exception):
    """It was told to stop between two cells."""


class _Execution:
    """One run. `cell` is counted as the notebook itself has its cells, without the one that sets the parameters."""

    def __init__(self, notebook: Path, output: Path, values: dict[str, Any], control: Control, folder: Path) -> None:
        self.notebook, self.output, self.values = notebook, output, values
        self.control, self.folder = control, folder
        self.cell, self.title = 0, ""
        self.cells = self.injected = 0
        self.stopped = self.paused = False
        self.ended = threading.Event()
        self.started = self.kept = time.monotonic()

    def run(self, scratch: Path, timeout: float | None) -> NotebookRun:
        """Execute it; `scratch` holds what papermill reads and writes."""
        import nbformat
        import papermill

        notebook = self._with_parameters()
        given, made = scratch / "given.ipynb", scratch / "made.ipynb"
        nbformat.write(notebook, given)
        shutil.copyfile(given, made)
        manager = kernel.make()
        error: BaseException | None = None
        watching = threading.Thread(target=self._watch, args=(manager,), daemon=True)
        watching.start()
        try:
            papermill.execute_notebook(
                str(given),
                str(made),
                cwd=str(self.folder),
                km=manager,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                execution_timeout=math.ceil(timeout) if timeout else None,
                on_cell_start=functools.partial(self._begun, made),
                start_timeout=60,
            )
        except Exception as raised:  # noqa: BLE001 whatever a cell raises is the run's result
            error = None if _meant(raised, notebook) else raised
        finally:
            self.ended.set()
            watching.join()
            kernel.end(manager)
        self._save(made, error)
        return self._result(error, timeout)

    def _with_parameters(self) -> Any:
        """The notebook with a cell after the tagged one that sets the values, as papermill marks it."""
        import nbformat

        try:
            notebook = nbformat.read(self.notebook, as_version=4)
        except Exception as error:  # nbformat raises what it comes upon
            what = f"{self.notebook} is no notebook: {type(error).__name__}: {error}"
            raise BadInput(what, where=str(self.notebook), fix="save it again as .ipynb") from error
        for cell in notebook.cells:
            if cell.cell_type == "code":  # nbformat reads what lacks them, and does not write it
                cell.setdefault("outputs", [])
                cell.setdefault("execution_count", None)
        injected = [cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", ())]
        notebook.cells = [cell for cell in notebook.cells if cell not in injected]
        self.cells = len(notebook.cells)
        if self.values:
            place = next(i for i, cell in enumerate(notebook.cells) if tagged.TAG in cell.metadata.get("tags", ()))
            cell = nbformat.v4.new_code_cell(tagged.source(self.values), metadata={"tags": ["injected-parameters"]})
            self.injected = place + 1
            notebook.cells.insert(self.injected, cell)
        return notebook

    def _begun(self, made: Path, cell: Any, cell_index: int, **_: Any) -> None:
        """Between two cells: wait while it is paused, and keep what is done."""
        while self.paused and not self.stopped:
            time.sleep(LOOK)
        if self.stopped:
            raise _Stopped
        self.title = cell.source.partition("\n")[0][:80]
        self.cell = cell_index + (not self.injected or cell_index < self.injected)
        if self.cell < 2 or time.monotonic() - self.kept > _KEEP_SECONDS:
            self.kept = time.monotonic()
            new = self.output.with_name(f".{self.output.name}.new")
            shutil.copyfile(made, new)
            os.replace(new, self.output)

    def _watch(self, manager: Any) -> None:
        """Tell the progress; interrupt the kernel when the run is to stop, and end it if it does not heed that. The
        control is asked by this thread alone."""
        told = 0
        while not self.ended.wait(LOOK):
            if self.cell != told:
                told = self.cell
                self.control.facts(cell=told, cells=self.cells, title=self.title)
            self.paused = self.control.paused()
            if self.control.stopping():
                self.stopped = True
                kernel.send(manager, signal.SIGINT)
                if not self.ended.wait(_END_SECONDS):
                    kernel.send(manager, kernel.KILL)
                return

    def _save(self, made: Path, error: BaseException | None) -> None:
        """The executed notebook, whole or not at all, with an honest record of what ran."""
        import nbformat

        notebook = nbformat.read(made, as_version=4)
        marks = [cell for cell in notebook.cells if "papermill-error-cell-tag" in cell.metadata.get("tags", ())]
        cells = [cell for cell in notebook.cells if cell not in marks]
        failed = self.cell - (not self.injected or self.cell <= self.injected)
        for index, cell in enumerate(cells):
            record = cell.metadata.get("papermill")
            if record is not None and error is not None and index >= failed:
                record["status"] = "failed" if index == failed else "pending"
        if error is None:
            notebook.cells = cells
        record = notebook.metadata.get("papermill", {})
        record.update(exception=error is not None or None, input_path=str(self.notebook), output_path=str(self.output))
        new = self.output.with_name(f".{self.output.name}.new")
        nbformat.write(notebook, new)
        os.replace(new, self.output)

    def _result(self, error: BaseException | None, timeout: float | None) -> NotebookRun:
        took = time.monotonic() - self.started
        state = "done" if error is None else "stopped" if self.stopped else "failed"
        said = _said(error, timeout) if error is not None and state == "failed" else ""
        return NotebookRun(state, str(self.output), self.cells, took, self.cell, said)


def _meant(error: Exception, notebook: Any) -> bool:
    """Whether all that was raised came from cells that are marked as Jupyter has it, and which ended nothing."""
    if type(error).__name__ != "PapermillExecutionError":
        return False
    cell = notebook.cells[error.cell_index]  # type: ignore[attr-defined]
    return _RAISES in cell.metadata.get("tags", ())


def _said(error: BaseException, timeout: float | None) -> str:
    """What a cell raised, or what became of the kernel."""
    kind = type(error).__name__
    if kind == "PapermillExecutionError":
        return f"{error.ename}: {error.evalue}"[:_SHOWN]  # type: ignore[attr-defined]
    if kind == "DeadKernelError":
        return "its kernel died: killed, out of memory, or ended by a cell itself"
    if kind == "CellTimeoutError":
        return f"it took longer than {timeout:g} s"
    return f"{kind}: {error}"[:_SHOWN]
