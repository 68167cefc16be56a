"""Several processes that score one store: the same bytes, whatever ends or hangs; and what an output keeps."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from batch_models import Failing, Gated, deadly, row_wise
from customer_models import CUSTOMERS
from waiting import until

from workbench.api import Workbench
from workbench.errors import JobFailed, UsageError


def customers(rows: int, seed: int = 0) -> pd.DataFrame:
    numbers = np.random.default_rng(seed)
    table = CUSTOMERS.iloc[np.arange(rows) % len(CUSTOMERS)].reset_index(drop=True)
    return table.assign(age=numbers.integers(18, 65, rows), city=table["city"].replace("", "Bonn"))


def store(folder: Path, number: int, ending: str = ".parquet", rows: int = 50) -> None:
    folder.mkdir(exist_ok=True)
    for i in range(number):
        table = customers(rows, i)
        if ending == ".parquet":
            table.to_parquet(folder / f"{i}.parquet", index=False)
        elif ending == ".csv":
            table.to_csv(folder / f"{i}.csv", index=False)
        else:
            table.to_json(folder / f"{i}.jsonl", orient="records", lines=True, date_format="iso")


def contents(place: Path) -> dict[str, bytes]:
    if place.is_file():
        return {"": place.read_bytes()}
    return {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}


@pytest.mark.parametrize(
    ("ending", "output"), [(".parquet", "out"), (".csv", "out.csv"), (".jsonl", "out.jsonl"), (".csv", "out.parquet")]
)
def test_the_output_does_not_depend_on_how_many_work(ending: str, output: str, api: Workbench, tmp_path: Path) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 9, ending)
    if ending == ".csv":
        bad = (tmp_path / "in" / "4.csv").read_text().replace("Ulm,", "Ulm,never", 1)
        (tmp_path / "in" / "4.csv").write_text(bad)
    made = []
    for workers in (1, 2, 3):
        run = api.batch("churn", "in", output=f"{workers}/{output}" if (tmp_path / str(workers)).mkdir() is None else "",
                        workers=workers, wait=True)  # fmt: skip
        assert run.facts["rows"] + run.facts["rejects"] == 450
        made.append(contents(tmp_path / str(workers)))
    assert made[0] == made[1] == made[2]


def test_a_file_of_many_chunks_has_the_same_ones(api: Workbench, tmp_path: Path) -> None:
    api.model("sum", Gated(str(tmp_path / "no gate")), example=CUSTOMERS[["age", "amount"]])
    customers(200_000)[["age", "amount"]].to_parquet(tmp_path / "in.parquet", row_group_size=30_000)
    for workers in (1, 2):
        run = api.batch("sum", "in.parquet", output=f"{workers}", workers=workers, keep="age", wait=True)
        assert (run.facts["rows"], run.facts["of"], run.facts["chunks"]) == (200_000, 200_000, 4)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_row_that_ends_its_process_is_put_aside_without_a_new_run(api: Workbench, tmp_path: Path) -> None:
    api.model("deadly", deadly, example=CUSTOMERS[["age"]])
    store(tmp_path / "in", 4)
    table = customers(50, 2)
    table.loc[30, "age"] = 66  # ends the process by a segmentation fault
    table.to_parquet(tmp_path / "in" / "2.parquet", index=False)
    run = api.batch("deadly", "in", output="out", workers=2, wait=True)
    assert (run.facts["rows"], run.facts["rejects"], run.job.restarts) == (199, 1, 0)
    [aside] = [json.loads(line) for line in (tmp_path / "out" / "_rejects.jsonl").read_text().splitlines()]
    assert (aside["row"], aside["record"]["age"]) == (30, 66)
    assert "ended its process: Segmentation fault" in aside["reason"]


def test_a_worker_that_is_killed_is_followed_by_another(api: Workbench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    api.model("gated", Gated(str(gate)), example=CUSTOMERS[["age", "amount"]])
    store(tmp_path / "in", 5)
    api.batch("gated", "in", output="whole", wait=True)
    gate.touch()
    run = api.batch("gated", "in", output="out", workers=2)
    workers = until(lambda: run.refresh().facts.get("workers"))
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    gate.unlink()
    assert api.wait(run.name).facts["rows"] == 250
    assert run.refresh().job.restarts == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_chunk_that_takes_too_long_is_named_and_may_be_tried_again(api: Workbench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    api.model("gated", Gated(str(gate)), example=CUSTOMERS[["age", "amount"]])
    store(tmp_path / "in", 2)
    gate.touch()
    with pytest.raises(JobFailed, match=r"rows 0 to 49: the process that scored them took longer than 2.0 s") as caught:
        api.batch("gated", "in", output="out", timeout=2, wait=True)
    assert "0.parquet" in str(caught.value)
    assert not (tmp_path / "out").exists()
    run = api.batch("gated", "in", output="out", timeout=2, retries=50)
    until(lambda: "tried again" in run.logs())
    gate.unlink()
    assert api.wait(run.name).facts["rows"] == 100


@pytest.mark.parametrize("workers", [None, 2])
def test_a_model_that_fails_is_asked_again(workers: int | None, api: Workbench, tmp_path: Path) -> None:
    count = tmp_path / "count"
    api.model("failing", Failing(str(count)), example=CUSTOMERS[["age", "amount"]])
    store(tmp_path / "in", 1)
    count.write_text("2")
    run = api.batch("failing", "in", output="out", retries=2, workers=workers, wait=True)
    assert (run.facts["rows"], run.facts["rejects"]) == (50, 0)
    assert "not now" in run.logs()


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_an_output_keeps_what_is_named(ending: str, api: Workbench, tmp_path: Path) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 2, ending)
    whole = pd.read_parquet(_scored(api, tmp_path / "whole"))
    for keep, columns in (("none", []), ("city, age", ["city", "age"])):
        there = pd.read_parquet(_scored(api, tmp_path / keep[:4], keep=keep))
        assert list(there) == [*columns, "score", "label"]
        assert there.equals(whole[[*columns, "score", "label"]])
    lines = _scored(api, tmp_path / "out.jsonl", keep="age")
    assert list(json.loads(lines.read_text().splitlines()[0])) == ["age", "score", "label"]
    text = _scored(api, tmp_path / "out.csv", keep="age")
    assert text.read_text().splitlines()[0] == "age,score,label"


def _scored(api: Workbench, output: Path, **how: Any) -> Path:
    api.batch("churn", "in", output=str(output), wait=True, **how)
    return output


def test_what_is_not_there_cannot_be_kept(api: Workbench, tmp_path: Path) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 1)
    with pytest.raises(JobFailed, match="has no column 'town', which is to be kept"):
        api.batch("churn", "in", output="out", keep="town", wait=True)
    with pytest.raises(UsageError, match="--partition city needs a column that --keep leaves out"):
        api.batch("churn", "in", output="out", keep="age", partition="city")
    with pytest.raises(UsageError, match="--key age needs a column that --keep leaves out"):
        api.batch("churn", "in", output="sqlite:///out.db?table=t", keep="none", key="age")
