"""Every notebook of the project runs from top to bottom, twice; the second time nothing new is stored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import papermill
import pytest

from workbench.api import Workbench

LOOKING = ("choose_a_pattern", "console", "report", "tree", "whatif")
"""Those that make no model."""
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").rglob("*.ipynb"))


@pytest.fixture
def workbench(home: Path) -> Iterator[Workbench]:
    """The API over the test's home; what a notebook left running there ends with the test."""
    api = Workbench(home)
    yield api
    api.shutdown(all=True)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_twice_and_stores_once(notebook: Path, workbench: Workbench, tmp_path: Path) -> None:
    for beside in NOTEBOOKS:
        shutil.copy(beside, tmp_path)
    stored = []
    for run in (1, 2):
        executed = papermill.execute_notebook(notebook, tmp_path / f"{run}.ipynb", cwd=tmp_path, progress_bar=False)
        stored.append([v.ref for name in workbench.registry.names() for v in workbench.registry.versions(name)])
        assert not _warnings(executed)
    assert stored[0] == stored[1]
    assert stored[0] or notebook.stem in LOOKING
    assert not [job.name for job in workbench.running.jobs() if job.process and job.process.alive()]


def _warnings(executed: dict) -> list[str]:
    """What the reader of a notebook should not find in it."""
    outputs = [output for cell in executed["cells"] for output in cell.get("outputs", ())]
    return [output["text"] for output in outputs if output.get("name") == "stderr"]


def test_committed_notebooks_hold_no_outputs() -> None:
    import nbformat

    for notebook in NOTEBOOKS:
        assert not any(cell.get("outputs") for cell in nbformat.read(notebook, as_version=4).cells), notebook
