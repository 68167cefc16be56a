"""Every protocol of a service, asked over its socket, answers what `api.predict` answers."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import numpy as np
import pandas as pd
import pytest
from customer_models import CUSTOMERS, array_model, frame_model
from prometheus_client.parser import text_string_to_metric_families
from serving_parts import client, headers

from workbench.api import Workbench

RECORDS: list[dict[str, Any]] = json.loads(CUSTOMERS.to_json(orient="records", date_format="iso", double_precision=15))
COLUMNS = {name: [record[name] for record in RECORDS] for name in CUSTOMERS}
ROWS = [list(record.values()) for record in RECORDS]
V2_TYPES = {"age": "INT64", "amount": "FP64", "city": "BYTES", "day": "BYTES", "vip": "BOOL"}
TRITON_PARTS = ("queue", "compute_input", "compute_infer", "compute_output")
NUMBERS = np.array([[0.1, 1.5, 2.25], [1e-7, 0.3, 0.0], [4.0, 5.5, -0.2]])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", frame_model, example=CUSTOMERS)
    workbench.model("sums", array_model, example=NUMBERS)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def service(api: Workbench) -> Any:
    return api.serve("churn")


@pytest.fixture(scope="module")
def arrays(api: Workbench) -> Any:
    return api.serve("sums", no_token=True)


@pytest.fixture(scope="module")
def ask(service: Any) -> Iterator[httpx.Client]:
    with client(service) as asking:
        yield asking


@pytest.fixture(scope="module")
def expected(api: Workbench) -> list[dict[str, Any]]:
    answered = api.predict("churn", CUSTOMERS)[["score", "label", "months"]]
    return [dict(zip(answered, row, strict=True)) for row in answered.itertuples(index=False)]


def post(ask: httpx.Client, path: str, said: Any, status: int = 200) -> Any:
    answer = ask.post(path, json=said)
    assert answer.status_code == status, answer.text
    assert answer.headers["x-workbench-model"] in ("churn", "sums")
    assert answer.headers["x-workbench-version"] == "1"
    return answer.json()


def test_its_first_worker_comes_up(api: Workbench, service: Any) -> None:
    assert not list(api.logs(service.name))


def test_plain_json_answers_in_the_shape_of_the_request(ask: httpx.Client, expected: Any) -> None:
    assert [post(ask, "/predict", record) for record in RECORDS] == expected
    assert post(ask, "/predict", RECORDS) == expected
    assert pd.DataFrame(post(ask, "/predict", COLUMNS)).to_dict(orient="records") == expected
    assert post(ask, "/", RECORDS[:1]) == expected[:1]


def test_other_columns_and_their_order_are_free(ask: httpx.Client, expected: Any) -> None:
    turned = [dict(reversed(record.items())) | {"more": 1} for record in RECORDS]
    assert post(ask, "/predict", turned) == expected


def test_what_is_compressed_or_waits_for_leave_to_send_is_read(ask: httpx.Client, service: Any, expected: Any) -> None:
    import gzip
    import socket

    body = json.dumps(RECORDS).encode()
    packed = ask.post("/predict", content=gzip.compress(body), headers={"content-encoding": "gzip"})
    assert packed.json() == expected
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n"
    head += f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.facts["port"]), timeout=30) as raw:
        raw.sendall(head.encode())
        assert raw.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(body)
        assert json.loads(raw.makefile("rb").read().partition(b"\r\n\r\n")[2]) == expected


def test_v2_answers_tensors(ask: httpx.Client, expected: Any) -> None:
    inputs = [
        {"name": name, "shape": [len(RECORDS)], "datatype": kind, "data": COLUMNS[name]}
        for name, kind in V2_TYPES.items()
    ]
    answer = post(ask, "/v2/models/churn/infer", {"id": "mine", "inputs": inputs})
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("churn", "1", "mine")
    assert {tensor["name"]: tensor["datatype"] for tensor in answer["outputs"]}.keys() == expected[0].keys()
    assert all(tensor["shape"] == [len(RECORDS)] for tensor in answer["outputs"])
    table = pd.DataFrame({tensor["name"]: tensor["data"] for tensor in answer["outputs"]})
    assert table.to_dict(orient="records") == expected
    some = post(ask, "/v2/models/churn/versions/1/infer", {"inputs": inputs, "outputs": [{"name": "label"}]})
    assert [tensor["data"] for tensor in some["outputs"]] == [[row["label"] for row in expected]]
    assert len(some["id"]) > 10


def test_v2_tells_of_itself(ask: httpx.Client) -> None:
    told = ask.get("/v2/models/churn").json()
    assert told == ask.get("/v2/models/churn/versions/1").json()
    assert told["versions"] == ["1"]
    assert {tensor["name"]: tensor["datatype"] for tensor in told["inputs"]} == V2_TYPES
    assert [tensor["name"] for tensor in told["outputs"]] == ["score", "label", "months"]
    assert ask.get("/v2").json()["name"] == "workbench"


def test_health_is_told_to_those_without_a_token(service: Any) -> None:
    for path in ("/health", "/ping", "/v2/health/live", "/v2/health/ready", "/v2/models/churn/ready"):
        answer = httpx.get(f"{service.url}{path}")
        assert (answer.status_code, answer.headers["x-workbench-version"]) == (200, "1"), path


@pytest.mark.parametrize(
    "said",
    [
        {"dataframe_split": {"columns": list(CUSTOMERS), "data": ROWS}},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"instances": ROWS},
        {"inputs": COLUMNS},
        {"inputs": RECORDS},
    ],
    ids=lambda said: next(iter(said)),
)
def test_mlflow_answers_predictions(ask: httpx.Client, said: dict[str, Any], expected: Any) -> None:
    assert post(ask, "/invocations", said) == {"predictions": expected}


def test_an_array_model_is_asked_with_rows_of_numbers(api: Workbench, arrays: Any) -> None:
    expected = api.predict("sums", NUMBERS)["prediction"].tolist()
    rows = NUMBERS.tolist()
    with httpx.Client(base_url=arrays.url) as ask:
        assert [row["prediction"] for row in post(ask, "/predict", rows)] == expected
        assert post(ask, "/invocations", {"instances": rows}) == {"predictions": expected}
        assert post(ask, "/invocations", {"inputs": rows}) == {"predictions": expected}
        columns = {name: NUMBERS[:, i].tolist() for i, name in enumerate("abc")}
        assert post(ask, "/predict", columns) == {"prediction": expected}
        assert post(ask, "/invocations", {"inputs": columns}) == {"predictions": expected}
        told = ask.get("/openapi.json").json()
        assert "security" not in told
        taken = told["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
        schema = taken["schema"] | {"components": told["components"]}
        jsonschema.validate(rows, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([[1.0, 2.0]], schema)
        assert "Bearer" not in ask.get("/").text
        for data in (rows, NUMBERS.ravel().tolist()):
            tensor = {"name": "x", "shape": [3, 3], "datatype": "FP64", "data": data}
            assert post(ask, "/v2/models/sums/infer", {"inputs": [tensor]})["outputs"][0]["data"] == expected


def test_metrics_count_what_was_asked(ask: httpx.Client, service: Any) -> None:
    def figures() -> dict[str, float]:
        families = text_string_to_metric_families(ask.get("/metrics").text)
        found = [sample for family in families for sample in family.samples]
        assert all(sample.labels["model"] == "churn" and sample.labels["version"] == "1" for sample in found)
        return {sample.name: sample.value for sample in found if sample.labels.get("le", "+Inf") == "+Inf"}

    before = figures()
    post(ask, "/predict", RECORDS)
    post(ask, "/predict", {}, status=400)
    assert "1 refused" in str(service.refresh())
    after = figures()
    more = {name: after[name] - before[name] for name in after}
    assert more["model_infer_request_success_total"] == more["model_infer_request_failure_total"] == 1
    assert more["nv_inference_count"] == more["workbench_call_rows_sum"] == len(RECORDS)
    assert more["nv_inference_exec_count"] == more["workbench_call_rows_count"] == 1
    assert more["model_infer_request_duration_count"] == more["model_infer_request_duration_bucket"] == 1
    assert more["nv_inference_request_duration_us"] == pytest.approx(
        sum(more[f"nv_inference_{part}_duration_us"] for part in TRITON_PARTS), abs=4
    )
    assert all(more[f"nv_inference_{part}_duration_us"] > 0 for part in TRITON_PARTS)
    assert after["rest_server_requests_in_progress"] == after["nv_inference_pending_request_count"] == 0


def test_openapi_describes_the_fields_and_its_example_is_answered(ask: httpx.Client, expected: Any) -> None:
    told = ask.get("/openapi.json").json()
    body = told["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    row, schema = told["components"]["schemas"]["Record"], body["schema"] | {"components": told["components"]}
    for shape in (RECORDS[0], RECORDS, COLUMNS):
        jsonschema.validate(shape, schema)
    for wrong in ({**RECORDS[0], "age": "old"}, [RECORDS], {"age": 5}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    assert "/v2/models/churn/infer" in told["paths"]
    assert told["security"] == [{"token": []}]
    assert list(row["properties"]) == row["required"] == list(CUSTOMERS)
    assert row["properties"]["age"] == {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
    assert row["properties"]["amount"] == {"type": ["number", "null"]}
    assert "ISO 8601" in row["properties"]["day"]["description"], "JSON Schema's date-time needs an offset"
    assert post(ask, "/predict", body["examples"]["record"]["value"]) == expected[0]
    assert (told["info"]["title"], told["info"]["version"]) == ("churn", "1")


def test_the_page_is_html_with_a_call_that_can_be_copied(ask: httpx.Client) -> None:
    page = ask.get("/")
    own = str(ask.base_url).rstrip("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>churn@1</h1>" in page.text
    assert "://" not in page.text.replace(own, ""), "it loads nothing from elsewhere"
    assert all(f"<code>{name}</code>" in page.text for name in CUSTOMERS)
    head = ask.head("/")
    assert (head.status_code, head.content) == (200, b"")


def test_a_link_with_the_token_is_for_looking_only(service: Any) -> None:
    query = {"token": str(service.token)}
    assert httpx.get(f"{service.url}/", params=query).status_code == 200
    assert httpx.post(f"{service.url}/predict", params=query, json=RECORDS).status_code == 401


def test_who_came_by_a_link_with_the_token_can_go_on_looking(service: Any) -> None:
    with httpx.Client(base_url=service.url) as browser:
        came = browser.get("/", params={"token": str(service.token)})
        assert all(word in came.headers["set-cookie"] for word in ("HttpOnly", "SameSite=Strict"))
        assert browser.get("/openapi.json").status_code == browser.get("/metrics").status_code == 200
        assert browser.post("/predict", json=RECORDS).status_code == 401, "no page of another site can ask"
        assert "set-cookie" not in browser.get("/").headers
        name = next(iter(browser.cookies.keys()))
    assert httpx.get(service.url, cookies={name: "another"}).status_code == 401


def test_the_word_bearer_is_written_as_one_likes(service: Any) -> None:
    for word in ("bearer", "BEARER"):
        send = {"authorization": f"{word} {service.token}"}
        assert httpx.post(f"{service.url}/predict", json=RECORDS[0], headers=send).status_code == 200


def asked_line(line: str) -> tuple[str, Any]:
    """Where and with what a line asks that a person copies into a shell."""
    words = shlex.split(line)
    return words[1], json.loads(words[words.index("-d") + 1])


@pytest.mark.parametrize("place", ["card", "page"])
def test_the_line_that_asks_it_can_be_copied(service: Any, ask: httpx.Client, place: str) -> None:
    found = re.search(r"curl [^\n<]*", html.unescape(ask.get("/").text) if place == "page" else str(service))
    assert found
    url, row = asked_line(found.group())
    assert url == f"{service.url}/predict"
    assert None not in row.values(), "it shows what values look like"
    assert ask.post(url, json=row).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/version", "/openapi.json", "/metrics", "/v2", "/v2/models/churn"])
def test_each_answer_says_which_version_gave_it(service: Any, path: str) -> None:
    answer = httpx.get(f"{service.url}{path}", headers=headers(service))
    assert answer.status_code == 200
    assert (answer.headers["x-workbench-model"], answer.headers["x-workbench-version"]) == ("churn", "1")


def test_the_card_and_the_page_show_where_it_is_and_hide_the_token(service: Any, ask: httpx.Client) -> None:
    assert service.url in str(service)
    assert str(service.token) not in str(service) + repr(service.token) + ask.get("/").text
