"""A store that grows: each run scores what no run before it has, whatever is killed; a new version can score all again."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from batch_models import row_wise, second, third
from customer_models import CUSTOMERS

from workbench.api import Workbench
from workbench.errors import JobFailed, UsageError


def days(first: int, last: int) -> pd.DataFrame:
    """Customers of some days of a month, two a day."""
    numbers = np.random.default_rng(first)
    rows = 2 * (last - first)
    table = CUSTOMERS.iloc[np.arange(rows) % len(CUSTOMERS)].reset_index(drop=True)
    when = pd.Timestamp("2026-11-01") + pd.to_timedelta(np.repeat(np.arange(first, last), 2), unit="D")
    return table.assign(age=numbers.integers(18, 90, rows), city="Ulm", seen=when, id=np.arange(2 * first, 2 * last))


def ledger(home: Path) -> list[tuple[Any, ...]]:
    """What was scored by which version, and what of it stands."""
    [file] = home.rglob("scored/*.db")
    with sqlite3.connect(file) as there:
        rows = there.execute("select version, file, rows, stands from scored order by rowid").fetchall()
    there.close()
    return [(version, file.rpartition("/")[2], rows, stands) for version, file, rows, stands in rows]


@pytest.fixture
def model(api: Workbench) -> str:
    api.model("churn", row_wise, example=CUSTOMERS)
    return "churn"


def test_new_files_are_scored_once(api: Workbench, model: str, home: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for day in range(3):
        days(day, day + 1).to_parquet(tmp_path / "in" / f"{day}.parquet")
        run = api.batch(model, "in", output="out", new=True, wait=True)
        assert run.facts["rows"] == 2
        assert "1 new file" in str(run)
    before = {file: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    run = api.batch(model, "in", output="out", new=True, wait=True)
    assert run.facts["rows"] == 0
    assert "nothing new" in str(run)
    assert {file: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before
    assert sorted(pd.read_parquet(tmp_path / "out")["id"]) == list(range(6))
    assert ledger(home) == [("churn@1", f"{day}.parquet", 2, 1) for day in range(3)]


def test_a_file_that_grew_is_not_scored_twice(api: Workbench, model: str, tmp_path: Path) -> None:
    days(0, 1).to_csv("in.csv", index=False)
    api.batch(model, "in.csv", output="out.csv", new=True, wait=True)
    days(0, 2).to_csv("in.csv", index=False)
    with pytest.raises(JobFailed, match=r"(?s)has changed since it was scored.*--watermark COLUMN"):
        api.batch(model, "in.csv", output="out.csv", new=True, wait=True)
    for _ in range(2):
        api.batch(model, "in.csv", output="sqlite:///out.db?table=t", key="id", new=True, wait=True)
        days(0, 3).to_csv("in.csv", index=False)
    with sqlite3.connect("out.db") as there:
        assert [row for (row,) in there.execute("select id from t order by id")] == list(range(6))
    there.close()


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_rows_above_the_mark_are_new(ending: str, api: Workbench, model: str, home: Path, tmp_path: Path) -> None:
    write = {
        ".csv": lambda table, file: table.to_csv(file, index=False),
        ".parquet": lambda table, file: table.to_parquet(file),
        ".jsonl": lambda table, file: table.to_json(file, orient="records", lines=True, date_format="iso"),
    }[ending]
    (tmp_path / "in").mkdir()
    output = f"out{ending}"
    for last, new in ((2, 4), (5, 6), (5, 0)):
        write(days(0, last), tmp_path / "in" / f"a{ending}")
        run = api.batch(model, "in", output=output, watermark="id", wait=True)
        assert run.facts["rows"] == new, run
    write(days(5, 7), tmp_path / "in" / f"b{ending}")
    assert api.batch(model, "in", output=output, watermark="id", wait=True).facts["rows"] == 4
    read: Any = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".jsonl": lambda f: pd.read_json(f, lines=True)}
    assert read[ending](tmp_path / output)["id"].tolist() == list(range(14))
    with pytest.raises(JobFailed, match="is known by 'id'"):
        api.batch(model, "in", output=output, watermark="seen", wait=True)


def test_rows_of_a_table_that_grows(api: Workbench, model: str, tmp_path: Path) -> None:
    def grown(first: int, last: int) -> None:
        with sqlite3.connect(tmp_path / "in.db") as there:
            days(first, last).sample(frac=1, random_state=1).to_sql("t", there, index=False, if_exists="append")
        there.close()

    for place in ("sqlite:///in.db?table=t", "sqlite:///in.db?query=select * from t where age > 0"):
        output = f"out{len(place)}.parquet"
        (tmp_path / "in.db").unlink(missing_ok=True)
        for first, last in ((0, 2), (2, 5), (5, 5)):
            if last > first:
                grown(first, last)
            run = api.batch(model, place, output=output, watermark="id", wait=True)
            assert run.facts["rows"] == 2 * (last - first), run
        assert pd.read_parquet(tmp_path / output)["id"].tolist() == list(range(10))
    with pytest.raises(UsageError, match="--watermark COLUMN"):
        api.batch(model, "sqlite:///in.db?table=t", output="other.parquet", new=True)


def test_since_says_where_to_begin(api: Workbench, model: str, tmp_path: Path) -> None:
    days(0, 5).to_parquet(tmp_path / "in.parquet")
    run = api.batch(model, "in.parquet", output="out.parquet", watermark="seen", since="2026-11-04", wait=True)
    assert run.facts["rows"] == 4
    assert "what is new, seen to 2026-11-05" in str(run)
    with pytest.raises(UsageError, match="--since yesterday is no time"):
        api.batch(model, "in.parquet", output="out.parquet", since="yesterday")
    assert api.batch(model, "in.parquet", output="new.parquet", since="2099-01-01", wait=True).facts["rows"] == 0
    assert not (tmp_path / "new.parquet").exists()
    assert api.batch(model, "in.parquet", output="new.parquet", since="2001-01-01", wait=True).facts["rows"] == 10


def test_a_row_without_a_mark_is_named(api: Workbench, model: str, tmp_path: Path) -> None:
    days(0, 2).assign(seen=[None, "2026-11-01"] * 2).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(JobFailed, match="row 0 has no value in 'seen', which tells new rows"):
        api.batch(model, "in.parquet", output="out.parquet", watermark="seen", wait=True)
    with pytest.raises(JobFailed, match="there is no column 'day_seen', which tells new rows"):
        api.batch(model, "in.parquet", output="out.parquet", watermark="day_seen", wait=True)


def test_a_new_version_scores_all_again_where_that_is_asked_for(
    api: Workbench, model: str, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    days(0, 1).to_parquet(tmp_path / "in" / "a.parquet")
    api.batch(model, "in", output="out", backfill=True, wait=True)
    api.model("churn", second, example=CUSTOMERS)
    days(1, 2).to_parquet(tmp_path / "in" / "b.parquet")
    assert api.batch(model, "in", output="out", new=True, wait=True).facts["rows"] == 2
    assert ledger(home)[-1] == ("churn@2", "b.parquet", 2, 1)
    api.model("churn", third, example=CUSTOMERS)
    run = api.batch(model, "in", output="out", backfill=True, wait=True)
    assert run.facts["rows"] == 4
    assert "all again" in str(run)
    assert pd.read_parquet(tmp_path / "out")["score"].tolist() == [2.0] * 4
    stands = [(version, file, stands) for version, file, _, stands in ledger(home)]
    assert stands == [
        ("churn@1", "a.parquet", 0), ("churn@2", "b.parquet", 0),
        ("churn@3", "a.parquet", 1), ("churn@3", "b.parquet", 1),
    ]  # fmt: skip
    assert api.batch(model, "in", output="out", backfill=True, wait=True).facts["rows"] == 0


def test_what_is_gone_is_made_again(api: Workbench, model: str, tmp_path: Path) -> None:
    days(0, 2).to_parquet(tmp_path / "in.parquet")
    for _ in range(2):
        assert api.batch(model, "in.parquet", output="out.csv", new=True, wait=True).facts["rows"] == 4
        (tmp_path / "out.csv").unlink()


def test_a_schedule_adds_what_is_new(api: Workbench, model: str, tmp_path: Path) -> None:
    days(0, 2).to_parquet(tmp_path / "in.parquet")
    api.batch(model, "in.parquet", output="out.parquet", new=True, wait=True)
    schedule = api.batch(model, "in.parquet", output="out.parquet", new=True, every="monday 6:00")
    assert "out.parquet, to which each adds" in str(schedule)
    assert schedule.schedule.spec["mode"] is None
