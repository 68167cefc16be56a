"""Batches, sweeps and streams on Ray: what this machine answers, whatever ends there."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from batch_models import Gated, deadly, row_wise
from customer_models import CUSTOMERS
from engine_parts import PATIENCE, contents, patiently, store
from notebook_parts import notebook
from parity_parts import MODELS, agree, batch, serving, streaming
from serving_parts import NUMBERS, first

from workbench.api import Workbench
from workbench.errors import JobFailed, UsageError

pytest.importorskip("ray", reason="no part of the project's own tests: Ray (240 MB), make engines")
import ray_parts

pytestmark = pytest.mark.timeout(900)


def test_a_batch_has_the_bytes_and_rejects_of_this_machine(api: Workbench, tmp_path: Path) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 5)
    bad = pd.read_parquet(tmp_path / "in" / "3.parquet").astype({"age": object})
    bad.loc[7, "age"] = "old"
    bad.astype({"age": str}).to_parquet(tmp_path / "in" / "3.parquet", index=False)
    api.batch("churn", "in", output="here", partition="vip", wait=True)
    run = api.batch("churn", "in", output="there", partition="vip", engine="ray", wait=True)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert (run.facts["rows"], run.facts["rejects"]) == (249, 1)
    assert "Ray" in str(run)
    assert "2 processors" in str(run)


def test_a_node_that_is_killed_costs_no_row(api: Workbench, tmp_path: Path, cluster: Any) -> None:
    gate = tmp_path / "gate"
    api.model("gated", Gated(str(gate)), example=CUSTOMERS[["age", "amount"]])
    store(tmp_path / "in", 9)
    api.batch("gated", "in", output="here", wait=True)
    node = ray_parts.add(cluster)
    gate.touch()
    run = api.batch("gated", "in", output="there", engine="ray", workers=4)
    patiently(lambda: run.refresh().facts.get("engine"))
    cluster.remove_node(node, allow_graceful=False)
    gate.unlink()
    done = api.wait(run.name)
    assert (done.facts["rows"], done.facts["chunks"], done.job.restarts) == (450, 9, 0)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_a_row_that_ends_its_process_is_put_aside(api: Workbench, tmp_path: Path) -> None:
    api.model("deadly", deadly, example=CUSTOMERS[["age"]])
    store(tmp_path / "in", 2)
    table = pd.read_parquet(tmp_path / "in" / "1.parquet")
    table.loc[30, "age"] = 66  # ends the process by a segmentation fault
    table.to_parquet(tmp_path / "in" / "1.parquet", index=False)
    run = api.batch("deadly", "in", output="out", engine="ray", wait=True)
    assert (run.facts["rows"], run.facts["rejects"], run.job.restarts) == (99, 1, 0)
    [aside] = [json.loads(line) for line in (tmp_path / "out" / "_rejects.jsonl").read_text().splitlines()]
    assert (aside["row"], aside["record"]["age"]) == (30, 66)
    assert "ended its process: Segmentation fault" in aside["reason"]


def test_a_cluster_that_is_not_there_is_named(api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 1)
    monkeypatch.setitem(os.environ, "RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(JobFailed, match=r"the cluster of Ray at 127.0.0.1:9 cannot be joined: nobody answers there"):
        api.batch("churn", "in", output="out", engine="ray", wait=True)


def test_each_point_of_a_sweep_is_a_task(api: Workbench, tmp_path: Path) -> None:
    score = "import os, workbench\nworkbench.result(auc=1 - abs(depth - 5) / 10, pid=os.getppid())"
    notebook(tmp_path, score, "1 / (depth - 8)", parameters="depth = 1")
    with pytest.raises(JobFailed, match="1 of 3 points failed"):
        api.batch("nb.ipynb", output="runs", sweep={"depth": "3,5,8"}, best="auc", engine="ray", wait=True)
    [run] = api.runs()
    assert run.best == {"depth": 5}
    assert list(run.comparison["state"]) == ["done", "done", "failed"]
    executed = json.loads((tmp_path / "runs" / "2-depth=5.ipynb").read_text())
    assert executed["metadata"]["papermill"]["output_path"] == str(tmp_path / "runs" / "2-depth=5.ipynb")


def test_a_run_of_one_notebook_stays_here(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "1")
    with pytest.raises(UsageError, match="Ray has nothing for a run of one notebook"):
        api.batch("nb.ipynb", engine="ray")


def test_a_stream_is_answered_once_by_actors_of_which_some_are_lost(
    api: Workbench, tmp_path: Path, cluster: Any
) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    node = ray_parts.add(cluster)
    stream = api.stream("churn", "queue:rows", output="out.jsonl", engine="ray", workers=3, most=10)
    table = pd.DataFrame({"a": np.arange(1000.0), "b": 0.0})
    api.put("queue:rows", table.head(500))
    stream.until(lambda facts: facts.get("records", 0) >= 100, PATIENCE)
    cluster.remove_node(node, allow_graceful=False)
    api.put("queue:rows", table.tail(500))
    stream.until(lambda facts: facts.get("records") == 1000 and not facts.get("lag"), PATIENCE)
    answered = [json.loads(line)["prediction"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert answered == list(3 * table["a"])
    assert "Ray, " in str(stream.refresh())


@pytest.mark.parametrize("kind", MODELS)
def test_every_pattern_answers_what_the_kernel_answers_on_ray(
    kind: str, api: Workbench, tmp_path: Path, cluster: Any
) -> None:
    on_ray = [partial(pattern, engine="ray") for pattern in (batch, streaming)]
    agree(api, kind, tmp_path, *on_ray, partial(serving, engine="ray", port=cluster.serves_at))


def test_without_an_address_a_cluster_is_started_and_ends_with_the_run(
    api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS")
    api.model("churn", row_wise, example=CUSTOMERS)
    store(tmp_path / "in", 1)
    before = raylets()
    (tmp_path / "env").write_text(f"PYTHONPATH={ray_parts.LEAN}\n")
    run = api.batch("churn", "in", output="out", engine="ray", env_file="env", wait=True)
    assert run.facts["rows"] == 50
    assert "Ray, a cluster of its own: 1 node" in str(run)
    patiently(lambda: raylets() <= before)


def raylets() -> set[int]:
    """The nodes of Ray on this machine."""
    return {process.pid for process in psutil.process_iter(["name"]) if process.info["name"] == "raylet"}
