"""What starts runs beside the clock: files that arrive, and runs that are done."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from customer_models import CUSTOMERS
from notebook_parts import notebook, printed
from waiting import until

from workbench.api import Workbench
from workbench.errors import NotFound, UsageError


def arrive(file: Path, rows: int = 3) -> None:
    """As whoever writes well does it: under another name first."""
    CUSTOMERS.head(rows).to_parquet(new := file.with_suffix(".new"))
    os.replace(new, file)


def done(api: Workbench, number: int) -> list[Any]:
    def all_done() -> list[Any]:
        runs = api.runs()
        return runs if [run.state for run in runs] == ["done"] * number else []

    return until(all_done)


def test_each_file_that_arrives_is_scored_into_one_of_its_name(api: Workbench, model: str, tmp_path: Path) -> None:
    (inbox := tmp_path / "inbox" / "deep").mkdir(parents=True)
    arrive(inbox / "old.parquet")
    options: dict[str, Any] = {"on_file": "inbox/**/*.parquet", "settle": 0.1, "output": "scored"}
    schedule = api.batch(model, **options)
    assert re.search(rf"schedule/churn waits · for files {tmp_path}/inbox/\*\*/\*.parquet · ", str(schedule))
    assert "1 file there already, left alone" in str(schedule)
    arrive(inbox / "new.parquet")
    [run] = done(api, 1)
    assert run.output == str(tmp_path / "scored" / "deep" / "new.parquet")
    assert "churn@live for new.parquet · 3 rows" in str(run)
    assert len(pd.read_parquet(run.output)) == 3
    arrive(inbox / "new.parquet", 5)
    done(api, 2)
    assert len(pd.read_parquet(run.output)) == 5
    assert "2 runs so far · unchanged" in str(api.batch(model, **options))
    with pytest.raises(UsageError, match="runs for files that arrive"):
        api.start("schedule/churn")
    with pytest.raises(UsageError, match="another platform has no such thing"):
        api.export("schedule/churn", to="argo", output="out")


def test_files_that_arrive_are_added_to_a_table(api: Workbench, model: str, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    api.batch(model, on_file="inbox", settle=0.1, output="sqlite:///risk.db?table=scores")
    for i in range(3):
        arrive(tmp_path / "inbox" / f"{i}.parquet")
    done(api, 3)
    assert len(pd.read_sql("select * from scores", "sqlite:///risk.db")) == 9


def test_a_notebook_gets_the_file_that_has_arrived(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "print(file, day)", parameters='file = ""\nday = 1')
    (tmp_path / "inbox").mkdir()
    api.batch("nb.ipynb", on_file="inbox/*.csv", settle=0.1, output="out/", parameters={"day": 7})
    (tmp_path / "inbox" / "a.csv").write_text("x\n1\n")
    done(api, 1)
    assert printed(tmp_path / "out" / "nb-a.ipynb") == [f"{tmp_path}/inbox/a.csv 7"]


def test_a_schedule_follows_another(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "print('first')", name="first.ipynb")
    notebook(tmp_path, "print('then')", name="then.ipynb")
    api.batch("first.ipynb", every="monday 6:00")
    then = api.batch("then.ipynb", after="first", output="then-run.ipynb")
    assert "schedule/then waits · for schedule/first" in str(then)
    first = api.start("schedule/first")
    runs = done(api, 2)
    assert "then for run/" not in str(runs[0])
    assert f"then.ipynb after {first.name}" in str(runs[1])
    assert printed("then-run.ipynb") == ["then"]
    with pytest.raises(UsageError, match="would follow itself: schedule/first after schedule/then after"):
        api.batch("first.ipynb", after="then")
    with pytest.raises(NotFound, match="nothing that runs is called firts"):
        api.batch("then.ipynb", after="firts")
    api.remove("schedule/first")
    assert "schedule/then waits in vain: schedule/first was removed" in str(api.schedules()[0])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two": ({"on_file": "in/*.csv", "every": "daily", "output": "out/"}, "--every and --on-file both say"),
    "for a cycle": ({"on_file": "in/*.csv", "overlap": "skip", "output": "out/"}, "--overlap is for a cycle"),
    "settle": ({"settle": 3, "input": "in.csv", "output": "out/"}, "--settle is for arriving files"),
    "no folder": ({"on_file": "not/*.csv", "output": "out/"}, "there is no folder .*/not/"),
    "an input": ({"on_file": "in/*.csv", "input": "in", "output": "out/"}, "the files that arrive are the input"),
    "one file": ({"on_file": "in/*.csv", "output": "out.csv"}, "is one file, for each that arrives"),
    "a circle": ({"on_file": "in/*.csv", "output": "in/"}, "would be waited for by"),
    "a table": ({"on_file": "sqlite:///a.db?table=a", "output": "out/"}, "in a folder or a store"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_start_runs_is_refused(case: str, api: Workbench, model: str, tmp_path: Path) -> None:
    options, said = REFUSED[case]
    (tmp_path / "in").mkdir()
    with pytest.raises((UsageError, NotFound), match=said):
        api.batch(model, **options)
    assert list(api.schedules()) == []


def test_a_notebook_that_takes_no_file_is_refused(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "1", parameters="day = 1")
    with pytest.raises(UsageError, match="has no parameter `file`"):
        api.batch("nb.ipynb", on_file="*.csv")
    notebook(tmp_path, "1", parameters="file = ''")
    with pytest.raises(UsageError, match="-p file: it is the file that has arrived"):
        api.batch("nb.ipynb", on_file="*.csv", parameters={"file": "a"})
