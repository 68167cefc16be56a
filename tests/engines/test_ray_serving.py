"""Services on Ray Serve: they change over, lose replicas, grow and shrink under load, and nothing wrong is answered."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from customer_models import CUSTOMERS
from engine_parts import PATIENCE, patiently
from serving_parts import NUMBERS, WAITS, Load, Moody, client, first, headers, second

from workbench.api import Workbench
from workbench.data.client import Client
from workbench.operations.figures import of_service

pytest.importorskip("ray", reason="no part of the project's own tests: Ray (240 MB), make engines")
pytestmark = pytest.mark.timeout(900)
_MANY = 100


@pytest.fixture
def service(api: Workbench, cluster: Any) -> Any:
    for function in (first, second):
        api.model("churn", function, example=NUMBERS[["b", "a"] if function is second else ["a", "b"]], row_wise="yes")
    api.alias("churn@1", "live")
    return api.serve("churn", engine="ray", workers=2, port=cluster.serves_at)


def test_a_service_changes_over_and_loses_replicas_under_load(api: Workbench, service: Any) -> None:
    assert service.state == "ready"
    assert "Ray, " in str(service)
    patiently(lambda: len(pids(service)) == 2)
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
    patiently(lambda: of_service(service.refresh().job).get("requests", 0) > 100)
    patiently(lambda: "1 worker, the last" in str(service.refresh()))
    assert "ended: it was killed, or has crashed" in str(service.refresh())
    assert "2 replicas" in str(service.refresh())
    assert api.stop("churn").state == "stopped"
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{service.url}/v2/health/ready")


def pids(service: Any) -> list[int]:
    """The processes of its replicas."""
    return [int(pid) for pid in service.refresh().facts.get("replicas", ())]


def test_replicas_become_more_while_they_are_busy_and_fewer_after(api: Workbench, tmp_path: Path, cluster: Any) -> None:
    """Those that end because there are too many are none that were lost."""
    api.model("moody", Moody(str(tmp_path)), example=CUSTOMERS[["age"]], row_wise="yes")
    service = api.serve("moody", engine="ray", max_workers=2, timeout=PATIENCE, port=cluster.serves_at)
    patiently(lambda: "1 replica of at most 2" in str(service.refresh()))
    gate = tmp_path / "gate"
    gate.touch()
    with ThreadPoolExecutor(1) as beside:
        answers = beside.submit(lambda: asyncio.run(at_once(service, {"age": WAITS}, _MANY)))
        try:
            patiently(lambda: "2 replicas of at most 2" in str(service.refresh()))
        finally:
            gate.unlink()
        assert answers.result() == [{"prediction": 2.0 * WAITS}] * _MANY
    patiently(lambda: "1 replica of at most 2" in str(service.refresh()))
    assert service.refresh().facts["deaths"] == 0


async def at_once(service: Any, row: dict[str, float], count: int) -> list[Any]:
    """What is answered to so many requests that are asked at one time."""
    how: dict[str, Any] = {"base_url": service.url, "headers": headers(service), "timeout": PATIENCE}
    async with httpx.AsyncClient(**how, limits=httpx.Limits(max_connections=count)) as asking:
        found = await asyncio.gather(*(asking.post("/predict", json=row) for _ in range(count)))
    return [one.json() for one in found]


@pytest.mark.filterwarnings("ignore:Using extra keyword arguments")  # of Ray's own schema
def test_an_export_runs_as_ray_has_it(api: Workbench, tmp_path: Path, cluster: Any) -> None:
    from ray.serve.schema import ServeDeploySchema

    api.model("churn", first, example=NUMBERS, row_wise="yes")
    exported = api.export("churn@1", to="ray", output="folder", no_token=True)
    assert "serve_config.yaml" in exported.files
    file, port = tmp_path / "folder" / "serve_config.yaml", cluster.serves_at
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
            patiently(lambda: answers(f"http://127.0.0.1:{port}/v2/health/ready"), f"see {tmp_path / 'log'}")
            assert api.verify("churn@1", against=f"http://127.0.0.1:{port}").rows == len(NUMBERS)
        finally:
            process.send_signal(signal.SIGINT)


def answers(url: str) -> bool:
    """Whether somebody answers there that all is well."""
    with suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False
