"""Stores scored in the background: what they become, what is refused, and what survives stops, kills and full disks."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from batch_models import Gated, LateGated, row_wise, ten_at_most
from customer_models import CUSTOMERS, frame_model
from disks import disk_of
from waiting import PATIENCE, until

from workbench.api import Workbench
from workbench.errors import BadInput, JobFailed, NotFound, StorageError, UsageError

HERE = Path(__file__).parent
KILLS = int(os.environ.get("WORKBENCH_TEST_KILLS", "6"))
"""How many moments of each kind are tried; set it to hundreds for a long run by hand."""


def customers(rows: int, seed: int = 0) -> pd.DataFrame:
    """So many customers, not one like the other."""
    numbers = np.random.default_rng(seed)
    table = CUSTOMERS.iloc[np.arange(rows) % len(CUSTOMERS)].reset_index(drop=True)
    city = table["city"].replace("", "Bonn")  # a CSV file does not tell an empty text from a missing one
    return table.assign(age=numbers.integers(18, 90, rows), amount=numbers.lognormal(size=rows), city=city)


def write(table: pd.DataFrame, file: Path) -> Path:
    """The table as its ending says."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".parquet":
        table.to_parquet(file, index=False)
    elif file.suffix == ".jsonl":
        table.to_json(file, orient="records", lines=True, date_format="iso", double_precision=15)
    else:
        table.to_csv(file, index=False)
    return file


def files(folder: Path, number: int, ending: str = ".parquet", rows: int = 40) -> Path:
    """A folder of inputs."""
    for i in range(number):
        write(customers(rows, i), folder / f"{i:02}{ending}")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def hidden(folder: Path) -> list[str]:
    """What a run left beside its output."""
    return [file.name for file in folder.iterdir() if file.name.startswith(".")]


def scores(table: pd.DataFrame) -> np.ndarray:
    return row_wise(table)["score"].to_numpy()


@pytest.fixture
def model(api: Workbench) -> str:
    """`churn`, proven and row-wise."""
    assert api.model("churn", row_wise, example=CUSTOMERS).manifest.row_wise
    return "churn"


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_a_file_becomes_a_file(ending: str, api: Workbench, model: str, tmp_path: Path) -> None:
    table = customers(30)
    write(table, tmp_path / f"in{ending}")
    run = api.batch(model, f"in{ending}", output=f"out{ending}", wait=True)
    assert run.state == "done"
    assert (run.facts["rows"], run.facts["of"] in (30, None), run.facts["rejects"]) == (30, True, 0)
    read: dict[str, Any] = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    there = read.get(ending, lambda f: pd.read_json(f, lines=True, precise_float=True))(tmp_path / f"out{ending}")
    assert list(there) == [*table, "score", "label"]
    np.testing.assert_allclose(there["score"], scores(table), rtol=1e-12)
    assert not hidden(tmp_path)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_a_folder_becomes_a_folder(ending: str, api: Workbench, model: str, tmp_path: Path) -> None:
    files(tmp_path / "in", 3, ending)
    run = api.batch(model, "in", output="out", wait=True)
    expected = np.concatenate([scores(customers(40, i)) for i in range(3)])
    np.testing.assert_allclose(pd.read_parquet(tmp_path / "out")["score"], expected, rtol=1e-12)
    assert sorted(contents(tmp_path / "out")) == [
        "_manifest.json", "part-000000.parquet", "part-000001.parquet", "part-000002.parquet",
    ]  # fmt: skip
    assert run.facts["chunks"] == 3
    assert "120" in str(run)
    assert not hidden(tmp_path)


def test_a_glob_leaves_out_what_it_does_not_match_and_its_own_output(
    api: Workbench, model: str, tmp_path: Path
) -> None:
    files(tmp_path / "in", 2, ".csv")
    write(customers(5, 9), tmp_path / "in" / "other.csv")
    for _ in range(2):  # the second time the output is there, and the glob matches it
        run = api.batch(model, "in/0*.csv", output="in/0_scored.csv", wait=True, mode="replace")
        assert run.facts["rows"] == 80
    assert len(pd.read_csv(tmp_path / "in" / "0_scored.csv")) == 80


def test_a_file_becomes_a_table(api: Workbench, model: str, tmp_path: Path) -> None:
    table = customers(30)
    write(table, tmp_path / "in.csv")
    api.batch(model, "in.csv", output="sqlite:///out.db?table=scores", wait=True)
    with sqlite3.connect(tmp_path / "out.db") as there:
        rows = there.execute("select score, label from scores").fetchall()
    there.close()
    np.testing.assert_allclose([row[0] for row in rows], scores(table), rtol=1e-12)
    with pytest.raises(JobFailed, match="there is a table 'scores'"):
        api.batch(model, "in.csv", output="sqlite:///out.db?table=scores", wait=True)
    api.batch(model, "in.csv", output="sqlite:///out.db?table=scores", wait=True, mode="replace")
    api.batch(model, "in.csv", output="sqlite:///out.db?table=scores&mode=append", wait=True)
    with sqlite3.connect(tmp_path / "out.db") as there:
        assert there.execute("select count(*) from scores").fetchone() == (60,)
    there.close()


def test_a_table_becomes_a_file(api: Workbench, model: str, tmp_path: Path) -> None:
    table = customers(30)
    with sqlite3.connect(tmp_path / "in.db") as there:
        table.to_sql("customers", there, index=False)
    there.close()
    api.batch(model, "sqlite:///in.db?table=customers", output="out.csv", wait=True)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["score"], scores(table), rtol=1e-12)


def bad(tmp_path: Path, at: Iterable[int], rows: int = 30) -> pd.DataFrame:
    """A CSV file with rows whose age is no number."""
    table = customers(rows)
    table["age"] = table["age"].astype(object)
    table.loc[list(at), "age"] = "old"
    write(table, tmp_path / "in.csv")
    return table


@pytest.mark.parametrize("output", ["out", "out.csv", "out.parquet"])
def test_a_bad_row_is_put_aside_with_its_reason(output: str, api: Workbench, model: str, tmp_path: Path) -> None:
    table = bad(tmp_path, (3, 17))
    run = api.batch(model, "in.csv", output=output, wait=True)
    assert (run.state, run.facts["rows"], run.facts["rejects"]) == ("done", 28, 2)
    aside = [json.loads(line) for line in Path(run.facts["rejects_file"]).read_text().splitlines()]
    assert [(r["row"], r["column"]) for r in aside] == [(3, "age"), (17, "age")]
    assert all("old" in r["reason"] and r["record"]["age"] == "old" for r in aside)
    read = pd.read_csv if output.endswith(".csv") else pd.read_parquet
    kept = table.drop(index=[3, 17]).astype({"age": int})
    np.testing.assert_allclose(read(tmp_path / output)["score"], scores(kept), rtol=1e-12)
    assert "churn@1 · 28 rows\n" in str(run)
    assert "2 rows refused" in str(run)


def test_too_many_bad_rows_end_the_run(api: Workbench, model: str, tmp_path: Path) -> None:
    bad(tmp_path, (3, 17, 20))
    with pytest.raises(JobFailed, match=r"3 rows so far refused, the first: .*old"):
        api.batch(model, "in.csv", output="out.csv", max_rejects=2, wait=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.csv"]
    assert api.batch(model, "in.csv", output="out.csv", max_rejects=3, wait=True).state == "done"


def test_a_bad_row_is_not_left_out_where_others_depend_on_it(api: Workbench, tmp_path: Path) -> None:
    api.model("whole", frame_model, example=CUSTOMERS)
    bad(tmp_path, (3,))
    with pytest.raises(JobFailed, match=r"column 'age', row 3: 'old' is not a whole number"):
        api.batch("whole", "in.csv", output="out.csv", wait=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.csv"]
    customers(30).to_csv("in.csv", index=False)
    run = api.batch("whole", "in.csv", output="out.csv", wait=True)
    assert "note  not row-wise: the rows of each file were scored in one call" in str(run)


def test_a_file_of_bad_rows_only_is_put_aside_beside_others(api: Workbench, model: str, tmp_path: Path) -> None:
    """The first chunk has no part: types and names come from the second."""
    files(tmp_path / "in", 2, ".csv")
    (tmp_path / "in" / "00.csv").write_text("age,amount,city,day,vip\nold,1,Ulm,2024-01-01,True\n")
    run = api.batch(model, "in", output="out.csv", wait=True)
    assert (run.facts["rows"], run.facts["rejects"]) == (40, 1)
    assert len(pd.read_csv(tmp_path / "out.csv")) == 40


def test_nothing_but_one_bad_row(api: Workbench, model: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("age,amount,city,day,vip\nold,1,Ulm,2024-01-01,True\n")
    for output in ("out", "out.csv", "out.2/", "sqlite:///out.db?table=t"):
        assert api.batch(model, "in.csv", output=output, wait=True).facts["rejects"] == 1
    assert (tmp_path / "out.2" / "_rejects.jsonl").exists()
    assert (tmp_path / "out.csv.rejects.jsonl").exists()


def test_no_rows_are_no_mistake(api: Workbench, model: str, tmp_path: Path) -> None:
    write(customers(0), tmp_path / "in.parquet")
    assert api.batch(model, "in.parquet", output="out.csv", wait=True).facts["rows"] == 0
    assert list(pd.read_csv(tmp_path / "out.csv"))[-2:] == ["score", "label"]


REFUSED = {
    "an empty folder": (lambda f: (f / "in").mkdir(), "in", "out", "the folder .*in holds no file that can be read"),
    "no file": (lambda f: write(customers(2), f / "inn.csv"), "in.csv", "out", "there is no file .*in.csv\n.*inn.csv"),
    "no match": (lambda f: None, "*.csv", "out", r"no file matches .*\*.csv"),
    "no column": (
        lambda f: write(customers(2).drop(columns="age"), f / "in.csv"), "in.csv", "out.csv", "(?s)age.*in.csv",
    ),
    "several kinds": (
        lambda f: (write(customers(2), f / "in" / "a.csv"), write(customers(2), f / "in" / "b.parquet")),
        "in", "out", "files of several kinds: .csv, .parquet",
    ),
    "within": (lambda f: write(customers(2), f / "in" / "a.csv"), "in", "in/out", "lies in the input"),
    "itself": (lambda f: write(customers(2), f / "in.csv"), "in.csv", "in.csv", "the output is the input"),
    "a queue": (lambda f: write(customers(2), f / "in.csv"), "in.csv", "queue:q", "the output is a queue"),
    "file there": (
        lambda f: (write(customers(2), f / "in.csv"), (f / "out.csv").touch()), "in.csv", "out.csv", "there already",
    ),
    "folder there": (
        lambda f: (write(customers(2), f / "in.csv"), write(customers(2), f / "out" / "a")), "in.csv", "out",
        "there already",
    ),
    "a file for a folder": (
        lambda f: (write(customers(2), f / "in.csv"), (f / "out").touch()), "in.csv", "out", "out is a file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(case: str, api: Workbench, model: str, tmp_path: Path) -> None:
    make, input, output, said = REFUSED[case]
    make(tmp_path)
    before = contents(tmp_path)
    with pytest.raises((JobFailed, NotFound, UsageError, BadInput), match=said) as caught:
        api.batch(model, input, output=output, wait=True)
    assert caught.value.fix
    assert contents(tmp_path) == before
    assert not hidden(tmp_path)
    assert len(api.runs()) == (case == "no column")  # the others are seen before a run begins


def test_many_bad_rows_are_put_aside_if_that_is_said(api: Workbench, model: str, tmp_path: Path) -> None:
    bad(tmp_path, range(30))
    with pytest.raises(JobFailed, match=r"every row of a chunk refused.*\n.*\n→ correct the rows, or allow more"):
        api.batch(model, "in.csv", output="out.csv", wait=True)
    assert api.batch(model, "in.csv", output="out.csv", max_rejects=30, wait=True).facts["rejects"] == 30


def test_an_output_is_replaced_when_it_is_asked_for(api: Workbench, model: str, tmp_path: Path) -> None:
    write(customers(2), tmp_path / "in.csv")
    write(customers(5), tmp_path / "out" / "old.parquet")
    (tmp_path / "out.csv").write_text("old")
    for output in ("out", "out.csv"):
        api.batch(model, "in.csv", output=output, mode="replace", wait=True)
    assert sorted(contents(tmp_path / "out")) == ["_manifest.json", "part-000000.parquet"]
    assert len(pd.read_csv(tmp_path / "out.csv")) == 2
    assert not hidden(tmp_path)


def slow(api: Workbench, tmp_path: Path) -> Callable[[], None]:
    """A model that waits for its gate, a file that is removed: so a run can be met in the middle of its work."""
    gate = tmp_path / "gate"
    api.model("gated", Gated(str(gate)), example=CUSTOMERS[["age", "amount"]])
    gate.touch()
    return gate.unlink


def begun(api: Workbench, tmp_path: Path) -> Any:
    """A run that works on its second chunk: the first file's rows are too few to be held back."""
    write(customers(8)[["age", "amount"]], tmp_path / "in" / "00.parquet")
    for i in range(1, 4):
        write(customers(40, i)[["age", "amount"]], tmp_path / "in" / f"{i:02}.parquet")
    run = api.batch("gated", "in", output="out")
    until(lambda: list(tmp_path.glob(".out.*.parts/part-000000.parquet")))
    return run


def test_a_stopped_run_goes_on_and_ends_the_same(api: Workbench, tmp_path: Path) -> None:
    go = slow(api, tmp_path)
    run = begun(api, tmp_path)
    api.runs()
    running = run.running.store
    running.desire(run.name, "stopped")
    go()
    with pytest.raises(JobFailed, match="was stopped"):
        api.wait(run.name)
    assert not (tmp_path / "out").exists()
    assert hidden(tmp_path)
    assert "resume" in str(api.status(run.name))
    api.resume(run.name)
    assert api.wait(run.name).facts["rows"] == 128
    api.batch("gated", "in", output="whole", wait=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not hidden(tmp_path)
    with pytest.raises(UsageError, match="is done"):
        api.resume(run.name)


def test_a_table_that_changes_while_a_run_is_cut_off_is_scored_as_it_was(api: Workbench, tmp_path: Path) -> None:
    go = slow(api, tmp_path)
    table = customers(32)[["age", "amount"]]
    with closing(sqlite3.connect(tmp_path / "in.db")) as there:
        table.to_sql("t", there, index=False)
        run = api.batch("gated", "sqlite:///in.db?table=t", output="out.csv", keep="none")
        answers = run.running.store.job_folder(run.name) / "answers"
        until(lambda: (answers / "0.rows").exists())
        there.executescript("delete from t where age > 40; update t set age = 0")
    os.kill(until(lambda: run.refresh().job.process).pid, signal.SIGKILL)
    go()
    assert api.wait(run.name).facts["rows"] == 32
    expected = table["age"] * 2.0 + table["amount"]
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["prediction"], expected, rtol=1e-12)
    assert not answers.exists()


def test_a_paused_run_waits(api: Workbench, tmp_path: Path) -> None:
    go = slow(api, tmp_path)
    run = begun(api, tmp_path)
    run.running.store.desire(run.name, "paused")
    go()
    until(lambda: run.refresh().state == "paused")
    assert not (tmp_path / "out").exists()
    api.resume(run.name)
    assert api.wait(run.name).state == "done"


def test_progress_is_told(api: Workbench, tmp_path: Path) -> None:
    go = slow(api, tmp_path)
    run = begun(api, tmp_path)
    until(lambda: run.refresh().facts.get("rows") == 8)
    assert run.refresh().facts["of"] == 128
    assert run.name in str(api.runs())
    go()
    facts = api.wait(run.name).facts
    assert (facts["rows"], facts["chunks"], facts["version"]) == (128, 4, "gated@1")


def test_two_runs_do_not_write_one_output(api: Workbench, tmp_path: Path) -> None:
    go = slow(api, tmp_path)
    run = begun(api, tmp_path)
    with pytest.raises(JobFailed, match=r"another run writes .*out now"):
        api.batch("gated", "in", output="out", wait=True)
    go()
    assert api.wait(run.name).facts["rows"] == 128


def test_an_input_that_changed_is_refused(api: Workbench, tmp_path: Path) -> None:
    go = slow(api, tmp_path)
    run = begun(api, tmp_path)
    run.running.store.desire(run.name, "stopped")
    go()
    with pytest.raises(JobFailed, match="was stopped"):
        api.wait(run.name)
    write(customers(50, 3)[["age", "amount"]], tmp_path / "in" / "03.parquet")
    api.resume(run.name)
    with pytest.raises(JobFailed, match=r"03.parquet changed since this run began") as caught:
        api.wait(run.name)
    assert "begin the run anew" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_input_that_changes_meanwhile_is_refused(api: Workbench, tmp_path: Path) -> None:
    go = slow(api, tmp_path)
    run = begun(api, tmp_path)
    write(customers(50, 9)[["age", "amount"]], tmp_path / "in" / "00.parquet")
    go()
    with pytest.raises(JobFailed, match=r"00.parquet changed since this run began"):
        api.wait(run.name)
    assert not (tmp_path / "out").exists()


def test_a_failure_is_an_error_when_it_is_waited_for(api: Workbench, tmp_path: Path) -> None:
    api.model("fails", ten_at_most, example=CUSTOMERS[["age"]])
    write(customers(20)[["age"]], tmp_path / "in.csv")
    with pytest.raises(JobFailed, match="no more than ten"):
        api.batch("fails", "in.csv", output="out.csv", wait=True)
    [run] = api.runs()
    assert run.state == "failed"
    assert "%workbench resume run/1" in str(run)
    assert "no more than ten" in str(api.runs())
    assert not (tmp_path / "out.csv").exists()


def test_a_schedule_is_put_changed_paused_and_removed(api: Workbench, model: str, tmp_path: Path) -> None:
    write(customers(2), tmp_path / "in.csv")
    options = {"output": "out.csv", "zone": "Europe/Berlin", "mode": "replace"}
    planned = api.batch(model, "in.csv", every="monday 6:00", dry_run=True, **options)
    assert (planned.name, api.registry.aliases(model)) == ("schedule/churn", {}), "only shown, nothing is set"
    schedule = api.batch(model, "in.csv", every="monday 6:00", **options)
    assert "churn@live is now churn@1" in str(schedule)
    assert (schedule.name, schedule.schedule.cron) == ("schedule/churn", "0 6 * * 1")
    assert "unchanged" in str(api.batch(model, "in.csv", every="monday 6:00", **options))
    assert "monday 6:00 → daily 7:00" in str(api.batch(model, "in.csv", every="daily 7:00", **options))
    changed = api.batch(model, "in.csv", every="daily 7:00", catch_up="all", overlap="queue", **options)
    assert "catch-up latest → all, overlap skip → queue" in str(changed)
    assert re.search(r"then  \d{4}-\d\d-\d\d 07:00, \d{4}-\d\d-\d\d 07:00\n", str(changed))
    with pytest.raises(UsageError, match="--overlap is for a cycle"):
        api.batch(model, "in.csv", overlap="queue", **{**options, "zone": None})
    assert "paused" in str(api.pause("schedule/churn"))
    assert "next run" in str(api.resume("schedule/churn"))
    with api.batch(model, "in.csv", every="daily 7:00", **options).running.store.database.write() as store:
        store.execute("update schedules set next_due = 1000000000")
    [run] = until(lambda: [run for run in api.runs() if run.state == "done"])
    assert (run.facts["rows"], run.job.schedule) == (2, "schedule/churn")
    api.remove("schedule/churn")
    assert list(api.schedules()) == []
    with pytest.raises(UsageError, match=r"(?s)25:00.*monday 6:00"):
        api.batch(model, "in.csv", every="25:00", **options)


def test_each_run_of_a_schedule_replaces_the_output_of_the_one_before(
    api: Workbench, model: str, tmp_path: Path
) -> None:
    write(customers(2), tmp_path / "in" / "a.csv")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "of somebody else").touch()
    with pytest.raises(UsageError, match="out is there already"):
        api.batch(model, "in", output="out", every="monday 6:00")
    schedule = api.batch(model, "in", output="other", every="monday 6:00")
    assert "other, which each replaces" in str(schedule)
    for number in (1, 2):
        with schedule.running.store.database.write() as store:
            store.execute("update jobs set due = 1")  # as if it were a week ago
            store.execute("update schedules set next_due = 1000000000")
        until(lambda number=number: [run.state for run in api.runs()] == ["done"] * number)
        write(customers(2), tmp_path / "in" / "b.csv")
    assert len(pd.read_parquet(tmp_path / "other")) == 4
    assert "unchanged" in str(api.batch(model, "in", output="other", every="monday 6:00"))


class Scoring:
    """Scores in a process that kills itself at a moment."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / "killed.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.swapping: list[int] = []
        """The moments, of what was scored last, while the folder took its place."""

    def __call__(self, output: Path | str, folder: Path, input: Path, moment: int | None = None, **how: Any) -> int:
        """How many moments there were, or -1."""
        folder.mkdir(exist_ok=True)
        self._process.stdin.write(json.dumps([str(output), str(folder), str(input), moment, how]) + "\n")
        self._process.stdin.flush()
        last, self.swapping = json.loads(self._process.stdout.readline())
        return int(last)

    def close(self) -> None:
        self._process.stdin.close()
        assert self._process.wait(PATIENCE) == 0
        self._process.stdout.close()


@pytest.fixture
def scoring(api: Workbench, model: str, home: Path) -> Iterator[Scoring]:
    scoring = Scoring()
    yield scoring
    scoring.close()


GROWN = {"grown": "out", "grown.csv": "out.csv", "grown.parquet": "out.parquet"}
HOW: dict[str, Any] = {"divided": {"partition": ["city", "vip"]}} | {kind: {"mode": "append"} for kind in GROWN}
HOW |= {"workers": {"workers": 2}, "workers.csv": {"workers": 2}}


@pytest.mark.parametrize(
    "kind", ["folder", "csv", "table", "append", "key", "divided", "workers", "workers.csv", *GROWN]
)
def test_killed_at_any_moment_it_goes_on(kind: str, scoring: Scoring, tmp_path: Path) -> None:
    """Moments of each kind, half of them while the output appears, all of those while a folder takes the place of
    another; some runs are killed twice."""
    files(tmp_path / "in", 5, ".csv", rows=10)
    bad_rows = (tmp_path / "in" / "03.csv").read_text().replace("Ulm,", "Ulm,never", 1)
    (tmp_path / "in" / "03.csv").write_text(bad_rows)
    places = {
        "folder": "out",
        "csv": "out.csv",
        "table": "out.db",
        "append": "out.db",
        "key": "out.db",
        "divided": "out",
        "workers": "out",
        "workers.csv": "out.csv",
    }
    places |= GROWN
    before = kind in GROWN or kind == "key"  # something is there already
    files(tmp_path / "more", 2, ".csv", rows=10)

    def score(at: str, moment: int | None = None) -> int:
        folder = tmp_path / at
        folder.mkdir(exist_ok=True)
        mode = {"append": "&mode=append", "key": "&key=amount"}.get(kind, "")
        file = folder / places[kind]
        place = f"sqlite:///{file}?table=t{mode}" if file.suffix == ".db" else file
        if before and not (folder / "ledger").exists():
            scoring(place, folder / "first", tmp_path / "more", **HOW.get(kind, {}))
            shutil.rmtree(folder / "first")
        return scoring(place, folder / "ledger", tmp_path / "in", moment, **HOW.get(kind, {}))

    def result(at: str) -> Any:
        file = tmp_path / at / places[kind]
        if file.suffix == ".db":
            with sqlite3.connect(file) as there:
                rows = there.execute("select * from t").fetchall()
            there.close()
            aside = tmp_path / at / "ledger" / "rejects.jsonl"
            return rows, aside.read_text()
        left = hidden(tmp_path / at)
        shutil.rmtree(tmp_path / at / "ledger")
        return contents(tmp_path / at), left

    last, swapping = score("whole"), scoring.swapping if before else []
    whole = result("whole")
    chosen = random.Random(kind)
    moments = {*chosen.choices(range(1, last), k=KILLS), *chosen.choices(range(last * 9 // 10, last), k=KILLS)}
    for moment in sorted(moments | set(swapping)):
        at = f"at{moment}"
        score(at, moment)  # threads: how many moments there are differs a little
        if moment not in swapping:
            score(at, chosen.randrange(1, last))
        assert score(at) > 0, moment
        assert result(at) == whole, f"killed at moment {moment} of {last}"


@pytest.mark.parametrize("place", ["out", "out.csv", "out.db"])
def test_killed_at_any_moment_what_is_new_is_there_once(place: str, scoring: Scoring, tmp_path: Path) -> None:
    """Some of those that were killed go on; others are left, and another run scores what is new."""
    chosen = random.Random(place)

    def score(at: str, run: str, moment: int | None = None) -> int:
        file = tmp_path / at / place
        output = f"sqlite:///{file}?table=t" if file.suffix == ".db" else file
        new = {"seen": str(tmp_path / at / "seen.db")}
        return scoring(output, tmp_path / at / run, tmp_path / at / "in", moment, new=new)

    def begin(at: str) -> None:
        files(tmp_path / at / "in", 2, rows=10)
        assert score(at, "first") > 0
        for i in (2, 3):
            write(customers(10, i), tmp_path / at / "in" / f"{i:02}.parquet")

    def ages(at: str) -> list[int]:
        file = tmp_path / at / place
        if file.suffix == ".db":
            with sqlite3.connect(file) as there:
                found = [age for (age,) in there.execute("select age from t")]
            there.close()
            return sorted(found)
        return sorted((pd.read_csv if file.suffix == ".csv" else pd.read_parquet)(file)["age"])

    begin("whole")
    last = score("whole", "second")
    expected = sorted(age for i in range(4) for age in customers(10, i)["age"])
    assert ages("whole") == expected
    moments = {*chosen.choices(range(1, last), k=KILLS // 2), *chosen.choices(range(last * 7 // 10, last), k=KILLS)}
    for moment in sorted(moments):
        at = f"at{moment}"
        begin(at)
        score(at, "second", moment)
        assert score(at, chosen.choice(["second", "third"])) > 0, moment
        assert score(at, "fourth") > 0
        assert ages(at) == expected, f"killed at moment {moment} of {last}"


def test_a_run_that_is_killed_again_and_again_ends_the_same(api: Workbench, tmp_path: Path) -> None:
    """The processes of real runs, killed at random moments; the supervisor or a resume goes on. Its last file is not
    scored before the last kill."""
    gate, model, last = tmp_path / "gate", "late", 30
    api.model(model, LateGated(str(gate)), example=CUSTOMERS, row_wise="yes")
    files(tmp_path / "in", last, rows=800)
    write(customers(800).assign(age=101), tmp_path / "in" / f"{last}.parquet")
    api.batch(model, "in", output="whole", wait=True)
    gate.touch()
    run = api.batch(model, "in", output="out")
    chosen, kills = random.Random(7), 0
    while kills < 12:
        job = run.refresh().job
        ledger = run.running.store.job_folder(run.name) / "ledger.db"
        parts = len(list(tmp_path.glob(".out.*.parts/part-*")))
        more = chosen.choice((0, 0, 1, 2))

        def met(job: Any = job, parts: int = parts, more: int = more) -> bool:
            there = len(list(tmp_path.glob(".out.*.parts/part-*")))
            return (
                there >= min(parts + more, last) or run.refresh().job.process != job.process or run.refresh().job.over
            )

        until(met)
        process = run.refresh().job.process
        if process and process.signal(signal.SIGKILL):
            kills += 1
        assert ledger.parent.exists()
        state = until(lambda process=process: ((j := run.refresh().job).process != process or j.over) and j).state
        if state == "failed":
            api.resume(run.name)
    gate.unlink()
    if run.refresh().state == "failed":
        api.resume(run.name)
    assert api.wait(run.name).facts["rows"] == 24_800
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not hidden(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    with disk_of("2m", tmp_path / "disk") as folder:
        yield folder


@pytest.mark.parametrize("output", ["out", "out.csv"])
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    output: str, api: Workbench, model: str, tmp_path: Path, small_disk: Path
) -> None:
    files(tmp_path / "in", 4, rows=6000)
    api.batch(model, "in", output="whole" + output, wait=True)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 150_000))
    run = api.batch(model, "in", output=str(small_disk / output))
    with pytest.raises(JobFailed, match=r"disk .*is full"):
        api.wait(run.name)
    assert not (small_disk / output).exists()
    ballast.unlink()
    api.resume(run.name)
    if output == "out.csv":  # parts and the file together need more than there is
        with pytest.raises(JobFailed, match=r"disk .*is full"):
            api.wait(run.name)
        subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
        api.resume(run.name)
    assert api.wait(run.name).facts["rows"] == 24_000
    there, whole = small_disk / output, tmp_path / ("whole" + output)
    assert (contents(there) == contents(whole)) if there.is_dir() else there.read_bytes() == whole.read_bytes()
    assert not hidden(small_disk)


def test_a_full_disk_of_the_ledger_is_named(api: Workbench, model: str, tmp_path: Path, small_disk: Path) -> None:
    from workbench import paths
    from workbench.bundle.registry import Registry
    from workbench.patterns.batch.scoring import score

    files(tmp_path / "in", 3)
    home = paths.home()
    predictor = Registry(paths.registry(home)).resolve(model).predictor(home)
    (small_disk / "ledger").mkdir()
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"")
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass

    def attempt() -> Any:
        return score(predictor, str(tmp_path / "in"), str(tmp_path / "out"), ledger=small_disk / "ledger" / "ledger.db")

    with pytest.raises(StorageError, match=r"the disk of .*ledger.db is full"):
        attempt()
    os.truncate(ballast, 0)
    assert attempt().rows == 120
