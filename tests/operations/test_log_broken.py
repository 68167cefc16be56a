"""What broke the log of requests: other formats than JSON, refused rows, columns of its own names, ids that come twice."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from log_models import OWN_NAMES, of_own_names, ratio
from serving_parts import NUMBERS, WAITS, Moody, client, first, queued
from waiting import until

import workbench.data.client as typed
from workbench.api import Workbench
from workbench.bundle.registry import Registry
from workbench.errors import UsageError
from workbench.monitoring import segments

CSV, ARROW = "text/csv", "application/vnd.apache.arrow.stream"


def ask(service: Any, rows: Any, **headers: str) -> str:
    """The id of a request that was answered."""
    with client(service) as asking:
        answer = asking.post("/predict", json=rows, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.headers["x-request-id"])


@pytest.fixture
def service(api: Workbench) -> Any:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    return api.serve("churn", log_requests=True)


def test_rows_of_every_format_are_kept(api: Workbench, service: Any) -> None:
    with typed.Client(service.url, service.token) as asking:
        asking.predict(NUMBERS)
    many = pd.concat([NUMBERS] * 40, ignore_index=True)
    with client(service) as asking:
        assert asking.post("/predict", content=many.to_csv(index=False), headers={"Content-Type": CSV}).is_success
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, (table := pa.Table.from_pandas(many)).schema) as stream:
            stream.write_table(table)
        assert asking.post("/predict", content=sink.getvalue(), headers={"Content-Type": ARROW}).is_success
    log = api.requests("churn").query("status == 200")
    assert len(log) == 3 + 120 + 120
    assert log["prediction"].tolist() == (3 * log["a"] + log["b"]).tolist()


def test_refused_rows_leave_the_types_of_the_others(api: Workbench, service: Any) -> None:
    good = ask(service, {"a": 1.5, "b": 2})
    with client(service) as asking:
        assert asking.post("/predict", json={"a": "much", "b": 1}).status_code == 400
        assert asking.post("/predict", json=[{"a": 1}, {"b": [1, 2]}]).status_code == 400
        assert asking.post("/predict", content="a,b\nmuch,1\n", headers={"Content-Type": CSV}).status_code == 400
    log = api.requests("churn")
    assert log["status"].tolist() == [200, 400, 400, 400, 400][: len(log)]
    assert log["a"].tolist()[:2] == [1.5, "much"]
    assert api.requests("churn", version=1).query("status == 200")["a"].dtype == object
    assert api.debug("churn", good).same
    folder = service.running.store.job_folder(service.name) / "requests"
    service.stop()
    segments.compact(folder, "churn", Registry(api.home / "models"), seconds=1e9, most_bytes=1e9)
    pd.testing.assert_frame_equal(log, api.requests("churn"))
    assert len(api.requests("churn", version=1)) == len(log)


def test_a_model_may_have_columns_of_the_logs_names(api: Workbench) -> None:
    api.model("odd", of_own_names, example=OWN_NAMES, row_wise="yes")
    service = api.serve("odd", log_requests=True)
    replay = api.debug("odd", ask(service, {"status": 4.0, "version": "9", "prediction": 2}))
    assert replay.same
    assert replay.version == "odd@1"
    assert replay.logged["prediction"].tolist() == [42.0]


def test_the_last_request_of_an_id_is_asked_again(api: Workbench, service: Any) -> None:
    for number in (1.0, 2.0):
        ask(service, {"a": number, "b": 0.0}, **{"X-Request-Id": "again"})
    replay = api.debug("churn", "again")
    assert replay.rows["a"].tolist() == [2.0]
    assert replay.same


def test_infinity_is_no_missing_value(api: Workbench) -> None:
    api.model("ratio", ratio, example=pd.DataFrame({"a": [1.0, 2.0, np.inf]}), row_wise="yes")
    service = api.serve("ratio", log_requests=True)
    body = {"dataframe_split": {"columns": ["a"], "data": [[float("inf")], [1.0]]}}
    with client(service) as asking:
        text = json.dumps(body)
        answer = asking.post("/invocations", content=text, headers={"Content-Type": "application/json"})
        assert answer.is_success, answer.text
    assert api.requests("ratio")["a"].tolist() == [np.inf, 1.0]
    assert api.debug("ratio", answer.headers["x-request-id"]).same


def test_no_error_shows_what_is_hidden_and_digests_are_of_values(api: Workbench) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    service = api.serve("churn", log_requests=True, hide="a", hash="b")
    request = ask(service, {"a": 1, "b": 41})
    ask(service, {"a": 1, "b": 41.0})
    with client(service) as asking:
        assert asking.post("/predict", json={"a": "my secret", "b": 1}).status_code == 400
        secret = "a,b\nmy secret,1\n"
        assert asking.post("/predict", content=secret, headers={"Content-Type": CSV}).status_code == 400
    log = api.requests("churn")
    assert len(log) == 4
    assert log["b"].nunique() <= 2
    assert log["b"].iloc[0] == log["b"].iloc[1]
    folder = service.running.store.job_folder(service.name) / "requests"
    assert b"secret" not in b"".join(file.read_bytes() for file in folder.glob("*.spool"))
    with pytest.raises(UsageError, match="are not in the log"):
        api.debug("churn", request)


def test_who_asks_for_an_answer_later_is_named(api: Workbench, service: Any) -> None:
    token = str(api.token("churn", new="ada"))
    later = {"Authorization": f"Bearer {token}", "Prefer": "respond-async", "X-Workbench-Caller": "eve"}
    with client(service) as asking:
        until(lambda: asking.post("/predict", json={"a": 1, "b": 2}, headers=later).status_code == 202)
    until(lambda: len(api.requests("churn")))
    assert set(api.requests("churn")["caller"]) == {"ada"}


@pytest.mark.parametrize("mixed", [False, True])
def test_each_of_a_batch_has_its_own_rows_and_answers(api: Workbench, tmp_path: Path, *, mixed: bool) -> None:
    api.model("moody", Moody(str(tmp_path)), example=pd.DataFrame({"age": [1.0, 2.0]}), row_wise="yes")
    service = api.serve("moody", log_requests=True)
    (tmp_path / "gate").touch()
    bodies: dict[str, dict[str, Any]] = {f"{n}": {"json": [{"age": float(n)}] * n} for n in (1, 2, 3)}
    if mixed:
        bodies["4"] = {"content": b"age\n4\n4\n4\n4\n", "headers": {"Content-Type": CSV}}

    def asked(name: str, how: dict[str, Any]) -> int:
        with client(service) as asking:
            sent = {**how, "headers": {**how.get("headers", {}), "X-Request-Id": name}}
            return asking.post("/predict", **sent).status_code

    with ThreadPoolExecutor() as pool:
        before = pool.submit(asked, "first", {"json": [{"age": float(WAITS)}] + [{"age": 1.0}] * 600})
        until((tmp_path / "inside").exists)
        rest = [pool.submit(asked, name, how) for name, how in bodies.items()]
        until(lambda: queued(service) == len(bodies))
        (tmp_path / "gate").unlink()
        assert {one.result() for one in (before, *rest)} == {200}
    log = api.requests("moody").query("request != 'first'")
    assert log.groupby("request")["row"].apply(list).to_dict() == {name: list(range(int(name))) for name in bodies}
    assert log["age"].tolist() == log["request"].astype(float).tolist()
    assert log["prediction"].tolist() == (2 * log["age"]).tolist()
