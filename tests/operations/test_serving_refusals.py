"""What a service refuses, and models that fail, wait and die: each answer says what is wrong and what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from customer_models import CUSTOMERS, frame_model
from ports import free_port
from serving_parts import DIES, FAILS, NUMBERS, WAITS, Moody, afresh, client, first, headers, queued
from waiting import until

from workbench.api import Workbench
from workbench.errors import JobFailed, NotFound, UsageError
from workbench.operations.environment import Common

RECORD = {"age": 31, "amount": 1.5, "city": "Köln", "day": "2024-01-01", "vip": True}
TENSOR = {"name": "age", "shape": [1], "datatype": "INT64", "data": [31]}
SMALL = 1_000_000
AGES = pd.DataFrame({"age": [1.0, 2.0, 3.0]})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", frame_model, example=CUSTOMERS)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def service(api: Workbench) -> Any:
    return api.serve("churn", max_body=SMALL / 1e6)


@pytest.fixture(scope="module")
def ask(service: Any) -> Iterator[httpx.Client]:
    with client(service) as asking:
        yield asking


def told(answer: httpx.Response, status: int) -> tuple[str, str]:
    """What a refusal says, and its next step: both are there in every one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-workbench-version"]
    said = answer.json()
    if "message" in said:
        what, _, fix = said["message"].partition("\n→ ")
    else:
        what, fix = said["error"], said["fix"]
    assert len(what) > 10, said
    assert len(fix) > 10, said
    assert "Traceback" not in answer.text
    return what, fix


def with_age(age: Any) -> list[dict[str, Any]]:
    """Ten records, one with another age."""
    return [RECORD | {"age": age if row == 7 else 31} for row in range(10)]


BODIES = {
    b"": ("empty", "a record"),
    b"{": ("not JSON: unexpected end", "a record"),
    b"\xff\xfe": ("not valid UTF-8", "a record"),
    b'{"age": NaN}': ("not JSON", "null"),
    b"[" * 3000: ("nested deeper than 1024 levels", "a record"),
    b"[" * 900 + b"]" * 900: ("row 0 of the body is a list", "a record"),
    b"{}": ("'age', 'amount'", "the model takes age, amount, city, day, vip"),
    b"null": ("the body is null", "a record"),
    b'"x"': ("the body is text", "a record"),
    b"5": ("the body is a number", "a record"),
    b"[[1, 2]]": ("row 0 of the body is a list", "a record"),
    json.dumps([RECORD, 5]).encode(): ("row 1 of the body is a number", "a record"),
    json.dumps({name: [] for name in RECORD if name != "age"}).encode(): ("'age' is not there", "takes age"),
    json.dumps({name: [1, 2] if name == "age" else [1] for name in RECORD}).encode(): ("age 2, amount 1", "as many"),
    json.dumps(with_age("old")).encode(): ("column 'age', row 7: 'old' is not a whole number", "correct the value"),
    json.dumps(with_age(1.5)).encode(): ("column 'age', row 7: 1.5", "correct the value"),
    json.dumps(with_age(10**30)).encode(): ("column 'age', row 7", "correct the value"),
    json.dumps(with_age(None)).encode(): ("column 'age', row 7: a value is missing", "fill in"),
    json.dumps(with_age({"a": 1})).encode(): ("column 'age', row 7", "correct the value"),
    json.dumps([RECORD | {"day": "no day"}]).encode(): ("column 'day', row 0: 'no day'", "correct the value"),
    json.dumps([RECORD | {"city": 5}]).encode(): ("column 'city', row 0: 5 is not text", "give city as text"),
    json.dumps({"Age" if n == "age" else n: v for n, v in RECORD.items()}).encode(): (
        "'Age' may be meant",
        "takes age",
    ),
}


@pytest.mark.parametrize(("body", "said"), BODIES.items(), ids=[str(body[:24]) for body in BODIES])
def test_a_body_that_is_wrong(ask: httpx.Client, body: bytes, said: tuple[str, str]) -> None:
    what, fix = told(ask.post("/predict", content=body), 400)
    assert said[0] in what
    assert said[1] in fix


def test_a_wrong_value_is_named_by_row_and_column_for_programs_too(ask: httpx.Client) -> None:
    said = ask.post("/predict", json=with_age("old")).json()
    assert (said["column"], said["row"]) == ("age", 7)


def test_a_body_that_is_too_large(ask: httpx.Client, service: Any) -> None:
    import gzip

    much = json.dumps([RECORD] * 20_000).encode()
    packed = {"content-encoding": "gzip"}
    for how in (
        {"content": much},
        {"content": (much[at : at + 65536] for at in range(0, len(much), 65536))},
        {"content": gzip.compress(much), "headers": packed},
    ):
        what, fix = told(ask.post("/predict", **how), 413)  # type: ignore[arg-type]
        assert "1 MB" in what
        assert "%batch" in fix
    assert ask.post("/predict", json=RECORD).status_code == 200, "the connection is not lost"
    for content in (b"no gzip", gzip.compress(b"{}")[:-3], gzip.compress(b"{}") * 2):
        told(ask.post("/predict", content=content, headers=packed), 400)
    told(ask.post("/predict", content=b"x", headers={"content-encoding": "br"}), 415)


V2 = [
    {},
    5,
    {"inputs": []},
    {"inputs": 5},
    {"inputs": [5]},
    {"inputs": [TENSOR | {"name": ["age"]}]},
    {"inputs": [TENSOR | {"datatype": ["INT64"]}]},
    {"inputs": [TENSOR | {"datatype": "INT65"}]},
    {"inputs": [TENSOR | {"shape": [2]}]},
    {"inputs": [TENSOR | {"shape": [-1]}]},
    {"inputs": [TENSOR | {"shape": [10**30]}]},
    {"inputs": [TENSOR | {"shape": ["1"]}]},
    {"inputs": [TENSOR | {"shape": []}]},
    {"inputs": [TENSOR | {"shape": [0], "data": []}]},
    {"inputs": [TENSOR]},
    {"inputs": [TENSOR, TENSOR]},
    {"inputs": [TENSOR], "outputs": 5},
    {"inputs": [TENSOR], "outputs": ["score"]},
    {"inputs": [TENSOR], "outputs": [{"name": ["score"]}]},
]


@pytest.mark.parametrize("said", V2, ids=json.dumps)
def test_v2_that_is_wrong(ask: httpx.Client, said: Any) -> None:
    told(ask.post("/v2/models/churn/infer", json=said), 400)


def test_v2_of_another_depth_or_output_or_model(ask: httpx.Client) -> None:
    deep = b'{"inputs":[{"name":"age","shape":[1],"datatype":"INT64","data":' + b"[" * 1000 + b"]" * 1000 + b"}]}"
    told(ask.post("/v2/models/churn/infer", content=deep), 400)
    kinds = zip(RECORD, ["INT64", "FP64", "BYTES", "BYTES", "BOOL"], strict=True)
    inputs = [{"name": name, "shape": [1], "datatype": kind, "data": [RECORD[name]]} for name, kind in kinds]
    asked = {"inputs": inputs, "outputs": [{"name": "price"}]}
    what, fix = told(ask.post("/v2/models/churn/infer", json=asked), 400)
    assert ("'price'" in what, "score, label, months" in fix) == (True, True)
    for path in ("/v2/models/other", "/v2/models/churn/versions/7", "/v2/models/other/ready"):
        what, fix = told(ask.get(path), 404)
        assert "churn, version 1" in fix
    told(ask.post("/v2/models/other/infer", json=asked), 404)


MLFLOW = {
    "{}": "exactly one of the input fields dataframe_split",
    "[]": "exactly one of the input fields dataframe_split",
    '{"instances": [{}], "inputs": [{}]}': "exactly one of the input fields dataframe_split",
    '{"instances": {}}': "no rows",
    '{"instances": 5}': "instances is a number",
    '{"instances": [5]}': "row 0 of instances is a number",
    '{"instances": [[1, 2]]}': "row 0 has 2 values; the model takes 5 columns",
    '{"dataframe_split": {}}': "dataframe_split holds no table",
    '{"dataframe_split": {"columns": ["age"], "data": [[1], [1, 2]]}}': "row 1 of dataframe_split has 2 values",
    '{"dataframe_split": {"columns": ["age"], "data": [5]}}': "row 0 of dataframe_split has no list",
    '{"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}}': "the column 'age' twice",
    '{"dataframe_split": {"columns": 5, "data": 5}}': "dataframe_split holds no table",
    '{"dataframe_records": [{"age": 1}]}': "'amount', 'city', 'day', 'vip' are not there",
    json.dumps({"dataframe_records": with_age("old")}): "column 'age', row 7: 'old'",
    "{": "not JSON",
}


@pytest.mark.parametrize(("body", "said"), MLFLOW.items(), ids=list(MLFLOW))
def test_mlflow_that_is_wrong(ask: httpx.Client, body: str, said: str) -> None:
    answer = ask.post("/invocations", content=body)
    assert said in told(answer, 400)[0]
    assert answer.json()["error_code"] == "BAD_REQUEST"


@pytest.mark.parametrize("given", [None, "Bearer wrong", "Basic eDp5", "Bearer schlüssel".encode()])
def test_no_token_or_another_one(service: Any, given: Any) -> None:
    send = {"authorization": given} if given else {}
    for answer in (
        httpx.post(f"{service.url}/predict", json=RECORD, headers=send),
        httpx.post(f"{service.url}/invocations", json={}, headers=send),
        httpx.get(f"{service.url}/", headers=send),
        httpx.get(f"{service.url}/metrics", headers=send),
    ):
        what, fix = told(answer, 401)
        assert "service/churn" in what
        assert "workbench token churn" in fix
        assert answer.headers["www-authenticate"] == "Bearer"


def test_paths_and_methods_that_are_not_there(ask: httpx.Client) -> None:
    for method, path in (("GET", "/nothing"), ("POST", "/predictions"), ("GET", "/v3"), ("POST", "/v2/models/churn")):
        what, _ = told(ask.request(method, path), 405 if path.startswith("/v2") else 404)
        assert path in what
    for method, path, allowed in (
        ("GET", "/predict", "POST"),
        ("GET", "/invocations", "POST"),
        ("POST", "/health", "GET"),
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/predict", "POST"),
        ("PUT", "/predict", "POST"),
    ):
        answer = ask.request(method, path)
        assert f"{method} is not taken at {path}" in told(answer, 405)[0]
        assert answer.headers["allow"] == allowed


def test_the_host_of_another_site(ask: httpx.Client, service: Any) -> None:
    evil = {"host": "evil.example"}
    for path in ("/", "/health", "/?token=guessed"):
        what, fix = told(httpx.get(f"{service.url}{path}", headers=evil), 421)
    assert ask.get("/", headers=evil).status_code == 200, "a page that rebinds DNS has no token; a proxy passes it on"
    assert "evil.example" in what
    assert "localhost" in fix
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8000"):
        assert ask.get("/", headers={"host": host}).status_code == 200, host


def test_what_is_no_http(service: Any) -> None:
    with socket.create_connection(("127.0.0.1", service.facts["port"]), timeout=30) as raw:
        raw.sendall(b"NOTHING\r\n\r\n")
        assert raw.makefile("rb").readline().startswith(b"HTTP/1.1 400 ")


@pytest.fixture
def moody(api: Workbench, tmp_path: Path) -> str:
    """A model that fails, waits and dies; its signs are in the test's folder."""
    name = f"moody-{tmp_path.name}"
    api.model(name, Moody(str(tmp_path)), example=AGES, row_wise="yes")
    return name


@pytest.fixture
def moods(api: Workbench, moody: str) -> Iterator[Any]:
    """A service of that model, with a short queue."""
    yield api.serve(moody, max_queue=3)
    api.stop(f"service/{moody}")


def ages(service: Any, *asked: int) -> list[httpx.Response]:
    """The answers to one record each, asked at once."""
    with ThreadPoolExecutor(max(1, len(asked))) as threads:
        return list(threads.map(lambda age: afresh(service, "/predict", json={"age": age}), asked))


def test_a_model_that_fails_at_some_rows_answers_the_others(moods: Any, tmp_path: Path, api: Workbench) -> None:
    (tmp_path / "gate").touch()
    with ThreadPoolExecutor(4) as threads:
        waiting = threads.submit(afresh, moods, "/predict", json={"age": WAITS})
        until((tmp_path / "inside").exists)
        rest = [threads.submit(afresh, moods, "/predict", json={"age": age}) for age in (1, FAILS, 3)]
        until(lambda: queued(moods) == 3)
        (tmp_path / "gate").unlink()
        one, failed, three = (future.result() for future in rest)
    assert waiting.result().json() == {"prediction": 2.0 * WAITS}
    assert [one.json(), three.json()] == [{"prediction": 2.0}, {"prediction": 6.0}]
    what, _ = told(failed, 500)
    assert "ValueError: thirteen is too many" in what
    assert "serving_parts.py" not in failed.text, "where in the code is for the log"
    log = "\n".join(api.logs(moods.name))
    assert "thirteen is too many" in log
    assert "serving_parts.py, line" in log, log
    failed = afresh(moods, "/invocations", json={"inputs": [{"age": FAILS}]})
    assert "thirteen" in told(failed, 500)[0]
    assert "serving_parts.py" not in failed.text


def afresh_get(service: Any, path: str) -> httpx.Response:
    return httpx.get(f"{service.url}{path}", headers=headers(service))


def test_a_queue_that_is_full_says_when_to_come_again(moods: Any, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    with ThreadPoolExecutor(6) as threads:
        waiting = threads.submit(afresh, moods, "/predict", json={"age": WAITS})
        until((tmp_path / "inside").exists)
        rest = [threads.submit(afresh, moods, "/predict", json={"age": age}) for age in (1, 2, 3, 4)]
        refused = until(lambda: next((future.result() for future in rest if future.done()), None))
        assert afresh_get(moods, "/health").status_code == 200, "a slow model does not stop the rest"
        (tmp_path / "gate").unlink()
    what, fix = told(refused, 429)
    assert "3 requests wait already" in what
    assert "--workers" in fix
    assert refused.headers["retry-after"] == "1"
    assert sorted(future.result().status_code for future in [waiting, *rest]) == [200, 200, 200, 200, 429]


def test_a_model_that_kills_its_process_is_started_again(moods: Any, api: Workbench) -> None:
    before = moods.facts["workers"]
    with pytest.raises(httpx.TransportError):
        afresh(moods, "/predict", json={"age": DIES})
    assert afresh(moods, "/predict", json={"age": 4}).json() == {"prediction": 8.0}
    now = until(lambda: (job := moods.refresh()).facts["workers"] != before and job.state == "ready" and job)
    assert now.url == moods.url
    events = [event.text for event in api.running.store.events(moods.name)]
    assert any("killed by SIGKILL" in text for text in events), events
    assert "worker 0 ended: killed by SIGKILL; started again" in "\n".join(api.logs(moods.name))
    assert "lost  1 worker, the last" in str(now)


def test_a_model_that_never_comes_up_is_given_up_aloud(api: Workbench, moody: str, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(JobFailed) as caught:
        api.serve(moody)
    assert f"service/{moody} failed" in str(caught.value)
    assert "killed by SIGKILL" in str(caught.value)
    assert "logs" in (caught.value.fix or "")
    (tmp_path / "broken").unlink()
    assert afresh(api.serve(moody), "/predict", json={"age": 4}).json() == {"prediction": 8.0}
    api.stop(f"service/{moody}")


def test_a_port_that_is_taken(api: Workbench, service: Any) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(JobFailed) as caught:
            api.serve("churn", name="second", port=port)
        assert f"port {port} of 127.0.0.1" in str(caught.value)
        assert "--port" in str(caught.value)
    assert api.serve("churn", name="second", port=port).url.endswith(f":{port}")
    api.stop("service/second")
    with pytest.raises(JobFailed, match=r"no\.such\.host\.invalid is no address"):
        api.serve("churn", name="third", host="no.such.host.invalid")
    assert afresh(service, "/predict", json=RECORD).status_code == 200


def test_another_port_that_is_taken_leaves_the_service_as_it_was(api: Workbench) -> None:
    service = api.serve("churn", name="moved")
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(JobFailed, match=f"port {port}"):
            api.serve("churn", name="moved", port=port)
        assert afresh(service, "/predict", json=RECORD).status_code == 200
        now = until(lambda: (job := service.refresh()).state == "ready" and job)
        assert f"port {port}" in now.job.reason
        assert now.url == service.url
    moved = api.serve("churn", name="moved", port=port, workers=2)
    assert moved.url.endswith(f":{port}")
    assert afresh(moved, "/predict", json=RECORD).status_code == 200
    api.stop("service/moved")
    with pytest.raises(httpx.ConnectError):
        afresh(moved, "/health")


def test_a_token_that_is_gone_lets_nobody_in(api: Workbench) -> None:
    service = api.serve("churn", name="bare")
    file = api.running.store.job_folder(service.name) / "token"
    for damage in (file.unlink, file.touch):
        damage()
        with pytest.raises(JobFailed, match="the token of service/bare is gone"):
            api.restart(service.name)
    file.unlink()
    assert len(api.serve("churn", name="bare").token) > 30
    assert httpx.post(f"{service.url}/predict", json=RECORD).status_code == 401
    api.stop(service.name)


def test_a_restart_under_an_interpreter_that_is_gone_says_so(api: Workbench) -> None:
    service = api.serve("churn", name="moved")
    store = api.running.store
    gone = service.job.environment | {"python": "/nowhere/bin/python"}
    store.put(service.name, service.job.spec, gone)
    with pytest.raises(NotFound, match="/nowhere/bin/python is not there any more: its environment was deleted"):
        api.restart(service.name)
    assert afresh(service, "/predict", json=RECORD).status_code == 200, "it goes on as it was"
    api.stop(service.name)


def test_a_promotion_says_which_columns_differ(api: Workbench) -> None:
    for example in (NUMBERS, NUMBERS.assign(price=1.5)):
        api.model("grown", first, example=example)
    api.alias("grown@1", "live")
    assert "its columns differ: input + price float64" in str(api.promote("grown@2"))


@pytest.mark.parametrize(("name", "fix"), [("a b/c", "--name c"), ("b" * 101, "b" * 100), ("../ü€", "--name ü")])
def test_a_name_that_no_line_or_folder_could_hold(name: str, fix: str) -> None:
    with pytest.raises(UsageError, match="cannot name what runs") as told:
        Common(name)
    assert str(told.value.fix).endswith(fix)
