"""A notebook and parameters -> the executed notebook, through papermill; what became of it is told by this, not by
papermill's own record, which calls cells completed that a dead kernel never ran."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ... import text
from ...bundle.storage import writing
from ...errors import UsageError
from ..control import LOOK, Control, Foreground
from . import parameters as tagged

_END_SECONDS = 10.0
_SHOWN = 300


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
            return f"{Path(self.output).name} failed in cell {self.cell}: {self.error}\n  see   {self.output}"
        return f"{self.state} · {text.count(self.cells, 'cell')} in {text.seconds(self.seconds)} → {self.output}"

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
) -> NotebookRun:
    """Run a notebook in a kernel of this interpreter, in `folder` (its own); the executed one is `output`.

    `timeout` is in seconds, for each cell. UsageError for parameters that do not fit, before a kernel starts. A cell
    that fails, a kernel that dies and a time that is up are no errors but the state `failed`.
    """
    if output.absolute() == notebook.absolute():
        raise UsageError(f"the output is the notebook itself, {notebook}", fix="name another output")
    values = tagged.check(notebook, parameters)
    with writing(output.parent):
        output.parent.mkdir(parents=True, exist_ok=True)
    return _Execution(notebook, output, values, control or Foreground(), folder or notebook.parent, timeout).run()


class _Execution:
    """One run."""

    def __init__(
        self,
        notebook: Path,
        output: Path,
        values: dict[str, Any],
        control: Control,
        folder: Path,
        timeout: float | None,
    ) -> None:
        self.notebook, self.output, self.values = notebook, output, values
        self.control, self.folder, self.timeout = control, folder, timeout
        self.cell = self.cells = 0
        self.stopped = False
        self.ended = threading.Event()
        self.started = time.monotonic()

    def run(self) -> NotebookRun:
        import nbformat
        import papermill
        from jupyter_client.manager import KernelManager

        notebook = self._with_parameters()
        self.cells = len(notebook.cells)
        manager = KernelManager(kernel_cmd=_command())
        error: BaseException | None = None
        with tempfile.TemporaryDirectory() as scratch:
            given, made = Path(scratch, "given.ipynb"), Path(scratch, "made.ipynb")
            nbformat.write(notebook, given)
            watching = threading.Thread(target=self._watch, args=(manager,), daemon=True)
            watching.start()
            try:
                papermill.execute_notebook(
                    str(given),
                    str(made),
                    cwd=str(self.folder),
                    km=manager,
                    progress_bar=False,
                    execution_timeout=int(self.timeout) if self.timeout else None,
                    on_cell_start=self._begun,
                    request_save_on_cell_execute=False,
                    start_timeout=60,
                )
            except Exception as raised:  # noqa: BLE001 whatever a cell raises is the run's result
                error = raised
            finally:
                self.ended.set()
                watching.join()
                _end(manager)
            self._save(made if made.exists() else given, error)
        return self._result(error)

    def _with_parameters(self) -> Any:
        """The notebook with a cell after the tagged one that sets the values, as papermill marks it."""
        import nbformat

        notebook = nbformat.read(self.notebook, as_version=4)
        injected = [cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", ())]
        notebook.cells = [cell for cell in notebook.cells if cell not in injected]
        if self.values:
            place = next(i for i, cell in enumerate(notebook.cells) if tagged.TAG in cell.metadata.get("tags", ()))
            cell = nbformat.v4.new_code_cell(tagged.source(self.values), metadata={"tags": ["injected-parameters"]})
            notebook.cells.insert(place + 1, cell)
        return notebook

    def _begun(self, cell: Any, cell_index: int, **_: Any) -> None:
        self.cell = cell_index + 1
        self.control.facts(cell=self.cell, cells=self.cells, title=cell.source.partition("\n")[0][:80])

    def _watch(self, manager: Any) -> None:
        """Interrupt the kernel when the run is to stop; end it if it does not heed that."""
        while not self.ended.wait(LOOK):
            if self.control.stopping():
                self.stopped = True
                with contextlib.suppress(Exception):
                    manager.interrupt_kernel()
                if not self.ended.wait(_END_SECONDS):
                    with contextlib.suppress(Exception):
                        manager._kill_kernel()
                return

    def _save(self, made: Path, error: BaseException | None) -> None:
        """The executed notebook, whole or not at all, with an honest record of what ran."""
        import nbformat

        notebook = nbformat.read(made, as_version=4)
        for number, cell in enumerate(notebook.cells, 1):
            record = cell.metadata.get("papermill")
            if record is not None and error is not None and number >= self.cell:
                record["status"] = "failed" if number == self.cell else "pending"
        notebook.metadata.get("papermill", {}).update(exception=error is not None or None)
        new = self.output.with_name(f".{self.output.name}.new")
        with writing(self.output.parent):
            nbformat.write(notebook, new)
            os.replace(new, self.output)

    def _result(self, error: BaseException | None) -> NotebookRun:
        took = time.monotonic() - self.started
        if error is None:
            return NotebookRun("done", str(self.output), self.cells, took, self.cells)
        if self.stopped:
            return NotebookRun("stopped", str(self.output), self.cells, took, self.cell)
        return NotebookRun("failed", str(self.output), self.cells, took, self.cell, _said(error, self.timeout))


def _said(error: BaseException, timeout: float | None) -> str:
    """What a cell raised, or what became of the kernel."""
    kind = type(error).__name__
    if kind == "PapermillExecutionError":
        return f"{error.ename}: {error.evalue}"[:_SHOWN]  # type: ignore[attr-defined]
    if kind == "DeadKernelError":
        return "its kernel died: killed, out of memory, or ended by the cell itself"
    if kind == "CellTimeoutError":
        return f"it took longer than {timeout:g} s"
    return f"{kind}: {error}"[:_SHOWN]


def _command() -> list[str]:
    import sys

    return [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def _end(manager: Any) -> None:
    """No kernel outlives its run."""
    with contextlib.suppress(Exception):
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
