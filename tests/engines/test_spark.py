"""Batches and streams on Spark: the same bytes as on this machine, each answer once, whatever ends. One cluster for all,
which is a master with two workers."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from batch_models import Gated, deadly, row_wise
from customer_models import CUSTOMERS
from engine_parts import contents, patiently, store
from export_models import ROWS, first, second
from parity_parts import MODELS, agree, arriving, batch
from spark_parts import Standalone

from workbench.api import Workbench
from workbench.errors import JobFailed, UsageError

pytest.importorskip("pyspark", reason="no part of the project's own tests: Spark (450 MB), make engines")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    cluster = Standalone(tmp_path_factory.mktemp("spark"))
    try:
        cluster.begin()
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def api(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: Any) -> Iterator[Workbench]:
    """The API over a home of the test's own, on the cluster; what it started is stopped at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARK_MASTER", spark.master)
    workbench = Workbench(home)
    yield workbench
    workbench.shutdown(all=True)


def both(api: Workbench, input: str, folder: Path, **how: Any) -> Any:
    """Scored here and there: the same bytes; the run there."""
    api.batch("churn", input, output=str(folder / "here"), wait=True, **how)
    run = api.batch("churn", input, output=str(folder / "there"), engine="spark", wait=True, **how)
    assert contents(folder / "there") == contents(folder / "here")
    return run


def test_a_batch_has_the_bytes_and_rejects_of_this_machine(api: Workbench, tmp_path: Path, spark: Any) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 5)
    bad = pd.read_parquet(tmp_path / "in" / "3.parquet").astype({"age": str})
    bad.loc[7, "age"] = "old"
    bad.to_parquet(tmp_path / "in" / "3.parquet", index=False)
    run = both(api, "in", tmp_path, partition="vip")
    assert (run.facts["rows"], run.facts["rejects"]) == (249, 1)
    assert f"Spark {__import__('pyspark').__version__} at {spark.master}, 2 tasks at once" in str(run)


def test_a_table_through_a_server_of_spark_connect_whose_python_is_another(
    api: Workbench, tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever names another Python has another machine: the version, Workbench and the rows travel."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    api.model("churn", row_wise, example=CUSTOMERS)
    with sqlite3.connect("shop.db") as database:
        pd.concat([CUSTOMERS] * 20, ignore_index=True).to_sql("customers", database, index=False)
    monkeypatch.setenv("SPARK_REMOTE", spark.connect())
    monkeypatch.setenv("PYSPARK_PYTHON", str(python))
    run = both(api, "sqlite:///shop.db?table=customers", tmp_path)
    assert run.facts["rows"] == 20 * len(CUSTOMERS)
    assert spark.remote in str(run)


def test_a_worker_that_is_killed_costs_no_row(api: Workbench, tmp_path: Path, spark: Any) -> None:
    gate = tmp_path / "gate"
    api.model("churn", Gated(str(gate)), example=CUSTOMERS[["age", "amount"]])
    store(tmp_path / "in", 9)
    api.batch("churn", "in", output="here", wait=True)
    gate.touch()
    run = api.batch("churn", "in", output="there", engine="spark")
    patiently(lambda: run.refresh().facts.get("engine"))
    spark.kill("two")
    gate.unlink()
    done = api.wait(run.name)
    spark.work("two")
    assert (done.facts["rows"], done.facts["chunks"], done.job.restarts) == (450, 9, 0)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_a_row_that_ends_its_process_is_put_aside(
    api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no address is named Spark runs on this machine."""
    monkeypatch.delenv("SPARK_MASTER")
    api.model("deadly", deadly, example=CUSTOMERS[["age"]])
    store(tmp_path / "in", 2)
    table = pd.read_parquet(tmp_path / "in" / "1.parquet")
    table.loc[30, "age"] = 66  # ends the process by a segmentation fault
    table.to_parquet(tmp_path / "in" / "1.parquet", index=False)
    run = api.batch("deadly", "in", output="out", engine="spark", wait=True)
    assert (run.facts["rows"], run.facts["rejects"], run.job.restarts) == (99, 1, 0)
    [aside] = [json.loads(line) for line in (tmp_path / "out" / "_rejects.jsonl").read_text().splitlines()]
    assert (aside["row"], aside["record"]["age"]) == (30, 66)
    (tmp_path / "inbox").mkdir()
    arrive(tmp_path / "inbox" / "a.jsonl", [{"age": 20}, {"age": 66}, {"age": 30}])
    stream = api.stream("deadly", "inbox", output="scores.jsonl", engine="spark")
    patiently(lambda: [line["age"] for line in lines(tmp_path / "scores.jsonl")] == [20, 30])
    patiently(lambda: stream.refresh().facts.get("dead"))  # it tells that a little later
    [error] = api.dead_letters("deadly").frame()["error"]
    assert "ended its process" in error
    assert stream.refresh().job.restarts == 0
    assert "%workbench put" not in str(stream)


def test_a_cluster_that_is_not_there_is_named(api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 1)
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:9")
    with pytest.raises(JobFailed, match=r"no session of Spark could be had at sc://127.0.0.1:9"):
        api.batch("churn", "in", output="out", engine="spark", wait=True)


def test_files_that_arrive_are_answered_once(api: Workbench, tmp_path: Path) -> None:
    """A record that is none is set aside; what was killed goes on; a new version takes over."""
    api.model("churn", first, example=ROWS)
    inbox, out = tmp_path / "inbox", tmp_path / "scores.jsonl"
    inbox.mkdir()
    arrive(inbox / "a.jsonl", [{"a": float(i), "b": 0.0} for i in range(40)])
    stream = api.stream("churn", "inbox", output="scores.jsonl", engine="spark")
    patiently(lambda: len(lines(out)) == 40)
    pid = stream.refresh().job.process.pid
    arrive(inbox / "b.jsonl", [{"a": 100.0, "b": 0.0}, {"a": "none", "b": 0.0}, {"a": 101.0, "b": 0.0}])
    patiently(lambda: len(lines(out)) == 42)
    os.kill(pid, signal.SIGKILL)
    arrive(inbox / "c.jsonl", [{"a": 102.0, "b": 0.0}])
    patiently(lambda: len(lines(out)) == 43)
    api.model("churn", second, example=ROWS)
    api.promote("churn@2")
    arrive(inbox / "d.jsonl", [{"a": 103.0, "b": 0.0}])
    patiently(lambda: len(lines(out)) == 44)
    assert [line["a"] for line in lines(out)] == [*map(float, range(40)), 100.0, 101.0, 102.0, 103.0]
    assert [line["prediction"] for line in lines(out)[-2:]] == [306.0, 1309.0]
    [letter] = api.dead_letters("churn").frame()["value"]
    assert json.loads(letter)["a"] == "none"
    assert str(api.stop("churn")).startswith("stream/churn stopped")


@pytest.mark.parametrize("kind", MODELS)
def test_every_pattern_answers_what_the_kernel_answers_on_spark(
    kind: str, api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARK_MASTER")
    agree(api, kind, tmp_path, partial(batch, engine="spark"), partial(arriving, engine="spark"))


def test_kafka_without_its_connector_is_told(api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_MASTER")
    api.model("churn", first, example=ROWS)
    with pytest.raises(JobFailed, match="reads Kafka through a connector that is not part of it") as caught:
        api.stream("churn", "kafka://127.0.0.1:9/rows", output="out.jsonl", engine="spark")
    assert 'PYSPARK_SUBMIT_ARGS="--packages org.apache.spark:spark-sql-kafka-0-10_2.13:' in str(caught.value)


@pytest.mark.parametrize(("input", "start"), [("inbox", "end"), ("kafka://127.0.0.1:9/rows", "500")])
def test_where_spark_cannot_begin_is_told(input: str, start: str, api: Workbench) -> None:
    with pytest.raises(UsageError, match=f"a stream of Spark does not begin at {start}"):
        api.stream("churn", input, output="out.jsonl", start=start, engine="spark")


def arrive(file: Path, rows: list[dict[str, Any]]) -> None:
    """A file that is whole when it is seen."""
    new = file.with_name(f".{file.name}")
    new.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    new.rename(file)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
