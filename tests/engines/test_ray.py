"""Batches, sweeps and services on Ray: what this machine answers, whatever ends there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from batch_models import Gated, deadly, row_wise
from contained import free_port
from customer_models import CUSTOMERS, array_model, frame_model
from notebook_parts import notebook
from serving_parts import NUMBERS, Load, client, first, second
from waiting import until

from workbench.api import Workbench
from workbench.bundle.equal import difference
from workbench.data.client import Client
from workbench.errors import JobFailed, UsageError
from workbench.inference.answer import answer_table
from workbench.operations.figures import of_service

pytest.importorskip("ray", reason="no part of the project's own tests: Ray (240 MB), make engines")
import ray_parts


def store(folder: Path, number: int, rows: int = 50) -> None:
    folder.mkdir(exist_ok=True)
    for i in range(number):
        table = CUSTOMERS.iloc[np.arange(rows) % len(CUSTOMERS)].reset_index(drop=True)
        table["age"] = np.random.default_rng(i).integers(18, 65, rows)
        table.to_parquet(folder / f"{i}.parquet", index=False)


def contents(place: Path) -> dict[str, bytes]:
    return {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}


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
    until(lambda: run.refresh().facts.get("engine"))
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


@pytest.fixture
def service(api: Workbench) -> Any:
    for function in (first, second):
        api.model("churn", function, example=NUMBERS[["b", "a"] if function is second else ["a", "b"]], row_wise="yes")
    api.alias("churn@1", "live")
    return api.serve("churn", engine="ray", workers=2, port=free_port())


def test_a_service_changes_over_and_loses_replicas_under_load(api: Workbench, service: Any) -> None:
    assert service.state == "ready"
    assert "Ray, " in str(service)
    until(lambda: len(pids(service)) == 2)
    with client(service) as asking:
        assert asking.post("/predict", json={"a": 2.0, "b": 1.0}).json() == {"prediction": 7.0}
        assert asking.get("/v2/models/churn").json()["name"] == "churn"
        assert asking.post("/predict", json={"a": "x", "b": 1.0}).status_code == 400
    assert httpx.post(f"{service.url}/predict", json={"a": 2.0, "b": 1.0}).status_code == 401
    with Load(service, clients=3) as load:
        api.promote("churn@2", canary=50)
        load.answered(50)
        assert {version for _, version in load.seen} == {"1", "2"}
        api.promote("churn@2")
        load.answered(50)
        assert not load.failed
        lost, asked = pids(service)[0], Client(service.url, service.token)
        os.kill(lost, signal.SIGKILL)
        while lost in pids(service) or len(pids(service)) < 2:
            assert asked.predict({"a": 2.0, "b": 1.0}) == {"prediction": 1007.0}
        load.answered(50)
    assert not load.wrong
    assert sum(n for (status, _), n in load.seen.items() if status != 200) + sum(load.broken.values()) <= 3
    until(lambda: of_service(service.refresh().job).get("requests", 0) > 100)
    assert api.stop("churn").state == "stopped"
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{service.url}/v2/health/ready")


def pids(service: Any) -> list[int]:
    """The processes of its replicas."""
    return [int(pid) for pid in service.refresh().facts.get("replicas", ())]


@pytest.mark.filterwarnings("ignore:Using extra keyword arguments")  # of Ray's own schema
def test_an_export_runs_as_ray_has_it(api: Workbench, tmp_path: Path, cluster: Any) -> None:
    from ray.serve.schema import ServeDeploySchema

    api.model("churn", first, example=NUMBERS, row_wise="yes")
    exported = api.export("churn@1", to="ray", output="folder", no_token=True)
    assert "serve_config.yaml" in exported.files
    file, port = tmp_path / "folder" / "serve_config.yaml", free_port()
    config = yaml.safe_load(file.read_text())
    assert ServeDeploySchema.model_validate(config).applications[0].route_prefix == "/"
    places = {
        "WORKBENCH_REGISTRY": str(tmp_path / "folder" / "image" / "models"),
        "WORKBENCH_HOME": str(tmp_path / "h"),
    }
    config["applications"][0]["runtime_env"] = {"env_vars": places}
    config["http_options"]["port"] = port
    file.write_text(yaml.safe_dump(config))
    serve = [str(Path(sys.executable).with_name("serve")), "run", "--address", cluster.address, str(file)]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(serve, stdout=log, stderr=log) as process:
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/v2/health/ready"), f"see {tmp_path / 'log'}")
            assert api.verify("churn@1", against=f"http://127.0.0.1:{port}").rows == len(NUMBERS)
        finally:
            process.send_signal(signal.SIGINT)


def answers(url: str) -> bool:
    """Whether somebody answers there that all is well."""
    with suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False


@pytest.mark.parametrize("kind", ["frame", "array"])
def test_what_the_kernel_answers_is_answered_on_ray(kind: str, api: Workbench, tmp_path: Path) -> None:
    numbers = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])
    function, table = (frame_model, CUSTOMERS) if kind == "frame" else (array_model, numbers)
    given = table if kind == "frame" else table.to_numpy()
    api.model("churn", function, example=given)
    expected = answer_table(function(given), len(table), name="churn")
    table.to_parquet("in.parquet", index=False)
    api.batch("churn", "in.parquet", output="out", engine="ray", wait=True)
    found = [pd.read_parquet("out")]
    if kind == "frame":
        service = api.serve("churn", engine="ray", port=free_port())
        rows = table.to_json(orient="records", date_format="iso", double_precision=15)
        found.append(pd.DataFrame(client(service).post("/predict", content=rows).json()))
    for there in found:
        kept = there[list(expected)].astype({name: values.dtype for name, values in expected.items()})
        assert not difference(expected, answer_table(kept, len(table)), exact=False)


def test_a_stream_is_answered_once_by_actors_of_which_some_are_lost(
    api: Workbench, tmp_path: Path, cluster: Any
) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    node = ray_parts.add(cluster)
    stream = api.stream("churn", "queue:rows", output="out.jsonl", engine="ray", workers=3, most=10)
    table = pd.DataFrame({"a": np.arange(1000.0), "b": 0.0})
    api.put("queue:rows", table.head(500))
    stream.until(lambda facts: facts.get("records", 0) >= 100)
    cluster.remove_node(node, allow_graceful=False)
    api.put("queue:rows", table.tail(500))
    stream.until(lambda facts: facts.get("records") == 1000 and not facts.get("lag"), timeout=120)
    answered = [json.loads(line)["prediction"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert answered == list(3 * table["a"])
    assert "Ray, " in str(stream.refresh())


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
    until(lambda: raylets() <= before)


def raylets() -> set[int]:
    """The nodes of Ray on this machine."""
    return {process.pid for process in psutil.process_iter(["name"]) if process.info["name"] == "raylet"}
