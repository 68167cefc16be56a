"""What was asked and answered is on disk before the client has it, and comes back as a frame with the model's types."""

from __future__ import annotations

import json
import os
import pty
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from serving_parts import FAILS, NUMBERS, WAITS, Load, Moody, afresh, by_name, by_who, client, first, second
from waiting import until

from workbench.api import Workbench
from workbench.bundle.registry import Registry
from workbench.errors import NotFound, UsageError
from workbench.monitoring import asked, segments, spool

CUSTOMERS = pd.DataFrame(
    {
        "name": ["Ada", "Bo", "Cy"],
        "plan": pd.Categorical(["a", "b", "a"]),
        "since": pd.to_datetime(["2020-01-01", "2021-05-04", "2022-02-02"]),
        "calls": pd.array([1, None, 3], "Int64"),
    }
)


@pytest.fixture
def service(api: Workbench) -> Any:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    return api.serve("churn", log_requests=True)


def test_what_was_asked_comes_back_with_the_types_of_the_model(api: Workbench) -> None:
    api.model("customers", by_name, example=CUSTOMERS, row_wise="yes")
    service = api.serve("customers", log_requests=True)
    rows = json.loads(CUSTOMERS.to_json(orient="records", date_format="iso"))
    with client(service) as asking:
        one = asking.post("/predict", json=rows[0], headers={"X-Request-Id": "mine"})
        assert one.headers["x-request-id"] == "mine"
        many = asking.post("/predict", json=rows)
        assert many.headers["x-request-id"]
        refused = asking.post("/predict", json={**rows[0], "since": "soon"})
        assert refused.status_code == 400
    log = api.requests("customers")
    assert log["request"].tolist()[:4] == ["mine", *[many.headers["x-request-id"]] * 3]
    assert log["row"].tolist()[:4] == [0, 0, 1, 2]
    assert log["status"].tolist() == [200] * 4 + [400]
    assert log["prediction"].tolist()[:4] == [4.0, 4.0, 2.0, 5.0]
    assert "since" in log["error"].iloc[-1]
    answered = api.requests("customers", since="1h", last=5).query("status == 200")
    assert answered["calls"].isna().tolist() == [False, False, True, False]
    assert api.requests("customers", failed=True)["status"].tolist() == [400]
    assert api.requests("customers", until="2020-01-01").empty


def test_segments_hold_what_the_spool_held(api: Workbench, service: Any, tmp_path: Path) -> None:
    with client(service) as asking:
        for i in range(50):
            asking.post("/predict", json={"a": float(i), "b": None if i % 7 == 0 else 1.0})
    before = api.requests("churn")
    (worker,) = service.facts["workers"]
    os.kill(worker, signal.SIGKILL)
    folder = service.running.store.job_folder(service.name) / "requests"
    until(lambda: spool.full(folder))
    registry = Registry(api.home / "models")
    assert segments.compact(folder, "churn", registry, seconds=1e9, most_bytes=1e9) == 1
    after = api.requests("churn")
    pd.testing.assert_frame_equal(before, after)
    assert len(after) == 50
    assert after["a"].tolist() == [float(i) for i in range(50)]
    assert [file.suffix for file in folder.iterdir() if file.name != "key"] == [".parquet"]
    api.requests("churn", output=str(tmp_path / "log.csv"))
    assert len(pd.read_csv(tmp_path / "log.csv")) == 50


def test_every_answer_that_a_client_had_is_there_after_kills(api: Workbench, service: Any) -> None:
    """Workers killed under load: what was acknowledged was written down."""
    had: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                with client(service) as asking:
                    while not over.is_set():
                        answer = asking.post("/predict", json={"a": 1.0, "b": 2.0})
                        if answer.status_code == 200:
                            had.append(answer.headers["x-request-id"])
            except httpx.TransportError:
                continue

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    gone: list[int] = []
    for _ in range(4):
        seen = len(had)
        until(lambda seen=seen: len(had) > seen + 50)  # type: ignore[misc]
        # a new worker answers already while its door has not told of it
        gone = until(lambda gone=gone: (now := service.refresh().facts["workers"]) != gone and now)  # type: ignore[misc]
        for worker in gone:
            os.kill(worker, signal.SIGKILL)
    over.set()
    for thread in threads:
        thread.join()
    log = api.requests("churn")
    assert set(had) <= set(log["request"])
    assert log["request"].is_unique


def test_columns_are_hidden_and_hashed_before_anything_is_written(api: Workbench) -> None:
    api.model("customers", by_name, example=CUSTOMERS, row_wise="yes")
    service = api.serve("customers", log_requests=True, hide="plan", hash="name")
    row = {"name": "Zebedee", "plan": "b", "since": "2020-01-01T00:00:00", "calls": 1}
    for body in (row, row, {**row, "name": "Ada"}):
        assert afresh(service, "/predict", json=body).status_code == 200
    folder = service.running.store.job_folder(service.name) / "requests"
    written = b"".join(file.read_bytes() for file in folder.glob("*.spool"))
    assert b"Zebedee" not in written
    log = api.requests("customers")
    assert "plan" not in log
    assert log["name"].nunique() == 2
    assert log["name"].iloc[0] == log["name"].iloc[1]
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


def test_a_version_that_would_bare_what_is_hidden_is_refused(api: Workbench) -> None:
    frame = CUSTOMERS.rename(columns={"name": "who"})
    api.model("customers", by_name, example=CUSTOMERS, row_wise="yes")
    api.model("customers", by_who, example=frame, row_wise="yes")
    api.model("customers", by_who, example=frame.drop(columns="plan"), row_wise="yes")
    api.alias("customers@1", "live")
    api.serve("customers", log_requests=True, hide="name", hash="plan", max_queue=50)
    for refused in (api.promote("customers@2"), api.promote("customers@2", canary="10")):
        assert "keeps name out of its log, which customers@2 does not have" in refused.kept
    with pytest.raises(UsageError, match=r"(?s)customers@2 was not made live: .*keeps name out of its log"):
        api.alias("customers@2", "live")
    line = refused.kept.rpartition("→ ")[2]
    assert line == "%serve customers --max-queue 50 --log-requests --hide name,who --hash plan"
    api.serve("customers", log_requests=True, hide="name,who", hash="plan", max_queue=50)
    assert not api.promote("customers@2").kept
    assert not api.promote("customers@3").kept, "what only goes bares nothing"
    assert not api.rollback("customers").kept


def test_failures_are_there_with_their_reason(api: Workbench, tmp_path: Path) -> None:
    api.model("moody", Moody(str(tmp_path)), example=pd.DataFrame({"age": [1.0, 2.0]}), row_wise="yes")
    service = api.serve("moody", log_requests=True)
    assert afresh(service, "/predict", json={"age": FAILS}).status_code == 500
    assert afresh(service, "/predict", content=b"{").status_code == 400
    assert afresh(service, "/v2/models/moody/infer", json={}).status_code == 400
    log = api.requests("moody", failed=True)
    assert log["status"].tolist() == [500, 400, 400]
    assert "thirteen is too many" in log["error"].iloc[0]
    assert log["age"].iloc[0] == FAILS
    assert log["path"].tolist() == ["/predict", "/predict", "/v2/models/moody/infer"]


def test_each_version_is_told_apart_over_a_promotion(api: Workbench, service: Any) -> None:
    with Load(service) as load:
        api.model("churn", second, example=NUMBERS, row_wise="yes")
        api.promote("churn@2")
        load.answered()
    assert load.failed == []
    log = api.requests("churn")
    wrong = log[log["prediction"] != 3 * log["a"] + log["b"] + 1000 * (log["version"] - 1)]
    assert wrong.empty
    assert set(api.requests("churn", version=2)["version"]) == {2}
    assert len(log) == sum(load.seen.values())


def test_what_is_old_or_too_much_is_forgotten(api: Workbench, tmp_path: Path) -> None:
    """Of no service, whose door would see to it as well."""
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    (folder := tmp_path / "requests").mkdir()
    registry = Registry(api.home / "models")
    for i in range(3):
        name = folder / f"{1000 + i}-{2**22 + i}-1.spool"
        came = time.perf_counter() - (time.time() - 1000.0 - i)
        line = (str(i).encode(), came, "/", "", 200, "", 1, [[1.0], [2.0]], {"prediction": [5.0]})
        writing = spool.Spool(folder / "made")
        writing.write(1, ("a", "b"), [line])
        (made,) = (folder / "made").glob("*.spool")
        name.write_bytes(made.read_bytes() + b"cut")
        made.unlink()
        os.utime(name, (1000.0 + i, 1000.0 + i))
    segments.compact(folder, "churn", registry, seconds=1e10, most_bytes=1e9)
    assert len(asked.log(folder, "churn", registry)) == 3
    largest = max(file.stat().st_size for file in folder.glob("*.parquet"))
    segments.compact(folder, "churn", registry, seconds=1e10, most_bytes=2 * largest)
    assert asked.log(folder, "churn", registry)["request"].tolist() == ["1", "2"]
    segments.compact(folder, "churn", registry, seconds=3600, most_bytes=1e9)
    assert asked.log(folder, "churn", registry).empty


def test_a_segment_that_is_forgotten_while_the_log_is_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "1000-7-1-v1.parquet").symlink_to("nowhere")  # is listed, and is not there
    assert asked.log(tmp_path, "churn", Registry(tmp_path)).empty


def test_who_keeps_nothing_says_so(api: Workbench) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    api.serve("churn")
    with pytest.raises(UsageError, match="keeps no requests"):
        api.requests("churn")
    with pytest.raises(UsageError, match="--log-requests"):
        api.serve("churn", hide="a")
    with pytest.raises(UsageError, match="has no column 'c'"):
        api.serve("churn", log_requests=True, hide="c")
    with pytest.raises(UsageError, match="is no span of time"):
        api.serve("churn", log_requests=True, keep_requests="long")
    with pytest.raises(UsageError, match="is no time"):
        api.requests(api.serve("churn", log_requests=True, keep_requests="2d,50MB").name, since="yesterday-ish")


def test_a_logged_request_is_asked_again_under_its_version(api: Workbench, service: Any) -> None:
    with client(service) as asking:
        request = asking.post("/predict", json=[{"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 0.0}]).headers["x-request-id"]
    api.model("churn", second, example=NUMBERS, row_wise="yes")
    api.promote("churn@2")
    replay = api.debug("churn", request)
    assert replay.same
    assert replay.version == "churn@1"
    assert replay.rows["a"].tolist() == [1.0, 2.0]
    assert str(replay) == f"churn@1 · request {request} · 2 rows · answered then, and the same now"
    with pytest.raises(NotFound, match="there is no request nobody in the log of churn"):
        api.debug("churn", "nobody")


def test_a_request_that_failed_shows_the_users_line_and_its_variables(api: Workbench, tmp_path: Path) -> None:
    api.model("moody", Moody(str(tmp_path)), example=pd.DataFrame({"age": [1.0, 2.0]}), row_wise="yes")
    service = api.serve("moody", log_requests=True)
    failed = afresh(service, "/predict", json={"age": FAILS})
    replay = api.debug("moody", failed.headers["x-request-id"])
    assert replay.same
    assert "thirteen is too many" in replay.where
    assert dict(replay.variables)["ages"] == "[13.0]"
    refused = afresh(service, "/predict", content=b"{")
    with pytest.raises(UsageError, match="are not in the log"):
        api.debug("moody", refused.headers["x-request-id"])


def test_the_debugger_stops_in_the_models_line(api: Workbench, tmp_path: Path) -> None:
    """In a terminal: a pseudo-terminal is one."""
    api.model("moody", Moody(str(tmp_path)), example=pd.DataFrame({"age": [1.0, 2.0]}), row_wise="yes")
    service = api.serve("moody", log_requests=True)
    request = afresh(service, "/predict", json={"age": FAILS}).headers["x-request-id"]
    said = in_terminal([sys.executable, "-m", "workbench", "debug", "moody", request], ["c", "p ages", "q"])
    assert "thirteen is too many" in said
    assert "[13.0]" in said


def in_terminal(command: list[str], lines: list[str]) -> str:
    """What a command says in a terminal where these lines are typed, each at a prompt."""
    pid, terminal = pty.fork()
    if not pid:
        os.execvp(command[0], command)
    said = b""
    typed = 0
    while True:
        try:
            said += os.read(terminal, 65536)
        except OSError:
            break
        if said.count(b"(Pdb) ") > typed and typed < len(lines):
            os.write(terminal, lines[typed].encode() + b"\n")
            typed += 1
    os.waitpid(pid, 0)
    os.close(terminal)
    return said.decode()


def test_what_came_too_late_is_logged_once(api: Workbench, tmp_path: Path) -> None:
    api.model("moody", Moody(str(tmp_path)), example=pd.DataFrame({"age": [1.0, 2.0]}), row_wise="yes")
    service = api.serve("moody", log_requests=True)
    (tmp_path / "gate").touch()
    rows = [{"age": float(WAITS)}] + [{"age": 1.0}] * 600
    with client(service) as asking:
        assert asking.post("/predict", json=rows, headers={"X-Request-Timeout": "2"}).status_code == 504
    (tmp_path / "gate").unlink()
    assert afresh(service, "/predict", json={"age": 1}).status_code == 200
    assert api.requests("moody")["status"].tolist() == [504, 200]
