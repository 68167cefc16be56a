"""The points of a sweep on a cluster of Ray: a task each, which hands back its executed notebook and its files."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bundle.storage import writing
from ..errors import JobFailed, WorkbenchError
from ..patterns.batch.kernel import Kernel
from ..patterns.batch.notebook import run_notebook
from ..patterns.batch.outcome import NotebookRun, Times
from ..patterns.control import LOOK
from . import ray_cluster
from .ray_board import Board, Steered

if TYPE_CHECKING:
    from ..patterns.control import Control

Made = tuple[NotebookRun, dict[str, bytes]] | WorkbenchError
_TRIES = 3


class Points:
    """Runs points, each as a task with a processor of its own; one whose node is lost is begun anew on another."""

    def __init__(self) -> None:
        import ray

        self.cluster = ray_cluster.join()
        self._board = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Board).remote()
        self._task = ray.remote(num_cpus=1, max_retries=_TRIES)(run_point)

    def __call__(
        self,
        notebook: Path,
        output: Path,
        point: dict[str, Any],
        *,
        control: Control,
        given: Path,
        times: Times,
        keep: Path,
        folder: Path,
        kernel: str | None,
    ) -> NotebookRun:
        """Run one, and keep what it has made. JobFailed where the cluster does not end it; what `run_notebook` raises
        else."""
        import ray

        name = output.name
        place = (str(notebook), str(folder), kernel)
        answer = self._task.remote(self._board, name, place, given.read_bytes(), point, times)
        while not ray.wait([answer], timeout=LOOK)[0]:
            steered = {"stopping": control.stopping(), "paused": control.paused()}
            control.facts(**ray.get(self._board.steer.remote(name, steered)))
        try:
            made: Made = ray.get(answer)
        except ray.exceptions.RayError as error:
            said = str(error).strip().splitlines()[-1]
            raise JobFailed(f"{name}: Ray could not run it: {said}", fix="see to the cluster, then resume") from error
        if isinstance(made, WorkbenchError):
            raise made
        return _kept(*made, notebook, output, keep)


def _kept(found: NotebookRun, files: dict[str, bytes], notebook: Path, output: Path, keep: Path) -> NotebookRun:
    """The files where they would be had it run here."""
    content = json.loads(files.pop(_MADE))
    content["metadata"].setdefault("papermill", {}).update(input_path=str(notebook), output_path=str(output))
    with writing(output.parent):
        for name, data in files.items():
            (keep / name).parent.mkdir(parents=True, exist_ok=True)
            (keep / name).write_bytes(data)
        output.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return replace(found, output=str(output), kept=str(keep) if found.kept else "")


_MADE, _KEPT = "made.ipynb", "kept"


def run_point(
    board: Any, name: str, place: tuple[str, str, str | None], given: bytes, point: dict[str, Any], times: Times
) -> Made:
    """The task: its kernel works in the folder that it is told where this machine has it, else in an empty one."""
    with tempfile.TemporaryDirectory(prefix="workbench-") as scratch:
        folder, (notebook, there, kernel) = Path(scratch), place
        (folder / "given.ipynb").write_bytes(given)
        start = partial(Kernel, Path(there) if Path(there).is_dir() else folder, folder, kernel)
        how: dict[str, Any] = {"given": folder / "given.ipynb", "times": times, "scratch": folder, "start": start}
        steered = Steered(board, name)
        try:
            found = run_notebook(Path(notebook), folder / _MADE, point, control=steered, keep=folder / _KEPT, **how)
        except WorkbenchError as error:
            return error
        kept = folder / _KEPT
        files = {str(file.relative_to(kept)): file.read_bytes() for file in kept.rglob("*") if file.is_file()}
        return replace(found, held=None), {_MADE: (folder / _MADE).read_bytes(), **files}
