"""A service over gRPC under load while it is promoted, restarted and changed: every call is answered, and rightly."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pandas as pd
import psutil
import pytest
from grpc_parts import SERVICE, Asking, Load, columns, request
from serving_parts import NUMBERS, Moody, first, second
from waiting import PATIENCE, until

from workbench.api import Workbench
from workbench.patterns.serving.grpc.messages import message

ROW = [("a", "FP64", [1], [2.0]), ("b", "FP64", [1], [1.0])]


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


def answered(service: Any) -> str:
    """The version that answers over a channel of its own; a connection may come to one who has just left."""
    with Asking(service, retries=True) as asking:
        answer = asking.infer(request(ROW, raw=True))
        assert columns(answer) == {"prediction": [1007.0 if answer.model_version == "2" else 7.0]}
        return str(answer.model_version)


@pytest.mark.parametrize("count", [1, 2])
def test_promotions_restarts_and_changes_fail_no_call(api: Workbench, count: int) -> None:
    service = api.serve("churn", grpc=True, workers=count)
    workers = set()
    with Load(service) as load:
        for step, version in (
            (lambda: api.promote("churn@2"), "2"),
            (lambda: api.restart("service/churn"), "2"),
            (lambda: api.rollback("churn"), "1"),
            (lambda: api.serve("churn", grpc=True, workers=3 - count), "1"),
            (lambda: api.serve("churn", grpc=True, workers=count, max_queue=99), "1"),
        ):
            load.answered()
            workers |= set(service.refresh().facts["workers"])
            step()
            assert answered(service) == version
            assert service.refresh().grpc == service.grpc
        ended = workers - set(service.refresh().facts["workers"])
        assert len(ended) >= count + 3
        until(lambda: load.failed or not any(map(psutil.pid_exists, ended)))  # they answer what they have until then
        load.answered()
    assert not load.failed
    assert set(load.seen) == {"1", "2"}


def test_two_workers_share_the_port(api: Workbench) -> None:
    service = api.serve("churn", grpc=True, workers=2)
    port = int(service.grpc.rpartition(":")[2])

    def connections(pid: int) -> int:
        found = psutil.Process(pid).net_connections("tcp")
        return sum(one.laddr.port == port and one.status == psutil.CONN_ESTABLISHED for one in found)

    def asked(open_ones: ExitStack) -> list[Asking]:
        asking = [open_ones.enter_context(Asking(service, retries=True)) for _ in range(24)]
        assert all(one.call("ServerLive").live for one in asking)
        return asking

    def shared(asking: list[Asking]) -> bool:
        """Whether both have some of them. One that is some seconds old is renewed with its next call."""
        assert all(one.call("ServerLive").live for one in asking)
        each = [connections(pid) for pid in (one, other)]
        return min(each) > 0 and sum(each) >= len(asking)

    one, other = service.facts["workers"]
    with ExitStack() as open_ones:
        asking = asked(open_ones)
        until(lambda: shared(asking), "it is not shared")
        os.kill(one, signal.SIGSTOP)
        until(lambda: "1 of 2" in service.refresh().job.reason)
        assert all(one.call("ServerLive", timeout=20).live for one in asking), "the other answers them all"
        os.kill(other, signal.SIGSTOP)
        until(lambda: service.refresh().state == "blocked")
        until(lambda: re.match("UNAVAILABLE: .*was stopped", refusal(asking[0])))  # once another answers in their place
        for pid in (one, other):
            os.kill(pid, signal.SIGCONT)
        until(lambda: service.refresh().state == "ready")
        until(lambda: not any(map(refusal, asking)))  # as soon as they listen anew
    with ExitStack() as open_ones:
        until(lambda: asked(open_ones) and min(connections(pid) for pid in (one, other)) > 0)


def refusal(asking: Asking) -> str:
    """Why a call was not answered; nothing where it was."""
    try:
        assert asking.call("ServerLive", timeout=20).live
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"
    return ""


def test_workers_and_doors_that_are_killed_are_followed_at_the_same_port(api: Workbench) -> None:
    service = api.serve("churn", grpc=True, workers=2)
    (gone, _), door = service.facts["workers"], service.facts["door"]
    os.kill(gone, signal.SIGKILL)
    until(lambda: gone not in (now := service.refresh()).facts["workers"] and len(now.facts["workers"]) == 2)
    os.kill(door, signal.SIGKILL)
    now = until(lambda: (new := service.refresh()).facts["door"] != door and new.state == "ready" and new)
    assert now.grpc == service.grpc
    assert [answered(now) for _ in range(6)] == ["1"] * 6


def test_a_stop_waits_for_what_is_asked_and_tells_who_watches(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    api.model("moody", Moody(str(tmp_path)).predict, example=pd.DataFrame({"age": [1, 2, 3]}))
    service = api.serve("moody", grpc=True)
    slow = request([("age", "INT64", [1], [77])], raw=True, model="moody").SerializeToString()
    status = message("grpc.health.v1.HealthCheckResponse").FromString
    with Asking(service) as asking:
        watching = asking.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
        assert status(next(watching)).status == 1
        asked = asking.channel.unary_unary(f"/{SERVICE}/ModelInfer").future(slow, metadata=asking.metadata)
        until((tmp_path / "inside").exists)
        stopping = threading.Thread(target=lambda: api.stop("service/moody"))
        stopping.start()
        assert status(next(watching)).status == 2
        (tmp_path / "gate").unlink()
        answer = message("inference.ModelInferResponse").FromString(asked.result(timeout=PATIENCE))
        assert columns(answer) == {"prediction": [154.0]}
        stopping.join()
        with pytest.raises(grpc.RpcError) as caught:
            asking.call("ServerLive")
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_stream_goes_on_while_it_is_used_and_is_told_that_it_ends(api: Workbench) -> None:
    service = api.serve("churn", grpc=True)
    sent, go = request(ROW, raw=True).SerializeToString(), threading.Semaphore(1)
    over = threading.Event()

    def asked() -> Iterator[bytes]:
        while go.acquire() and not over.is_set():
            yield sent

    with Asking(service) as asking:
        call = asking.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")(asked(), metadata=asking.metadata)
        read = message("inference.ModelStreamInferResponse").FromString
        assert read(next(call)).infer_response.model_version == "1"
        api.promote("churn@2")
        go.release()
        assert read(next(call)).infer_response.model_version == "2"
        api.restart("service/churn")
        for _ in range(20):
            go.release()
            assert read(next(call)).infer_response.model_version == "2"
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "open another stream" in caught.value.details()
        over.set()
        go.release()
