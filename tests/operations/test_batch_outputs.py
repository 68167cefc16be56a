"""What becomes of an output that is there: it grows, is replaced, or has rows put into their places; and its folders."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from batch_models import row_wise
from customer_models import CUSTOMERS
from pyarrow import dataset

from workbench.api import Workbench
from workbench.errors import JobFailed, NotFound, UsageError
from workbench.patterns.batch.scoring import How, score


def customers(rows: int, seed: int = 0) -> pd.DataFrame:
    numbers = np.random.default_rng(seed)
    table = CUSTOMERS.iloc[np.arange(rows) % len(CUSTOMERS)].reset_index(drop=True)
    return table.assign(age=numbers.integers(18, 90, rows), city=table["city"].replace("", "Bonn"))


@pytest.fixture
def predictor(api: Workbench) -> Any:
    """`churn`, loaded here."""
    return api.model("churn", row_wise, example=CUSTOMERS).predictor(api.home)


@pytest.fixture
def scored(predictor: Any, tmp_path: Path) -> Any:
    """Scores an input as a run of its own."""
    number = iter(range(1000))

    def run(input: str, output: str, **how: Any) -> Any:
        ledger = tmp_path / "ledgers" / str(next(number)) / "ledger.db"
        return score(predictor, input, output, How(**how), ledger=ledger, name="churn@1")

    return run


READ: dict[str, Any] = {
    ".csv": pd.read_csv, ".gz": pd.read_csv, ".parquet": pd.read_parquet, ".feather": pd.read_feather,
    ".jsonl": lambda file: pd.read_json(file, lines=True), "": pd.read_parquet,
}  # fmt: skip


@pytest.mark.parametrize("name", ["out", "out.csv", "out.csv.gz", "out.jsonl", "out.parquet", "out.feather"])
def test_an_output_grows_by_each_run(name: str, scored: Any, tmp_path: Path) -> None:
    out = tmp_path / name
    for i in range(3):
        customers(10 + i, i).to_csv(tmp_path / "in.csv", index=False)
        scored(str(tmp_path / "in.csv"), str(out), mode="append")
    there = READ[out.suffix](out)
    ages = np.concatenate([customers(10 + i, i)["age"] for i in range(3)])
    assert there["age"].tolist() == ages.tolist()
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]
    with pytest.raises(UsageError, match=r"is there already.*\n.*--mode replace or append"):
        scored(str(tmp_path / "in.csv"), str(out))
    scored(str(tmp_path / "in.csv"), str(out), mode="replace")
    assert len(READ[out.suffix](out)) == 12


def test_text_that_is_there_stays_as_it_is_when_a_file_grows(scored: Any, tmp_path: Path) -> None:
    customers(2).to_csv(tmp_path / "in.csv", index=False)
    scored(str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    before = (tmp_path / "out.csv").read_text().replace(",high", ',"high"').replace(",low", ',"low"').rstrip("\n")
    (tmp_path / "out.csv").write_text(before)
    scored(str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), mode="append")
    assert (tmp_path / "out.csv").read_text().startswith(before + "\n")


def test_a_file_of_other_columns_does_not_grow(scored: Any, tmp_path: Path) -> None:
    customers(2).to_csv(tmp_path / "in.csv", index=False)
    for name in ("out.csv", "out.parquet"):
        there = customers(2).rename(columns={"age": "years"})
        there.to_csv(tmp_path / name, index=False) if name.endswith("csv") else there.to_parquet(tmp_path / name)
        before = (tmp_path / name).read_bytes()
        with pytest.raises(Exception, match="'years' is a column either of it or of the predictions only"):
            scored(str(tmp_path / "in.csv"), str(tmp_path / name), mode="append")
        assert (tmp_path / name).read_bytes() == before


def rows_of(place: Path) -> list[Any]:
    with sqlite3.connect(place) as there:
        found = there.execute("select id, age from t order by id").fetchall()
    there.close()
    return found


def test_rows_with_a_key_take_the_place_of_those_that_have_it(api: Workbench, tmp_path: Path) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    for ids, seed in ((range(5), 1), (range(3, 8), 2)):
        customers(5, seed).assign(id=list(ids)).to_csv(tmp_path / "in.csv", index=False)
        api.batch("churn", "in.csv", output="sqlite:///out.db?table=t", key="id", wait=True)
    ages = [*customers(5, 1)["age"][:3], *customers(5, 2)["age"]]
    assert rows_of(tmp_path / "out.db") == list(enumerate(ages))
    customers(5).assign(id=[1, 2, None, 3, 3]).to_csv(tmp_path / "in.csv", index=False)
    with pytest.raises(JobFailed, match="no value in 'id'"):
        api.batch("churn", "in.csv", output="sqlite:///out.db?table=t&key=id", wait=True)
    with pytest.raises(JobFailed, match=r"(?s)nothing says that age is unique.*CREATE UNIQUE INDEX"):
        api.batch("churn", "in.csv", output="sqlite:///out.db?table=t&key=age", wait=True)
    with pytest.raises(UsageError, match="--key is for a table"):
        api.batch("churn", "in.csv", output="out.csv", key="id")
    with pytest.raises(UsageError, match="--mode append is something else"):
        api.batch("churn", "in.csv", output="sqlite:///out.db?table=t&key=id", mode="append")
    assert rows_of(tmp_path / "out.db") == list(enumerate(ages))


def test_an_output_is_divided_into_folders_and_read_back_from_them(scored: Any, tmp_path: Path) -> None:
    table = customers(40).assign(month=np.arange(40) % 3)
    table["city"] = table["city"].where(table.index % 5 > 0, "a/b=ö %")
    table.to_parquet(tmp_path / "in.parquet")
    scored(str(tmp_path / "in.parquet"), str(tmp_path / "out"), partition=("month", "city"))
    assert {file.parent.parent.name for file in (tmp_path / "out").rglob("part-*")} == {"month=0", "month=1", "month=2"}
    there = (
        dataset.dataset(tmp_path / "out", partitioning="hive").to_table().to_pandas()
    )  # pandas takes no missing ones
    assert sorted(there["age"]) == sorted(table["age"])
    assert set(there["city"].dropna()) == set(table["city"].dropna())
    scored(str(tmp_path / "out"), str(tmp_path / "again.parquet"))
    again = pd.read_parquet(tmp_path / "again.parquet")
    assert sorted(zip(again["age"], again["month"], strict=True)) == sorted(
        zip(table["age"], table["month"], strict=True)
    )
    scored(str(tmp_path / "in.parquet"), str(tmp_path / "out"), partition=("month", "city"), mode="append")
    assert dataset.dataset(tmp_path / "out", partitioning="hive").count_rows() == 80
    scored(str(tmp_path / "out" / "month=*" / "**" / "*.parquet"), str(tmp_path / "third.parquet"))
    assert set(pd.read_parquet(tmp_path / "third.parquet")["month"]) == {0, 1, 2}


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_the_columns_of_folders_are_those_of_text_too(ending: str, scored: Any, tmp_path: Path) -> None:
    for age in (20, 30):
        folder = tmp_path / "in" / f"age={age}"
        folder.mkdir(parents=True)
        rows = customers(3, age).drop(columns="age")
        if ending == ".csv":
            rows.to_csv(folder / "a.csv", index=False)
        else:
            rows.to_json(folder / "a.jsonl", orient="records", lines=True, date_format="iso")
    scored(str(tmp_path / "in"), str(tmp_path / f"out{ending}"))
    assert READ[ending](tmp_path / f"out{ending}")["age"].tolist() == [20, 20, 20, 30, 30, 30]


def test_what_cannot_be_a_folder_is_refused(scored: Any, tmp_path: Path) -> None:
    customers(4).to_csv(tmp_path / "in.csv", index=False)
    for output, column, said in (
        ("out", "amount", "'amount' holds double"), ("out", "month", "no column 'month'"), ("o.csv", "city", "no folder"),
    ):  # fmt: skip
        with pytest.raises(Exception, match=said):
            scored(str(tmp_path / "in.csv"), str(tmp_path / output), partition=(column,))
        assert not (tmp_path / output).exists()


def test_globs_and_folders_behind_urls(scored: Any, tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for i in range(3):
        memory.pipe(f"/lake/m={i}/a.csv", customers(4, i).to_csv(index=False).encode())
    memory.pipe("/lake/m=0/_notes.csv", b"not data")
    for input in ("memory://lake/m=*/a.csv", "memory://lake/"):
        run = scored(input, str(tmp_path / "out.csv"), mode="replace")
        assert run.rows == 12
        assert pd.read_csv(tmp_path / "out.csv")["m"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    scored("memory://lake/m=*/a.csv?delimiter=,", "memory://out.csv")
    assert memory.exists("/out.csv")
    with pytest.raises(UsageError, match="is there already"):
        scored("memory://lake/", "memory://out.csv")
    with pytest.raises(UsageError, match="nothing is added to a remote file"):
        scored("memory://lake/", "memory://out.csv", mode="append")
    with pytest.raises(NotFound, match="no file matches"):
        scored("memory://lake/n=*", str(tmp_path / "other.csv"))
    (tmp_path / "in").mkdir()
    customers(4).to_csv(tmp_path / "in" / "a.csv", index=False)
    assert scored(f"file://{tmp_path}/in/*.csv", f"file://{tmp_path}/parts/").rows == 4
    assert os.listdir(tmp_path / "parts")
