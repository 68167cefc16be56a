"""Notebooks run in the background: their parameters, their progress, and how each of them can end."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from disks import disk_of
from notebook_parts import LONG, TELL, notebook, of, printed
from waiting import until

from workbench.api import Workbench
from workbench.errors import BadInput, JobFailed, NotFound, UsageError
from workbench.jobs import identity
from workbench.patterns.batch import parameters
from workbench.patterns.batch.notebook import run_notebook
from workbench.patterns.control import Foreground

PARAMETERS = """\
month = 1  # which month
rate: float = 0.5
name = "all"
deep = False
day = None
since: "date" = None
bounds = (1, 2)
"""


def test_parameters_are_typed(api: Workbench, tmp_path: Path) -> None:
    show = "print(repr((month, rate, name, deep, day, since, bounds)))"
    notebook(tmp_path, show, "print(1)", parameters=PARAMETERS)
    given = {"month": "7", "rate": "2", "name": "7", "deep": "yes", "day": np.int64(3), "since": "2024-02-29"}
    run = api.batch("nb.ipynb", parameters=given | {"bounds": (3, 4)}, output="out.ipynb", wait=True)
    assert printed("out.ipynb") == [
        "(7, 2.0, '7', True, 3, datetime.date(2024, 2, 29), (3, 4))", "1",
    ]  # fmt: skip
    assert (run.state, run.facts["cells"], run.facts["cell"]) == ("done", 3, 3)
    whole = {"rate": float("nan"), "since": pd.Timestamp("2024-03-01"), "day": [1, {"a": None}]}
    run = api.batch("nb.ipynb", parameters=whole, wait=True)
    assert printed(run.output) == ["(1, nan, 'all', False, [1, {'a': None}], datetime.date(2024, 3, 1), (1, 2))", "1"]


FORMS = """\
%matplotlib inline
a, b = 1, "x"
c = d = 2.5
e: int | None = 3
f: Optional[float] = None
g = [
    "a",  # the first
]  # type: List[str] some names
h: Dict[str, int] = None
"""


def test_parameters_are_read_however_they_are_set(tmp_path: Path) -> None:
    notebook(tmp_path, parameters=FORMS)
    known = parameters.read(tmp_path / "nb.ipynb")
    assert known is not None
    assert {name: known[name].type for name in known} == {
        "a": int, "b": str, "c": float, "d": float, "e": int, "f": float, "g": list, "h": dict,
    }  # fmt: skip
    assert known["g"].help == "some names"
    given = {"a": "7", "d": "1", "e": "None", "f": "2"}
    assert parameters.check(tmp_path / "nb.ipynb", given) == {"a": 7, "d": 1.0, "e": None, "f": 2.0}
    with pytest.raises(UsageError, match="parameter a is an int, not 'None'"):
        parameters.check(tmp_path / "nb.ipynb", {"a": "None"})
    notebook(tmp_path, parameters="# none yet")
    with pytest.raises(UsageError, match="sets no parameter"):
        parameters.check(tmp_path / "nb.ipynb", {"a": 1})


REFUSED = {
    "unknown": ({"mont": 7}, "no parameter 'mont'", "did you mean month"),
    "no integer": ({"month": "seven"}, "month is an int, not 'seven'", "-p month=1"),
    "a float": ({"month": 7.5}, "month is an int, not 7.5", "-p month=1"),
    "a truth": ({"month": True}, "month is an int, not True", "-p month=1"),
    "no truth": ({"deep": "maybe"}, "deep is a bool, not 'maybe'", "-p deep=False"),
    "no date": ({"since": "29.2.2024"}, "since is a date, not '29.2.2024'", "-p since="),
    "a tuple": ({"bounds": "3"}, "bounds is a tuple, not '3'", "-p bounds="),
    "a frame": ({"day": pd.DataFrame({"a": [1]})}, "day is a value, not ", "-p day="),
}


@pytest.mark.parametrize("case", REFUSED)
def test_parameters_that_do_not_fit_are_refused_before_anything_starts(
    case: str, api: Workbench, tmp_path: Path
) -> None:
    given, said, fix = REFUSED[case]
    notebook(tmp_path, TELL, parameters=PARAMETERS)
    with pytest.raises(UsageError, match=said) as caught:
        api.batch("nb.ipynb", parameters=given, wait=True)
    assert fix in str(caught.value)
    assert not list(api.runs())
    assert not (tmp_path / "kernel").exists()


def test_notebooks_that_are_none_are_refused(api: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no notebook .*nb.ipynb"):
        api.batch("nb.ipynb")
    for content in ("no JSON", "[]", '{"cells": 1}', '{"cells": [1]}', '{"cells": [{}]}'):
        (tmp_path / "nb.ipynb").write_text(content)
        with pytest.raises(BadInput, match="is no notebook"):
            api.batch("nb.ipynb")
    notebook(tmp_path, "1")
    with pytest.raises(UsageError, match="has no cell tagged `parameters`"):
        api.batch("nb.ipynb", parameters={"a": 1})
    notebook(tmp_path, "1", parameters="month = = 1")
    with pytest.raises(BadInput, match=r"(?s)no Python.*nb.ipynb, cell 1, line 1"):
        api.batch("nb.ipynb", parameters={"a": 1})
    assert not list(api.runs())


IDLE: dict[str, tuple[dict[str, Any], str]] = {
    "itself": ({"output": "nb.ipynb"}, "the output is the notebook itself"),
    "a place": ({"output": "s3://there/nb.ipynb"}, "an executed notebook is a file"),
    "no time": ({"timeout": -1}, "more than 0 seconds"),
    "for models": ({"mode": "append"}, "--mode is for a model"),
    "rejects": ({"max_rejects": 0}, "--max-rejects is for a model"),
    "no cycle": ({"zone": "UTC"}, "--zone is for a cycle"),
    "a cycle": ({"every": "daily", "wait": True}, "--wait is for what runs once"),
}


@pytest.mark.parametrize("case", IDLE)
def test_options_that_cannot_be_are_refused_before_anything_starts(case: str, api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "1")
    options, said = IDLE[case]
    with pytest.raises(UsageError, match=said):
        api.batch("nb.ipynb", **options)
    assert not api.running.any


def test_notebooks_of_others_are_refused(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "1")
    there = nbformat.read("nb.ipynb", as_version=4)
    there.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}
    nbformat.write(there, "nb.ipynb")
    with pytest.raises(UsageError, match="is a notebook of R"):
        api.batch("nb.ipynb")
    for form in (3, 5):
        content = json.loads((tmp_path / "nb.ipynb").read_text()) | {"nbformat": form}
        (tmp_path / "old.ipynb").write_text(json.dumps(content))
        with pytest.raises(BadInput, match=f"old.ipynb is of notebook format {form}, not 4"):
            api.batch("old.ipynb")


def test_a_notebook_without_outputs_is_run(api: Workbench, tmp_path: Path) -> None:
    bare = {"cells": [{"cell_type": "code", "source": "print(1)", "metadata": {}}], "metadata": {}, "nbformat": 4}
    (tmp_path / "bare.ipynb").write_text(json.dumps(bare | {"nbformat_minor": 5}))
    assert printed(api.batch("bare.ipynb", wait=True).output) == ["1"]


def test_an_output_may_be_a_folder(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "print(1)")
    (tmp_path / "there").mkdir()
    for output in ("there", "new/"):
        assert api.batch("nb.ipynb", output=output, dry_run=True).options.count(f"{output.strip('/')}/nb.ipynb ·")
    run = api.batch("nb.ipynb", output="new/", wait=True)
    assert printed(run.output) == printed(tmp_path / "new" / "nb.ipynb") == ["1"]


def test_progress_is_told_by_cell(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "# Title", TELL, "while os.path.exists('gate'): pass", "print('end')")
    gate = tmp_path / "gate"
    gate.touch()
    run = api.batch("nb.ipynb")
    facts = until(lambda: (found := run.refresh().facts).get("cell") == 3 and found)
    assert (facts["cells"], facts["title"]) == (4, "while os.path.exists('gate'): pass")
    assert run.name in str(api.runs())
    gate.unlink()
    assert api.wait(run.name).facts["cell"] == 4
    until(lambda: of(tmp_path) is None)


def ended(api: Workbench, *cells: str, folder: Path, **options: Any) -> tuple[str, Any]:
    """What a run of these cells that fails says, and the run; nothing of its kernel is left, its output is readable."""
    notebook(folder, TELL, *cells, parameters="month = 1")
    with pytest.raises(JobFailed) as caught:
        api.batch("nb.ipynb", output="out.ipynb", parameters={"month": 2}, wait=True, hold=0, **options)
    until(lambda: of(folder) is None)
    assert printed("out.ipynb")[0] == "told"
    assert not list(folder.glob(".*"))
    [run] = api.runs()
    assert run.state == "failed"
    return str(caught.value), run


def test_a_cell_that_raises(api: Workbench, tmp_path: Path) -> None:
    said, run = ended(api, "print(month)", "def f():\n    return {}['a']\nf()", "print('never')", folder=tmp_path)
    assert "out.ipynb failed in cell 4: KeyError: 'a'" in said
    assert (run.facts["cell"], run.facts["cells"], run.facts["error"]) == (4, 5, "KeyError: 'a'")
    assert "  code  f() · line 3" in str(run)
    assert printed("out.ipynb") == ["told", "2"]
    there = nbformat.read("out.ipynb", as_version=4)
    states = [c.metadata.papermill.status for c in there.cells if "papermill" in c.metadata and c.cell_type == "code"]
    assert states == ["completed", "completed", "completed", "completed", "failed", "pending"]
    assert there.metadata.papermill.exception is True


FLAKY = "import pathlib\nwith open('tries', 'a') as file:\n    file.write('x')\ntries = len(open('tries').read())"


def test_a_notebook_that_fails_is_tried_again(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, f"{FLAKY}\nassert tries > 2\nprint(tries)")
    with pytest.raises(JobFailed, match="AssertionError"):
        api.batch("nb.ipynb", retries=1, wait=True)
    run = api.batch("nb.ipynb", retries=2, output="out.ipynb", wait=True)
    assert printed("out.ipynb") == ["3"]
    assert "tried" not in str(run)
    (tmp_path / "tries").unlink()
    assert "tried 3 times" in str(api.batch("nb.ipynb", retries=5, wait=True))


def test_a_kernel_that_is_killed(api: Workbench, tmp_path: Path) -> None:
    said, run = ended(api, "os.kill(os.getpid(), 9)", "print('never')", folder=tmp_path)
    assert "failed in cell 3: its kernel died" in said
    assert run.facts["cell"] == 3


def test_exit_codes_are_heeded(api: Workbench, tmp_path: Path) -> None:
    said, _ = ended(api, "import sys\nsys.exit(3)", "print('never')", folder=tmp_path)
    assert "failed in cell 3: SystemExit: 3" in said
    notebook(tmp_path, "print(1)", "import sys\nsys.exit()", "print('never')")
    run = api.batch("nb.ipynb", output="out.ipynb", wait=True)
    assert printed("out.ipynb") == ["1"]
    assert (run.state, run.facts["cell"], run.facts["cells"]) == ("done", 2, 3)


def test_leaving_ends_the_run_well(api: Workbench, tmp_path: Path) -> None:
    """In a notebook `exit` is a word of IPython, which lets the cells go on until the kernel is gone."""
    for leave in ("exit()", "quit"):
        notebook(tmp_path, "print(1)", leave, "print('never')", LONG)
        run = api.batch("nb.ipynb", output="out.ipynb", wait=True)
        assert printed("out.ipynb") == ["1"]
        assert (run.state, run.facts["cell"]) == ("done", 2)


def test_a_cell_that_may_raise_fails_nothing(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "1 / 0", "print('on')")
    there = nbformat.read("nb.ipynb", as_version=4)
    there.cells[0].metadata["tags"] = ["raises-exception"]
    nbformat.write(there, "nb.ipynb")
    run = api.batch("nb.ipynb", output="out.ipynb", wait=True)
    assert (run.state, run.facts["cell"]) == ("done", 2)
    assert printed("out.ipynb") == ["on"]
    assert not any(
        "papermill-error-cell-tag" in c.metadata.get("tags", ()) for c in nbformat.read("out.ipynb", 4).cells
    )
    assert run.logs() == ""


def test_a_cell_that_takes_too_long(api: Workbench, tmp_path: Path) -> None:
    said, _ = ended(api, LONG, folder=tmp_path, timeout=5)
    assert "failed in cell 3: it took longer than 5 s" in said


def running(api: Workbench, folder: Path, *cells: str) -> tuple[Any, identity.Identity]:
    """A run whose kernel works in its second cell, and that kernel."""
    notebook(folder, TELL, *cells)
    run = api.batch("nb.ipynb", output="out.ipynb")
    kernel = until(lambda: of(folder))
    until(lambda: run.refresh().facts.get("cell") == 2)
    return run, kernel


DEAF = """\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    pass
"""


def test_a_run_that_is_stopped(api: Workbench, tmp_path: Path) -> None:
    run, kernel = running(api, tmp_path, LONG, "print('never')")
    assert api.stop(run.name).state == "stopped"
    assert not kernel.alive()
    assert printed("out.ipynb") == ["told"]
    assert not list(tmp_path.glob(".*"))
    notebook(tmp_path, "print('again')")
    api.resume(run.name)
    assert api.wait(run.name).state == "done"
    assert printed("out.ipynb") == ["again"]


def test_a_run_that_is_deaf_is_stopped_as_well(api: Workbench, tmp_path: Path, monkeypatch: Any) -> None:
    run, kernel = running(api, tmp_path, DEAF)
    assert api.stop(run.name).state == "stopped"
    assert not kernel.alive()
    assert printed("out.ipynb") == ["told"]


def test_a_paused_run_waits_before_its_next_cell(api: Workbench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    run, _ = running(api, tmp_path, "while os.path.exists('gate'): pass", "print('end')")
    assert api.pause(run.name).state == "paused"
    gate.unlink()
    assert run.refresh().facts["cell"] == 2
    api.resume(run.name)
    assert api.wait(run.name).state == "done"
    assert printed("out.ipynb") == ["told", "end"]


class Pausing(Foreground):
    """Says in a cell that it is paused, and lets the run know of it later; then it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.inside, self.said, self.asked = folder / "inside", folder / "said", 0

    def paused(self) -> bool:
        if not self.inside.exists():
            return False
        self.said.touch()
        self.asked += 1
        time.sleep(1.5 if self.asked == 1 else 0)
        return True

    def stopping(self) -> bool:
        return self.asked > 3


def test_no_cell_is_begun_once_it_is_said_that_a_run_is_paused(tmp_path: Path) -> None:
    waits = "import os\nopen('inside', 'w').close()\nwhile not os.path.exists('said'): pass"
    notebook(tmp_path, waits, "open('went', 'w').close()")
    run = run_notebook(tmp_path / "nb.ipynb", tmp_path / "out.ipynb", {}, control=Pausing(tmp_path))
    assert run.state == "stopped"
    assert not (tmp_path / "went").exists()


@pytest.mark.parametrize("cell", [LONG, "import re\nre.match('(a+)+$', 'a' * 60 + 'b')"], ids=["idle", "busy"])
def test_a_run_whose_process_is_killed(cell: str, api: Workbench, tmp_path: Path) -> None:
    """Its kernel ends too, even in a call that never lets another thread run."""
    run, kernel = running(api, tmp_path, cell)
    process = run.refresh().job.process
    process.signal(signal.SIGKILL)
    until(lambda: not kernel.alive(), "the kernel lives on")
    with pytest.raises(JobFailed, match="killed, or out of memory"):
        api.wait(run.name)
    assert run.refresh().state == "failed"
    assert not process.alive()
    nbformat.validate(nbformat.read("out.ipynb", as_version=4))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    with disk_of("1m", tmp_path / "disk") as folder:
        yield folder


def test_a_full_disk_is_named(api: Workbench, tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(900_000))
    notebook(tmp_path, TELL, "print('x' * 500_000)")
    run = api.batch("nb.ipynb", output=str(small_disk / "out.ipynb"))
    with pytest.raises(JobFailed, match=r"the disk of .*disk is full"):
        api.wait(run.name)
    until(lambda: of(tmp_path) is None)
    nbformat.validate(nbformat.read(small_disk / "out.ipynb", as_version=4))
    os.remove(small_disk / "ballast")
    api.resume(run.name)
    assert api.wait(run.name).state == "done"


def test_a_notebook_runs_in_another_kernel_and_folder(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "import os\nprint(os.environ.get('MINE'), os.getcwd(), month)", parameters="month = 1")
    (tmp_path / "there").mkdir()
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    for name, language in (("mine", "python"), ("other", "R")):
        (spec := tmp_path / "share" / "kernels" / name).mkdir(parents=True)
        said = {"argv": argv, "language": language, "display_name": name, "env": {"MINE": "yes"}}
        (spec / "kernel.json").write_text(json.dumps(said))
    (tmp_path / "own.env").write_text(f"JUPYTER_PATH={tmp_path / 'share'}\n")
    options: dict[str, Any] = {"kernel": "mine", "folder": "there", "env_file": "own.env"}
    api.batch("nb.ipynb", output="out.ipynb", wait=True, **options)
    assert printed("out.ipynb") == [f"yes {tmp_path}/there 1"]
    run = api.batch("nb.ipynb", sweep={"month": "2,3"}, output="swept", wait=True, **options)
    assert run.state == "done"
    found = sorted(line for file in (tmp_path / "swept").glob("*.ipynb") for line in printed(file))
    assert found == [f"yes {tmp_path}/there {month}" for month in (2, 3)]
    for more, said in (({"kernel": "mien"}, "no kernel 'mien'"), ({"kernel": "other"}, "of R, not of Python")):
        with pytest.raises((NotFound, UsageError), match=said):
            api.batch("nb.ipynb", **options | more)
    with pytest.raises(NotFound, match="there is no folder"):
        api.batch("nb.ipynb", folder="nowhere")


def test_modules_beside_the_notebook_are_found(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "beside.py").write_text("here = 7")
    notebook(tmp_path / "notebooks", "import sys, beside\nprint(beside.here, sys.executable)")
    api.batch("notebooks/nb.ipynb", output="out.ipynb", wait=True)
    assert printed("out.ipynb") == [f"7 {sys.executable}"]


def test_dates_come_as_dates() -> None:
    from workbench.patterns.batch.parameters import source

    space: dict[str, Any] = {}
    exec(source({"a": date(2024, 2, 29), "b": datetime(2024, 2, 29, 6, 30), "c": float("-inf")}), space)
    assert (space["a"], space["b"], space["c"]) == (date(2024, 2, 29), datetime(2024, 2, 29, 6, 30), float("-inf"))
