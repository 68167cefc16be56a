"""Services whose processes are killed, replaced and promoted under load: what is answered is right, and where nobody
was killed every request is answered."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psutil
import pytest
from serving_parts import NUMBERS, WAITS, Load, Moody, afresh, client, first, queued, second
from waiting import PATIENCE, until

from workbench import paths
from workbench.api import Workbench
from workbench.jobs import identity

ROW = {"a": 2.0, "b": 1.0}
ANSWERS = {"1": {"prediction": 7.0}, "2": {"prediction": 1007.0}}
KILLS = 10
GROWTH = 15 * 2**20


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of `churn`, whose columns come in another order; the first is live."""
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", first, example=NUMBERS, row_wise="yes")
    workbench.model("churn", second, example=NUMBERS[["b", "a"]], row_wise="yes")
    return workbench.registry.folder


@pytest.fixture
def api(home: Path, registry: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setenv("WORKBENCH_REGISTRY", str(registry))
    workbench = Workbench(home)
    workbench.alias("churn@1", "live")
    yield workbench
    workbench.shutdown(all=True)
    until(lambda: not left(home), "processes are left behind")


def left(home: Path) -> list[psutil.Process]:
    """The processes that still use the state of this home."""
    state = str(paths.state(home))
    found = []
    for process in psutil.process_iter():
        try:
            if any(file.path.startswith(state) for file in process.open_files()) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found


def workers(service: Any) -> list[int]:
    """The processes that answer now."""
    found: list[int] = service.refresh().facts["workers"]
    return found


def recovered(service: Any, gone: int, count: int) -> None:
    """Wait until as many workers as there should be are ready, without that one."""

    def back() -> bool:
        now = service.refresh()
        pids = now.facts["workers"]
        return now.state == "ready" and not now.job.reason and gone not in pids and len(pids) == count

    until(back)


def right(answer: httpx.Response) -> bool:
    """Whether it is answered by what it says it is answered by."""
    return answer.status_code == 200 and answer.json() == ANSWERS[answer.headers["x-workbench-version"]]


@pytest.mark.parametrize("count", [1, 2])
def test_workers_that_are_killed(api: Workbench, count: int) -> None:
    service = api.serve("churn", workers=count)
    with Load(service) as load:
        for _ in range(KILLS):
            load.answered()
            killed = workers(service)[0]
            os.kill(killed, signal.SIGKILL)
            until(lambda killed=killed: identity.of(killed) is None)
            assert right(afresh(service, "/predict", json=ROW)), "the other worker, or the next one"
            recovered(service, killed, count)
    assert not load.wrong
    assert all(status == 200 for status, _ in load.seen)
    assert sum(load.broken.values()) <= KILLS * len(load.threads)
    assert load.broken.keys() <= {"ReadError", "RemoteProtocolError", "WriteError"}, "nobody was turned away"


def test_doors_that_are_killed(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    with Load(service) as load:
        for _ in range(KILLS):
            load.answered()
            door = service.refresh().job.process
            door.signal(signal.SIGKILL)
            until(lambda door=door: not door.alive())
            assert right(afresh(service, "/predict", json=ROW)), "its workers go on"
            until(lambda door=door: (job := service.refresh().job).process != door and job.state == "ready")
            assert right(afresh(service, "/predict", json=ROW))
    assert not load.failed
    folder = api.running.store.job_folder(service.name)
    assert len(list(folder.glob("epoch-*"))) <= 2, "the files of the dead are swept away"


def test_door_and_workers_killed_at_once(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    door = service.refresh().job.process
    for pid in [door.pid, *workers(service)]:
        os.kill(pid, signal.SIGKILL)
    now = until(lambda: (new := service.refresh()).job.process != door and new.state == "ready" and new)
    assert now.url == service.url
    assert right(afresh(service, "/predict", json=ROW))


@pytest.mark.parametrize("count", [1, 2])
def test_promotions_and_restarts_fail_no_request(api: Workbench, count: int) -> None:
    service = api.serve("churn", workers=count)
    with Load(service) as load:
        for step, version in (
            (lambda: api.promote("churn@2"), "2"),
            (lambda: api.restart("service/churn"), "2"),
            (lambda: api.rollback("churn"), "1"),
            (lambda: api.restart("service/churn"), "1"),
            (lambda: api.promote("churn@2"), "2"),
            (lambda: api.promote("churn@1"), "1"),
        ):
            load.answered()
            step()
            answers = [afresh(service, "/predict", json=ROW) for _ in range(6)]
            assert all(map(right, answers))
            assert {answer.headers["x-workbench-version"] for answer in answers} == {version}
            assert service.refresh().facts["version"] == f"churn@{version}"
    assert not load.failed
    assert {version for _, version in load.seen} == {"1", "2"}


def test_more_workers_and_another_limit_fail_no_request(api: Workbench) -> None:
    service = api.serve("churn")
    with Load(service) as load:
        for how in ({"workers": 2}, {"workers": 2, "max_queue": 99}, {"workers": 1}):
            load.answered()
            assert api.serve("churn", **how).url == service.url
    assert not load.failed


@pytest.mark.parametrize("count", [1, 2])
def test_a_worker_that_starts_during_a_promotion_takes_part_in_it(api: Workbench, count: int) -> None:
    service = api.serve("churn", workers=count)
    for version in ("2", "1", "2", "1"):
        killed = workers(service)[0]
        os.kill(killed, signal.SIGKILL)
        assert not api.promote(f"churn@{version}").kept
        recovered(service, killed, count)
        answers = [afresh(service, "/predict", json=ROW) for _ in range(12)]
        assert all(map(right, answers))
        assert {answer.headers["x-workbench-version"] for answer in answers} == {version}


def test_a_door_that_starts_during_a_promotion_follows_it(api: Workbench) -> None:
    service = api.serve("churn")
    door = service.refresh().job.process
    door.signal(signal.SIGKILL)
    api.promote("churn@2")
    until(lambda: afresh(service, "/predict", json=ROW).headers["x-workbench-version"] == "2")
    until(lambda: (now := service.refresh()).state == "ready" and now.facts["version"] == "churn@2")


def test_live_that_is_moved_by_hand_is_followed(api: Workbench) -> None:
    service = api.serve("churn")
    with Load(service) as load:
        api.alias("churn@2", "live")
        until(lambda: (200, "2") in load.seen)
        until(lambda: service.refresh().facts["version"] == "churn@2")
        assert "already" in str(api.promote("churn@2"))
    assert not load.failed


def test_rollback_goes_back_step_by_step(api: Workbench) -> None:
    service = api.serve("churn")
    api.promote("churn@2")
    assert api.rollback("churn").version == 1
    assert afresh(service, "/predict", json=ROW).headers["x-workbench-version"] == "1"
    with pytest.raises(Exception, match="no version of churn that was live before"):
        api.rollback("churn")


def test_a_version_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    other = Workbench(tmp_path / "other")
    ages = pd.DataFrame({"age": [1.0, 2.0]})
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
        other.model("moody", Moody(str(tmp_path / number)), example=ages)
    other.alias("moody@1", "live")
    service = other.serve("moody", workers=2)
    try:
        (tmp_path / "2" / "broken").touch()
        refused = other.promote("moody@2")
        assert "its workers ended while they loaded moody@2: killed by SIGKILL" in refused.kept
        assert "kept moody@1 ✗ moody@2 was refused" in str(refused)
        until(lambda: (now := service.refresh()).state == "ready" and not now.job.reason)
        answer = afresh(service, "/predict", json={"age": 3})
        assert (answer.json(), answer.headers["x-workbench-version"]) == ({"prediction": 6.0}, "1")
        (tmp_path / "2" / "broken").unlink()
        assert not other.promote("moody@2").kept
        assert afresh(service, "/predict", json={"age": 3}).headers["x-workbench-version"] == "2"
    finally:
        other.shutdown(all=True)


def test_the_memory_of_a_worker_stays_as_it_is_over_promotions(api: Workbench) -> None:
    service = api.serve("churn")
    (worker,) = workers(service)
    resident = []
    for number in range(30):
        api.promote(f"churn@{2 - number % 2}")
        assert right(afresh(service, "/predict", json=ROW))
        resident.append(psutil.Process(worker).memory_info().rss)
    assert workers(service) == [worker]
    assert resident[-1] - resident[9] < GROWTH
    descriptors = psutil.Process(worker).num_fds()
    api.promote("churn@2")
    assert psutil.Process(worker).num_fds() <= descriptors + 1


def test_many_clients_each_get_the_answer_to_their_own_row(api: Workbench) -> None:
    service = api.serve("churn", workers=2)

    def ask(number: int) -> list[bool]:
        rows = [{"a": float(number), "b": float(i)} for i in range(20)]
        with client(service) as asking:
            answers = [asking.post("/predict", json=row).json() for row in rows]
            return [
                answer == {"prediction": 3 * row["a"] + row["b"]} for row, answer in zip(rows, answers, strict=True)
            ]

    with ThreadPoolExecutor(64) as threads:
        assert all(all(own) for own in threads.map(ask, range(64)))


def test_who_stops_it_waits_for_what_is_asked(tmp_path: Path) -> None:
    slow = Workbench(tmp_path / "slow")
    slow.model("moody", Moody(str(tmp_path)), example=pd.DataFrame({"age": [1.0, 2.0]}), row_wise="yes")
    service = slow.serve("moody")
    (tmp_path / "gate").touch()
    with ThreadPoolExecutor(3) as threads:
        asked = threads.submit(afresh, service, "/predict", json={"age": WAITS})
        until((tmp_path / "inside").exists)
        waits = threads.submit(afresh, service, "/predict", json={"age": 5})
        until(lambda: queued(service) == 1)
        stopping = threads.submit(slow.stop, service.name)
        until(lambda: refuses(service), "it takes no more")
        assert not stopping.done()
        (tmp_path / "gate").unlink()
        assert asked.result(PATIENCE).json() == {"prediction": 2.0 * WAITS}
        assert waits.result(PATIENCE).json() == {"prediction": 10.0}
        assert asked.result().headers["connection"] == "close"
        assert stopping.result(PATIENCE).state == "stopped"
    slow.shutdown(all=True)


def refuses(service: Any) -> bool:
    try:
        httpx.get(f"{service.url}/health", timeout=5)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False
    return False
