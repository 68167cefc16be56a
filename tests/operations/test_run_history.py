"""Runs that were: found, run again as they were, compared; and who is told of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from notebook_parts import notebook, printed
from waiting import until

from workbench.api import Workbench
from workbench.errors import JobFailed, NotFound, UsageError

SCORE = "import workbench\nworkbench.result(auc=month / 10)"


def test_runs_are_found_by_words_state_and_time(api: Workbench, model: str, tmp_path: Path) -> None:
    notebook(tmp_path, "if month == 3: raise ValueError('no rows')", SCORE, parameters="month = 1")
    api.batch("nb.ipynb", parameters={"month": 7}, wait=True)
    with pytest.raises(JobFailed):
        api.batch("nb.ipynb", parameters={"month": 3}, wait=True)
    names = [
        [run.name for run in api.runs(**asked)]
        for asked in ({}, {"words": "month=7"}, {"words": "NB rows"}, {"state": "done"}, {"since": "1h", "last": 1})
    ]
    assert names == [["run/1", "run/2"], ["run/1"], ["run/2"], ["run/1"], ["run/2"]]
    assert str(api.runs("nothing like it")) == "none of the runs is like that"
    with pytest.raises(UsageError, match="did you mean failed"):
        api.runs(state="faled")


def test_a_run_is_run_again_as_it_was_and_compared(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, SCORE, "print('before')", parameters="month = 1")
    first = api.batch("nb.ipynb", parameters={"month": 7}, wait=True)
    notebook(tmp_path, SCORE, "print('after')", parameters="month = 1")
    again = api.retry(first.name, wait=True)
    assert (again.state, printed(again.output)) == ("done", ["before"])
    assert "equal" in str(api.diff(first.name, again.name)) or "took" in str(api.diff(first.name, again.name))
    third = api.batch("nb.ipynb", parameters={"month": 8}, wait=True)
    said = str(api.diff(third.name))
    assert f"{again.name} → {third.name}" in said
    assert "given  month 7 → 8" in said
    assert "got    auc 0.7 → 0.8" in said
    assert "-print('before')" in said
    assert "+print('after')" in said
    with pytest.raises(NotFound, match="is the first run of its kind"):
        api.diff(first.name)


HOOK = """\
import json, pathlib
def tell(said):
    with open("told.jsonl", "a") as file:
        file.write(json.dumps({key: said[key] for key in ("name", "state", "text")}) + "\\n")
"""


def test_a_function_is_told_of_success_failure_and_lateness(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text(HOOK)
    notebook(
        tmp_path, "import os\nwhile month == 9 and not os.path.exists('open'): pass", SCORE, parameters="month = 1"
    )
    options = {"notify": "hooks:tell", "notify_on": "done,failed", "late": "1s"}

    def told() -> list[dict[str, str]]:
        file = tmp_path / "told.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    api.batch("nb.ipynb", parameters={"month": 2}, **{**options, "late": "1h"}, wait=True)
    [said] = until(told)
    assert (said["name"], said["state"]) == ("run/1", "done")
    assert said["text"].startswith("auc 0.2\n→ ")
    late = api.batch("nb.ipynb", parameters={"month": 9}, **options)
    assert until(lambda: len(told()) == 2 and told()[1])["state"] == "late"
    assert "not over 1.0 s after it was due" in told()[1]["text"]
    (tmp_path / "open").touch()
    api.wait(late.name)
    assert until(lambda: len(told()) == 3 and told()[2])["state"] == "done"


def test_what_cannot_be_told_is_refused(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "1")
    with pytest.raises(NotFound, match="there is no module hoks"):
        api.batch("nb.ipynb", notify="hoks:tell")
    with pytest.raises(UsageError, match="nobody is to be told"):
        api.batch("nb.ipynb", late="30m")
    with pytest.raises(UsageError, match="some of failed, done, late"):
        api.batch("nb.ipynb", notify="https://example.org/hook", notify_on="dnoe")
    with pytest.raises(UsageError, match="when is it late"):
        api.batch("nb.ipynb", notify="https://example.org/hook", notify_on="late")
