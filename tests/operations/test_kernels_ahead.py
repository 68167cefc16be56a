"""The next run of a notebook finds a process and a kernel that were started ahead."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from notebook_parts import notebook, printed
from waiting import until

from workbench import paths
from workbench.api import Workbench
from workbench.jobs import identity

CELL = "import os\nprint(os.getppid(), os.getcwd(), month, os.environ.get('SECRET'))"


def waiting(api: Workbench) -> list[int]:
    """The processes that wait for a run."""
    return [int(pipe.stem) for pipe in paths.state(api.home).glob("ahead/*/*.pipe")]


def told(api: Workbench, month: int, **options: Any) -> list[str]:
    run = api.batch("nb.ipynb", parameters={"month": month}, wait=True, **options)
    return printed(run.output)[0].split()


@pytest.mark.slow
def test_the_third_run_finds_a_process_that_waits(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, CELL, parameters="month = 1")
    before = {told(api, month)[0] for month in (1, 2)}
    [pid] = until(lambda: waiting(api))
    assert str(pid) not in before
    assert told(api, 3) == [str(pid), str(tmp_path), "3", "None"]
    [run] = api.runs("month=3")
    assert (run.state, run.facts["cell"]) == ("done", 2)
    [another] = until(lambda: waiting(api))
    assert another != pid
    (tmp_path / "env").write_text("SECRET=abcdef\n")
    ppid, *rest = told(api, 4, env_file="env")
    assert (ppid != str(another), rest[1:]) == (True, ["4", "***"]), "its variables are others"
    process = identity.of(another)
    os.kill(another, 9)
    until(lambda: not process.alive())
    assert told(api, 5)[1:] == [str(tmp_path), "5", "None"], "who waits may have died"
    [last] = until(lambda: waiting(api))
    process = identity.of(last)
    api.shutdown(all=True)
    until(lambda: process is None or not process.alive())
