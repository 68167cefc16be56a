"""A disk that fills up under services: they go on answering, and tell what happened once there is room."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from disks import disk_of
from serving_parts import NUMBERS, afresh, first
from waiting import until

from workbench.api import Workbench
from workbench.errors import StorageError
from workbench.jobs import identity

ROW = {"a": 2.0, "b": 1.0}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full."""
    with disk_of("24m", tmp_path / "disk") as folder:
        yield folder


@pytest.fixture
def api(disk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Workbench]:
    monkeypatch.chdir(tmp_path)
    workbench = Workbench(disk / "home")
    workbench.model("churn", first, example=NUMBERS)
    yield workbench
    (disk / "filled").unlink(missing_ok=True)
    workbench.shutdown(all=True)


def fill(disk: Path) -> None:
    with (disk / "filled").open("wb") as file, suppress(OSError):
        while True:
            os.write(file.fileno(), bytes(4096))


def answers(service: Any) -> bool:
    return afresh(service, "/predict", json=ROW).json() == {"prediction": 7.0}


def test_a_worker_that_dies_while_the_disk_is_full_is_replaced(api: Workbench, disk: Path) -> None:
    service = api.serve("churn")
    fill(disk)
    (worker,) = service.facts["workers"]
    os.kill(worker, signal.SIGKILL)
    until(lambda: identity.of(worker) is None)
    assert answers(service)
    with pytest.raises(StorageError, match="is full"):
        api.serve("churn", workers=2)
    (disk / "filled").unlink()
    until(lambda: (now := service.refresh()).state == "ready" and worker not in now.facts["workers"])
    assert "lost  1 worker" in str(service.refresh())
    assert api.serve("churn", workers=2).url == service.url
    assert answers(service)


def test_requests_that_could_not_be_logged_are_answered_and_counted(api: Workbench, disk: Path) -> None:
    service = api.serve("churn", log_requests=True)
    fill(disk)
    assert all(answers(service) for _ in range(60))  # more than what is left of a page takes
    (disk / "filled").unlink()
    logged = len(api.requests("churn"))
    until(lambda: f"gaps  {60 - logged} requests that no disk took" in str(service.refresh()))
    assert answers(service)
    assert len(api.requests("churn")) == logged + 1
    folder = service.running.store.job_folder(service.name) / "requests"
    assert len(list(folder.iterdir())) <= 2, "none is left of those that took nothing"


def test_a_token_is_whole_or_not_there(api: Workbench, disk: Path) -> None:
    service = api.serve("churn")
    fill(disk)
    with pytest.raises(StorageError, match="is full"):
        api.serve("churn", name="other")
    (disk / "filled").unlink()
    other = api.serve("churn", name="other")
    assert len(other.token) > 30
    folder = api.running.store.job_folder(other.name)
    assert [file.name for file in folder.glob("token*")] == ["token"]
    assert answers(other)
    assert answers(service)
    assert other.token != service.token
