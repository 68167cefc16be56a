"""What each protocol of a service promises beside its values: shapes, types, statuses, and who names which format."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from protocol_parts import (
    ARROW,
    ARROW_FILE,
    EVENT,
    ORDERS,
    Answered,
    ask,
    delimited,
    of_orders,
    plain,
    split,
    stream,
    tensors,
    undelimited,
    unstreamed,
)
from serving_parts import client

from workbench.api import Workbench

RECORDS = plain(ORDERS)
CSV = "text/csv; charset=utf-8"
LINES = "application/x-ndjson"
EVENTS = "application/cloudevents+json"
STRUCTURED: dict[str, Any] = {"specversion": "1.0", "id": "7", "source": "/orders", "type": "order.placed"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("orders", of_orders, example=ORDERS)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def orders(api: Workbench) -> Iterator[httpx.Client]:
    with client(api.serve("orders")) as asking:
        yield asking


@pytest.fixture(scope="module")
def expected(orders: httpx.Client) -> Answered:
    found: Answered = ask(orders, "/predict", RECORDS).json()
    return found


def post(orders: httpx.Client, path: str, content: Any, type: str | None = "application/json", **more: str) -> Any:
    """The answer, whatever it is."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return orders.post(path, content=body, headers={**({"content-type": type} if type is not None else {}), **more})


@pytest.mark.parametrize("path", ["/predict", "/"])
@pytest.mark.parametrize(
    "type",
    [
        None,
        "",
        "application/x-www-form-urlencoded",
        "text/plain;charset=UTF-8",
        "Application/JSON; charset=utf-8",
        "application/vnd.api+json",
    ],
)
def test_what_nobody_calls_otherwise_is_json(path: str, type: str | None, orders: httpx.Client, expected: Any) -> None:
    answer = post(orders, path, RECORDS, type)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == expected


BODIES = {
    CSV: (delimited(RECORDS), CSV),
    "TEXT/CSV": (delimited(RECORDS), CSV),
    "text/csv; header=present": (delimited(RECORDS), CSV),
    "text/csv; charset=utf-16": (delimited(RECORDS).decode().encode("utf-16"), CSV),
    'text/csv; charset="latin-1"': (delimited(RECORDS).decode().encode("latin-1"), CSV),
    "text/tab-separated-values": (delimited(RECORDS, "\t"), "text/tab-separated-values; charset=utf-8"),
    LINES: (b"\n\n" + b"\r\n".join(json.dumps(record).encode() for record in RECORDS) + b"\n\n", LINES),
    ARROW: (stream(pa.Table.from_pandas(ORDERS)), ARROW),
    ARROW_FILE: (stream(pa.Table.from_pandas(ORDERS), pa.ipc.new_file), ARROW_FILE),
}


@pytest.mark.parametrize("type", BODIES)
@pytest.mark.parametrize("accept", ["*/*", "text/html", "text/html, */*;q=0.8"])
def test_an_answer_has_the_format_of_its_rows(type: str, accept: str, orders: httpx.Client) -> None:
    content, answered = BODIES[type]
    assert post(orders, "/predict", content, type, accept=accept).headers["content-type"] == answered


LIKED = {
    "text/csv": CSV,
    "text/csv, */*;q=0.1": CSV,
    "text/csv;q=0.3, application/x-ndjson": LINES,
    "text/html, application/vnd.apache.arrow.file": ARROW_FILE,
    "application/json, text/plain, */*": "application/json",
    "*/*, text/csv;q=0.5": "application/json",
    "application/*, text/csv;q=0.9": "application/json",
    "text/csv;q=0": "application/json",
    "text/csv;q=x": "application/json",
    "application/xml": "application/json",
    "": "application/json",
}


@pytest.mark.parametrize("accept", LIKED)
def test_an_answer_has_the_format_that_is_liked_best(accept: str, orders: httpx.Client, expected: Any) -> None:
    answer = post(orders, "/predict", RECORDS, accept=accept)
    assert answer.headers["content-type"] == LIKED[accept]
    if LIKED[accept] == CSV:
        assert [row["city"] for row in undelimited(answer.content)] == [row["city"] for row in expected]
    if LIKED[accept] == "application/json":
        assert answer.json() == expected


def test_columns_that_like_json_are_answered_in_columns(orders: httpx.Client) -> None:
    columns = {name: [record[name] for record in RECORDS] for name in RECORDS[0]}
    assert isinstance(ask(orders, "/predict", columns, accept="application/json").json()["city"], list)


REFUSED: dict[str, tuple[str, bytes, int, str]] = {
    "another format": ("application/xml", b"<a/>", 415, "application/vnd.apache.arrow.file, "),
    "a form": ("multipart/form-data; boundary=x", b"--x--", 415, "text/csv"),
    "csv in an unknown charset": ("text/csv; charset=zlib", b"a\n1", 415, "utf-8, ascii"),
    "csv of latin-1": ("text/csv", "units,city\n1,Köln".encode("latin-1"), 400, "charset=…"),
    "csv of nothing": ("text/csv", b"", 400, "line 1"),
    "csv of another header": ("text/csv", b"units,town\n", 400, "the model takes units"),
    "csv with semicolons": ("text/csv", b"units;city\n1;Ulm", 400, "separated by commas"),
    "csv with a column twice": ("text/csv", b"units,units\n1,1", 400, "rename one"),
    "csv with a short row": ("text/csv", b"units,city\n1", 400, "correct that line"),
    "csv with an open quote": ("text/csv", b'units,city\n1,"Ulm\n', 400, "cut off"),
    "csv with an open quote in its header": ("text/csv", b'units,"' + b"x" * 200_000, 400, "double quotes"),
    "csv with a header of megabytes": ("text/csv", b"a" * 1_100_000 + b",b\n1,2", 400, "double quotes"),
    "csv with a column missing": ("text/csv", b"Units,city\n1,Ulm", 400, "the model takes units"),
    "csv with very many columns": ("text/csv", b",".join(b"c%d" % i for i in range(100_000)) + b"\n", 400, "leave out"),
    "lines of no json": (LINES, b'{"units": 1}\n{"units"\n', 400, "send a record"),
    "lines of no records": (LINES, b"[1]\n", 400, "one object on each line"),
    "lines of nothing": (LINES, b"", 400, "an object on each line"),
    "arrow of nothing": (ARROW, b"", 400, "write it again"),
    "arrow that is none": (ARROW, b"ARROW1", 400, "write it again"),
    "arrow of other columns": (ARROW, stream(pa.table({"a": [1]})), 400, "the model takes units"),
    "json that is deep": ("application/json", b'{"a":' * 2000, 400, "send a record"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused(case: str, orders: httpx.Client) -> None:
    type, content, status, fix = REFUSED[case]
    answer = post(orders, "/predict", content, type)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    said = answer.json()
    assert fix in said["fix"], said
    assert "say so" not in said["fix"], "that is for files"


NONE: dict[str, tuple[str, Any, str, Any]] = {
    "records": ("/predict", [], "application/json", []),
    "lines": ("/predict", b"\n\n", LINES, b""),
    "v1": ("/v1/models/orders:predict", {"instances": []}, "application/json", {"predictions": []}),
    "v1 in columns": (
        "/v1/models/orders:predict",
        {"inputs": {name: [] for name in ORDERS}},
        "application/json",
        {"predictions": []},
    ),
    "mlflow": (
        "/invocations",
        {"dataframe_split": {"columns": list(ORDERS), "data": []}},
        "application/json",
        {"predictions": []},
    ),
}


@pytest.mark.parametrize("case", NONE)
def test_no_rows_are_answered_in_their_form(case: str, orders: httpx.Client) -> None:
    path, content, type, answer = NONE[case]
    said = post(orders, path, content, type)
    assert (said.status_code, said.headers["content-type"]) == (200, type), said.text
    assert (said.content if isinstance(answer, bytes) else said.json()) == answer


def test_no_rows_are_answered_with_all_columns(orders: httpx.Client, expected: Any) -> None:
    said = post(orders, "/predict", {name: [] for name in ORDERS})
    assert said.json() == {name: [] for name in expected[0]}
    said = post(orders, "/predict", f"{','.join(ORDERS)}\n".encode(), CSV)
    assert (said.status_code, said.text) == (200, f"{','.join(expected[0])}\n")
    said = post(orders, "/predict", stream(pa.Table.from_pandas(ORDERS.iloc[:0])), ARROW)
    found = pa.ipc.open_stream(said.content).read_all()
    assert (found.num_rows, found.column_names) == (0, list(expected[0]))
    assert "data: []" in post(orders, "/predict", [], accept="text/event-stream").text
    refused = post(orders, "/explain", [])
    assert (refused.status_code, refused.json()["error"]) == (400, "the body holds no rows")


@pytest.mark.parametrize("type", [CSV, LINES, ARROW])
def test_a_wrong_value_is_named_by_row_and_column(type: str, orders: httpx.Client) -> None:
    records = [record | {"vip": "perhaps" if row == 4 else "true"} for row, record in enumerate(RECORDS)]
    lines = b"\n".join(json.dumps(record).encode() for record in records)
    table = pa.Table.from_pandas(ORDERS.assign(vip=[record["vip"] for record in records]))
    content = {CSV: delimited(records), LINES: lines, ARROW: stream(table)}[type]
    said = post(orders, "/predict", content, type).json()
    assert (said["column"], said["row"]) == ("vip", 4)
    assert "'perhaps' is not true or false" in said["error"]


def test_invocations_are_refused_as_mlflow_refuses_them(orders: httpx.Client) -> None:
    for type in ("not_a_type", "application/json; something=something", "text/csv; charset=latin-1", "text/plain"):
        answer = post(orders, "/invocations", {"dataframe_split": split(ORDERS)}, type)
        assert (answer.status_code, answer.headers["content-type"]) == (415, "text/plain; charset=utf-8"), type
        assert "application/json or text/csv" in answer.text
    for said in (1, [1], {"not": "one"}, {"dataframe_records": [], "dataframe_split": {"data": []}}):
        answer = post(orders, "/invocations", said)
        told = answer.json()
        assert (answer.status_code, told["error_code"]) == (400, "BAD_REQUEST")
        assert "The input must be a JSON dictionary with exactly one of the input fields" in told["message"]
    for said in (
        {"dataframe_records": split(ORDERS)},
        {"dataframe_split": RECORDS},
        {"inputs": {"units": [1], "city": []}},
    ):
        answer = post(orders, "/invocations", said)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST"), said
    assert post(orders, "/invocations", b"", "text/csv").json()["error_code"] == "BAD_REQUEST"


def test_invocations_take_numbers_as_python_writes_them(orders: httpx.Client, expected: Any) -> None:
    records = [record | {"price": float("nan") if record["price"] is None else record["price"]} for record in RECORDS]
    assert "NaN" in json.dumps(records)
    assert ask(orders, "/invocations", {"dataframe_records": records}).json() == {"predictions": expected}
    assert post(orders, "/predict", records).status_code == 400, "JSON has no NaN"


def test_one_row_of_invocations_is_given_as_values(orders: httpx.Client, expected: Any) -> None:
    for path in ("/invocations", "/v1/models/orders:predict"):
        assert ask(orders, path, {"inputs": RECORDS[0]}).json() == {"predictions": expected[:1]}


def test_the_version_is_that_of_mlflow_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's helpers compare it with their own."""
    from workbench.patterns.serving.looking import site

    info = tmp_path / "mlflow-9.8.7.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mlflow\nVersion: 9.8.7\n")
    assert site._version("mlflow-of-nobody") == ""
    monkeypatch.syspath_prepend(str(tmp_path))
    assert site._version("mlflow") == "9.8.7"


def test_v1_tells_which_models_there_are_and_whether_they_are_ready(api: Workbench, orders: httpx.Client) -> None:
    assert orders.get("/v1/models").json() == {"models": ["orders"]}
    own = str(orders.base_url).rstrip("/")
    assert httpx.get(f"{own}/v1/models/orders").json() == {"name": "orders", "ready": True}, "without a token"
    assert httpx.get(f"{own}/v1/models").status_code == 401
    for method, path in (
        ("GET", "/v1/models/other"),
        ("POST", "/v1/models/other:predict"),
        ("POST", "/v1/models/o%2Fr:predict"),
    ):
        answer = orders.request(method, path, content=b"{}")
        assert answer.status_code == 404, path
        assert answer.json()["fix"].endswith("/v1/models/orders:predict")
    assert orders.get("/v1/models/orders:predict").headers["allow"] == "POST"


def test_v1_takes_a_name_in_percent_signs(orders: httpx.Client, expected: Any) -> None:
    answer = ask(orders, "/v1/models/%6Frders%3Apredict", {"instances": RECORDS})
    assert answer.json() == {"predictions": expected}


@pytest.mark.parametrize("said", [{}, [], 5, {"instance": []}, {"instances": 5}, {"instances": [5]}])
def test_v1_that_is_wrong(said: Any, orders: httpx.Client) -> None:
    answer = post(orders, "/v1/models/orders:predict", said)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 10


def told_by_sdk(answer: httpx.Response) -> Any:
    """The event in an answer, as the SDK of CloudEvents reads it."""
    assert answer.status_code == 200, answer.text
    return from_http_event(HTTPMessage(headers=dict(answer.headers), body=answer.content))


@pytest.mark.parametrize("path", ["/", "/predict", "/v1/models/orders:predict"])
@pytest.mark.parametrize("pack", [to_binary_event, to_structured_event])
def test_the_sdk_of_cloudevents_is_answered(path: str, pack: Any, orders: httpx.Client, expected: Any) -> None:
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/orders/früh",
        "type": "order.placed",
        "subject": 'order "7" of 100 %',
        "time": datetime.fromisoformat("2026-11-26T09:00:00+00:00"),
        "datacontenttype": "application/json",
    }
    sent = pack(CloudEvent(attributes, {"instances": RECORDS}))
    answers = [orders.post(path, content=sent.body, headers=sent.headers) for _ in range(2)]
    event, again = map(told_by_sdk, answers)
    assert event.get_data() == {"predictions": expected}
    assert event.get_subject() == 'order "7" of 100 %'
    assert event.get_type() == "io.kserve.inference.response"
    assert event.get_source() == "io.kserve.inference.orders"
    assert event.get_extension("causationid") == attributes["id"]
    assert event.get_id() == again.get_id() != attributes["id"], "delivered twice, it is answered under one id"
    assert event.get_time().tzinfo is not None


def test_events_carry_csv(orders: httpx.Client, expected: Any) -> None:
    cities = [row["city"] for row in expected]
    answer = ask(orders, "/", delimited(RECORDS), "text/csv", **EVENT)
    assert (answer.headers["content-type"], answer.headers["ce-specversion"]) == (CSV, "1.0")
    assert [row["city"] for row in undelimited(answer.content)] == cities
    event = ask(
        orders, "/", STRUCTURED | {"datacontenttype": "text/csv", "data": delimited(RECORDS).decode()}, EVENTS
    ).json()
    assert event["datacontenttype"] == CSV
    assert [row["city"] for row in undelimited(event["data"].encode())] == cities
    liked = ask(orders, "/", STRUCTURED | {"data": RECORDS}, EVENTS, accept=ARROW).json()
    assert (liked["datacontenttype"], "data" in liked) == (ARROW, False)


def test_an_event_without_a_time_or_with_quotes_is_one(orders: httpx.Client, expected: Any) -> None:
    answer = ask(orders, "/", RECORDS, **EVENT, **{"ce-subject": '"a \\"b\\""'})
    assert answer.headers["ce-subject"] == "a%20%22b%22"
    assert ask(orders, "/", STRUCTURED | {"data": tensors(ORDERS)}, EVENTS).json()["data"]["model_name"] == "orders"


EVENTS_REFUSED: dict[str, tuple[dict[str, str], Any, int]] = {
    "without an id": ({name: value for name, value in EVENT.items() if name != "ce-id"}, RECORDS, 400),
    "of another version": (EVENT | {"ce-specversion": "0.3"}, RECORDS, 400),
    "of bytes that are no text": (EVENT | {"ce-subject": "%C0%A0"}, RECORDS, 400),
    "of another format": (EVENT | {"content-type": "application/xml"}, [], 415),
    "in structure, of no object": ({"content-type": EVENTS}, [STRUCTURED], 400),
    "in structure, without a source": (
        {"content-type": EVENTS},
        {"specversion": "1.0", "id": "7", "type": "t", "data": RECORDS},
        400,
    ),
    "in structure, of a numbered id": ({"content-type": EVENTS}, STRUCTURED | {"id": 7, "data": RECORDS}, 400),
    "in structure, without data": ({"content-type": EVENTS}, STRUCTURED, 400),
    "in structure, of no base64": ({"content-type": EVENTS}, STRUCTURED | {"data_base64": "ü"}, 400),
    "in structure, of numbered base64": ({"content-type": EVENTS}, STRUCTURED | {"data_base64": 5}, 400),
    "in structure, of a type that is none": ({"content-type": EVENTS}, STRUCTURED | {"datacontenttype": 5}, 400),
    "in a batch": ({"content-type": "application/cloudevents-batch+json"}, [STRUCTURED], 415),
    "in avro": ({"content-type": "application/cloudevents+avro"}, {}, 415),
}


@pytest.mark.parametrize("case", EVENTS_REFUSED)
def test_an_event_that_is_none_is_refused_for_good(case: str, orders: httpx.Client) -> None:
    """Knative delivers again after 404, 409, 429 and 5xx, and not after another 4xx."""
    headers, said, status = EVENTS_REFUSED[case]
    answer = orders.post(
        "/", content=json.dumps(said).encode(), headers={"content-type": "application/json", **headers}
    )
    assert answer.status_code == status, answer.text
    assert len(answer.json()["fix"]) > 10
    assert "ce-id" not in answer.headers, "a refusal is no event"


def test_arrow_of_every_kind_of_text_is_read(orders: httpx.Client, expected: Any) -> None:
    table = pa.Table.from_pandas(ORDERS, preserve_index=False)
    at = table.column_names.index("city")
    for city in (
        table["city"].cast(pa.string()),
        table["city"].cast(pa.string_view()),
        table["city"].cast(pa.string()).dictionary_encode(),
    ):
        content = stream(table.set_column(at, "city", city))
        assert unstreamed(ask(orders, "/predict", content, ARROW).content)["city"].to_pylist() == [
            row["city"] for row in expected
        ]
