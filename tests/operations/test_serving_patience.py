"""Calls that never end, clients that dawdle, requests with very many rows: nobody else waits, nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from hurry import impatient
from serving_parts import WAITS, Moody, afresh, client
from waiting import until

from workbench.api import Workbench
from workbench.jobs import identity
from workbench.operations import environment

AGES = pd.DataFrame({"age": [1.0, 2.0, 3.0]})


@pytest.fixture
def service(api: Workbench, tmp_path: Path) -> Iterator[Any]:
    """A quick model, which is asked where requests are read; it hangs at one age while the gate is closed."""
    api.model("moody", Moody(str(tmp_path)), example=AGES, row_wise="yes")
    service = api.serve("moody")
    for _ in range(3):
        afresh(service, "/predict", json={"age": 1})
    (tmp_path / "gate").touch()
    yield service
    (tmp_path / "gate").unlink(missing_ok=True)


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is served from now on waits for seconds where it would wait for a minute."""
    record = environment.record

    def hurried(*given: Any, **more: Any) -> dict[str, Any]:
        made = record(*given, **more)
        variables = made["variables"] | {"PYTHONPATH": str(Path(__file__).parent)}
        return made | {"variables": variables, "target": f"{impatient.__module__}:{impatient.__name__}"}

    monkeypatch.setattr(environment, "record", hurried)


def process(pid: int) -> Any:
    return identity.of(pid)


def hang(service: Any, tmp_path: Path) -> None:
    """Ask what never ends; whoever asked goes away once the model is at it."""
    body = json.dumps({"age": WAITS}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n"
    with socket.create_connection(("127.0.0.1", service.facts["port"]), timeout=30) as raw:
        raw.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until((tmp_path / "inside").exists)


def test_a_call_that_never_ends_costs_its_worker(in_a_hurry: None, service: Any, tmp_path: Path) -> None:
    (worker,) = service.facts["workers"]
    hang(service, tmp_path)
    until(lambda: process(worker) is None)
    assert afresh(service, "/predict", json={"age": 4}).json() == {"prediction": 8.0}
    until(lambda: "lost  1 worker" in str(service.refresh()))
    assert "it did not answer for 6 s: the model was in one call all the time" in service.logs()


def test_a_worker_that_is_stopped_and_goes_on(service: Any, api: Workbench) -> None:
    (worker,), door = service.facts["workers"], service.facts["door"]
    os.kill(door, signal.SIGSTOP)
    until(lambda: service.refresh().state == "blocked")
    assert f"kill -CONT {door}" in str(service.refresh())
    assert afresh(service, "/predict", json={"age": 3}).json() == {"prediction": 6.0}
    os.kill(door, signal.SIGCONT)
    until(lambda: service.refresh().state == "ready")
    with client(service) as kept:
        assert kept.post("/predict", json={"age": 2}).json() == {"prediction": 4.0}
        os.kill(worker, signal.SIGSTOP)
        until(lambda: service.refresh().state == "blocked")
        assert f"kill -CONT {worker}" in str(service.refresh())
        assert httpx.get(f"{service.url}/v2/health/ready").status_code == 503
        refused = afresh(service, "/predict", json=[{"age": 1}] * 10_000)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "was stopped" in refused.json()["error"]
        os.kill(worker, signal.SIGCONT)
        until(lambda: service.refresh().state == "ready")
        assert afresh(service, "/predict", json={"age": 3}).json() == {"prediction": 6.0}
        assert kept.post("/predict", json={"age": 2}).json() == {"prediction": 4.0}
    assert service.refresh().facts["workers"] == [worker]
    os.kill(worker, signal.SIGSTOP)
    until(lambda: service.refresh().state == "blocked")
    api.stop(service.name)
    assert process(worker) is None


def test_a_worker_that_stays_stopped_is_replaced(in_a_hurry: None, service: Any) -> None:
    (worker,) = service.facts["workers"]
    os.kill(worker, signal.SIGSTOP)
    until(lambda: process(worker) is None)
    until(lambda: service.refresh().state == "ready")
    assert afresh(service, "/predict", json={"age": 4}).json() == {"prediction": 8.0}
    assert "it did not answer for 6 s: it was stopped" in service.logs()


def test_a_service_that_hangs_is_restarted_where_it_was(service: Any, api: Workbench, tmp_path: Path) -> None:
    (worker,), door = service.facts["workers"], service.job.process
    hang(service, tmp_path)
    assert api.restart(service.name).url == service.url
    assert afresh(service, "/predict", json={"age": 4}).json() == {"prediction": 8.0}
    (tmp_path / "gate").unlink()
    until(lambda: process(worker) is None and not door.alive())


def test_a_client_that_never_sends_the_rest_is_not_waited_for(in_a_hurry: None, service: Any, api: Workbench) -> None:
    (worker,), door = service.facts["workers"], service.job.process
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n"
    with socket.create_connection(("127.0.0.1", service.facts["port"]), timeout=30) as raw:
        raw.sendall(f"{head}Content-Length: 500\r\n\r\n{{".encode())
        assert api.restart(service.name).url == service.url
        until(lambda: process(worker) is None and not door.alive(), "the old ones are left behind")


def test_very_many_rows_do_not_hold_up_the_rest(service: Any, tmp_path: Path) -> None:
    rows = [{"age": float(WAITS)}, *({"age": float(i)} for i in range(100, 1000))]
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(afresh, service, "/predict", json=rows)
        until((tmp_path / "inside").exists)
        assert httpx.get(f"{service.url}/health").status_code == 200
        (tmp_path / "gate").unlink()
        assert asked.result().json()[-1] == {"prediction": 1998.0}
