"""Most requests go straight from their connection to the batcher, all others the ways of ASGI: nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa
import pytest
from protocol_parts import stream
from serving_parts import NUMBERS, client, first
from test_serving_clients import everything, head, raw
from waiting import until

from workbench.api import Workbench
from workbench.operations.figures import of_service

ROW = {"a": 1.0, "b": 2.0}
MANY = {name: [float(number % 7) for number in range(3000)] for name in ROW}
TENSORS = {"id": "7", "inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [1.5]} for name in ROW]}
SPLIT = {"dataframe_split": {"columns": list(ROW), "data": [[1.0, 2.0]]}}
EVENT = {"ce-specversion": "1.0", "ce-id": "3", "ce-source": "/here", "ce-type": "row"}


def written(said: Any) -> bytes:
    return json.dumps(said).encode()


ASKS: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "a record": ("/predict", written(ROW), {}),
    "records": ("/", written([ROW, ROW]), {}),
    "columns, compressed": ("/predict", written(MANY), {"accept-encoding": "gzip"}),
    "columns, as they are": ("/predict", written(MANY), {"accept-encoding": "identity"}),
    "CSV": ("/predict", b"a,b\n1,2\n", {"content-type": "text/csv"}),
    "Arrow": (
        "/predict",
        stream(pa.Table.from_pandas(NUMBERS)),
        {"content-type": "application/vnd.apache.arrow.stream"},
    ),
    "events": ("/predict", written(ROW), {"accept": "text/event-stream"}),
    "CSV wanted": ("/predict", written(ROW), {"accept": "text/csv"}),
    "MLflow": ("/invocations", written(SPLIT), {}),
    "V1": ("/v1/models/churn:predict", written({"instances": [ROW]}), {}),
    "V2": ("/v2/models/churn/infer", written(TENSORS), {}),
    "V2, explained": ("/v2/models/churn/infer", written(TENSORS | {"parameters": {"explain": True}}), {}),
    "an event": ("/predict", written(ROW), EVENT),
    "explained": ("/explain", written(ROW), {}),
    "no JSON": ("/predict", b"{", {}),
    "nothing": ("/predict", b"", {}),
    "no rows": ("/predict", b"[]", {}),
    "a wrong value": ("/predict", written(ROW | {"a": "x"}), {}),
    "a wrong value, explained": (
        "/v2/models/churn/infer",
        written({"inputs": [], "parameters": {"explain": True}}),
        {},
    ),
    "another model": ("/v2/models/other/infer", written(TENSORS), {}),
    "another path": ("/nowhere", written(ROW), {}),
    "another type": ("/predict", written(ROW), {"content-type": "image/png"}),
    "no number of seconds": ("/predict", written(ROW), {"x-request-timeout": "soon"}),
    "too late at once": ("/predict", written(ROW), {"x-request-timeout": "1e-9"}),
    "another host": ("/predict", written(ROW), {"host": "example.org"}),
    "another token": ("/predict", written(ROW), {"authorization": "Bearer no"}),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    api = Workbench(tmp_path_factory.mktemp("home"))
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    yield api.serve("churn")
    api.shutdown(all=True)


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All that an answer says, but for when, and what is new in each."""
    said = {name: value for name, value in answer.headers.items() if name not in ("date", "ce-id", "ce-time")}
    return answer.status_code, said, answer.content


@pytest.mark.parametrize("ask", ASKS)
def test_an_answer_is_the_same_on_either_way(service: Any, ask: str) -> None:
    path, body, more = ASKS[ask]
    asked = {"x-request-id": "mine", "content-type": "application/json"} | more
    with client(service) as asking:
        straight = asking.post(path, content=body, headers=asked)
        in_pieces = asking.post(path, content=iter([body]), headers=asked)  # of no length that is known
    assert told(straight) == told(in_pieces)
    assert straight.headers["x-workbench-version"] == "1"


def test_both_ways_share_a_connection(service: Any) -> None:
    """Also where all that is asked comes at once."""
    body = written(ROW)
    asked = head(service) + body.ljust(len(b'{"a": 1.0, "b": 2.0}'))
    pieces = asked.replace(b"Content-Length: 20", b"Transfer-Encoding: chunked").replace(
        body, b"14\r\n%b\r\n0\r\n\r\n" % body
    )
    with raw(service) as connection:
        connection.sendall(asked + pieces + asked + pieces.replace(b"Host", b"Connection: close\r\nHost"))
        answers = everything(connection)
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b'{"prediction":5.0}') == 4
    assert answers.endswith(b'{"prediction":5.0}')


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: example.org\r\n"])
def test_a_request_names_one_host(service: Any, hosts: bytes) -> None:
    with raw(service) as connection:
        connection.sendall(
            head(service, "1.1", "Connection: close").replace(b"Host: localhost\r\n", hosts) + written(ROW)
        )
        closed = everything(connection)
    with raw(service) as connection:
        connection.sendall(head(service).replace(b"Host: localhost\r\n", hosts) + written(ROW))
        kept = connection.recv(65536)
    assert closed.partition(b" ")[2][:3] == kept.partition(b" ")[2][:3] == b"400"


def figure(service: Any, name: str) -> int:
    return int(of_service(service.job)[name])


def test_a_body_that_comes_late_is_waited_for(service: Any) -> None:
    body = written(ROW)
    with raw(service) as connection:
        connection.sendall(head(service))
        until(lambda: figure(service, "in_flight") == 1)
        connection.sendall(body[:7])
        connection.sendall(body[7:])
        assert connection.recv(65536).endswith(b'{"prediction":5.0}')
    until(lambda: figure(service, "in_flight") == 0)


def test_who_leaves_before_the_rest_is_counted_as_gone(service: Any) -> None:
    refused = figure(service, "refused")
    connection = raw(service)
    connection.sendall(head(service) + b"{")
    until(lambda: figure(service, "in_flight") == 1)
    connection.close()
    until(lambda: figure(service, "in_flight") == 0)
    assert figure(service, "refused") == refused + 1
