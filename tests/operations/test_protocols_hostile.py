"""Bodies that mean harm, over a socket: each is answered at once with less than 500, and the worker stays small."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol_parts import ARROW, ARROW_FILE, EVENT, ORDERS, WAYS, calm, columns_of, delimited, plain, split, stream
from serving_parts import client

from workbench.api import Workbench

RECORDS = plain(ORDERS)
EVENTS = "application/cloudevents+json"
LINES = "application/x-ndjson"
MANY = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
MUCH = 400 << 20
"""How much larger a worker may become, at 16 MB a body."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("calm", calm, example=ORDERS)
    workbench.model("numbers", calm, example=np.ones((4, 3)))
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def service(api: Workbench) -> Any:
    return api.serve("calm")


@pytest.fixture(scope="module")
def ask(service: Any) -> Iterator[httpx.Client]:
    with client(service) as asking:
        yield asking


@pytest.fixture(scope="module")
def numbers(api: Workbench) -> Iterator[httpx.Client]:
    with client(api.serve("numbers")) as asking:
        yield asking


def stands(asking: httpx.Client, path: str, content: bytes, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    answer = asking.post(path, content=content, headers=raw)
    assert answer.status_code < 500, (path, headers, content[:300], answer.text)


PATHS = st.sampled_from(["/", "/predict", "/invocations", "/v1/models/calm:predict", "/v2/models/calm/infer"])
TYPES = st.sampled_from(
    [
        "application/json",
        "text/csv",
        "text/tab-separated-values",
        LINES,
        ARROW,
        ARROW_FILE,
        EVENTS,
        "text/csv; charset=utf-16",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ORDERS, "x", ""]), inner, max_size=4),
    max_leaves=12,
)


@MANY
@given(path=PATHS, type=TYPES, content=st.binary(max_size=300))
def test_any_bytes(ask: httpx.Client, path: str, type: str, content: bytes) -> None:
    stands(ask, path, content, {"content-type": type})


VALID = {
    ARROW: stream(pa.Table.from_pandas(ORDERS, preserve_index=False)),
    ARROW_FILE: stream(pa.Table.from_pandas(ORDERS, preserve_index=False), pa.ipc.new_file, compression="lz4"),
    "text/csv": delimited(RECORDS),
    LINES: b"\n".join(json.dumps(record).encode() for record in RECORDS),
    "application/json": json.dumps(RECORDS).encode(),
    EVENTS: json.dumps({"specversion": "1.0", "id": "7", "source": "/", "type": "t", "data": RECORDS}).encode(),
}


@MANY
@given(
    type=st.sampled_from(list(VALID)),
    changes=st.lists(st.tuples(st.integers(0, 1 << 14), st.binary(min_size=1, max_size=6)), max_size=3),
    end=st.integers(0, 200) | st.just(0),
)
def test_valid_bodies_that_are_damaged(
    ask: httpx.Client, type: str, changes: list[tuple[int, bytes]], end: int
) -> None:
    content = VALID[type]
    for at, put in changes:
        at %= len(content)
        content = content[:at] + put + content[at + len(put) :]
    stands(ask, "/predict", content[: len(content) - end], {"content-type": type})


FORMS = {
    "/invocations": ["dataframe_split", "dataframe_records", "instances", "inputs", "params"],
    "/v1/models/{}:predict": ["instances", "inputs"],
    "/predict": [*ORDERS, "instances", "inputs"],
}


@MANY
@given(
    path=st.sampled_from(list(FORMS)),
    data=st.data(),
    table=st.fixed_dictionaries({}, optional={"columns": JSON, "data": JSON, "index": JSON}),
)
def test_any_json_where_rows_should_be(
    ask: httpx.Client, numbers: httpx.Client, path: str, data: Any, table: Any
) -> None:
    said = data.draw(st.dictionaries(st.sampled_from(FORMS[path]), JSON | st.just(table), max_size=2))
    content = json.dumps(said).encode()
    stands(ask, path.format("calm"), content, {"content-type": "application/json"})
    stands(numbers, path.format("numbers"), content, {"content-type": "application/json"})


ATTRIBUTES = st.sampled_from(
    ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "data_base64"]
)


@MANY
@given(
    said=st.dictionaries(
        ATTRIBUTES, JSON | st.sampled_from(["1.0", "text/csv", ARROW, "application/json"]), max_size=9
    ),
    whole=st.booleans(),
)
def test_any_event_in_structure(ask: httpx.Client, said: dict[str, Any], whole: bool) -> None:
    event = {"specversion": "1.0", "id": "7", "source": "/", "type": "t"} | said if whole else said
    stands(ask, "/", json.dumps(event).encode(), {"content-type": EVENTS})


@MANY
@given(
    headers=st.dictionaries(
        st.sampled_from([*EVENT, "ce-subject", "ce-time", "content-type", "accept", "content-encoding"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=20),
    ),
    path=PATHS,
)
def test_any_headers(ask: httpx.Client, headers: dict[str, str], path: str) -> None:
    stands(ask, path, VALID["application/json"], EVENT | headers)


def compressed(table: pa.Table, batches: int = 1) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for _ in range(batches):
            writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def claiming(rows: int) -> bytes:
    content = stream(pa.table({"units": pa.nulls(77_777)}))
    return content.replace((77_777).to_bytes(8, "little"), rows.to_bytes(8, "little"))


def repeating() -> bytes:
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000, np.int8)), pa.array(["x" * 4_000_000]))
    return stream(pa.table({"city": texts}))


WIDE = 300_000
BOMBS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "arrow of billions of rows": (ARROW, lambda: claiming(2**40), {}),
    "arrow of many zeros": (ARROW, lambda: compressed(pa.table({"units": np.zeros(1 << 22)}), 60), {}),
    "arrow of one text ten thousand times": (ARROW, repeating, {}),
    "csv of very many columns": (
        "text/csv",
        lambda: b",".join(b"c%d" % i for i in range(WIDE)) + b"\n" + b"1," * WIDE,
        {},
    ),
    "csv of very many empty names": ("text/csv", lambda: b"," * WIDE + b"\n" + b"," * WIDE, {}),
    "csv of a header of 15 MB": ("text/csv", lambda: b"a" * 15_000_000, {}),
    "csv of many values below few names": ("text/csv", lambda: b"units,city\n" + b"," * 15_000_000, {}),
    "csv of one column and millions of rows": ("text/csv", lambda: b"units\n" + b"1\n" * 5_000_000, {}),
    "csv of an open quote": ("text/csv", lambda: b'units,city\n1,"' + b"x\n" * 7_000_000, {}),
    "tsv of very many columns": ("text/tab-separated-values", lambda: b"\t".join(b"c%d" % i for i in range(WIDE)), {}),
    "lines of one record of very many fields": (
        LINES,
        lambda: json.dumps({f"c{i}": 1 for i in range(WIDE)}).encode(),
        {},
    ),
    "json of very many fields": (
        "application/json",
        lambda: json.dumps({f"c{i}": 1 for i in range(WIDE)}).encode(),
        {},
    ),
    "json of very many columns": (
        "application/json",
        lambda: json.dumps({f"c{i}": [1] for i in range(WIDE)}).encode(),
        {},
    ),
    "lines of millions of lists": (LINES, lambda: b"[]\n" * 5_000_000, {}),
    "zeros in gzip": ("text/csv", lambda: gzip.compress(bytes(1 << 28), 1), {"content-encoding": "gzip"}),
    "zeros in deflate": ("application/json", lambda: zlib.compress(b"[" * (1 << 28)), {"content-encoding": "deflate"}),
    "json of a thousand levels": ("application/json", lambda: b'[{"units":' + b"[" * 1000 + b"]" * 1000 + b"}]", {}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_far_more_than_it_seems(bomb: str, ask: httpx.Client, service: Any) -> None:
    type, made, headers = BOMBS[bomb]
    worker = psutil.Process(service.refresh().facts["workers"][0])
    content, before = made(), worker.memory_info().rss
    began = time.monotonic()
    stands(ask, "/predict", content, {"content-type": type, **headers})
    assert time.monotonic() - began < 20
    assert worker.memory_info().rss - before < MUCH
    assert worker.is_running()
    assert ask.post("/predict", json=RECORDS).status_code == 200


def test_a_split_of_very_many_columns(ask: httpx.Client) -> None:
    for names in (list(range(WIDE)), ["a"] * WIDE):
        content = json.dumps({"dataframe_split": {"columns": names, "data": [[1] * WIDE]}}).encode()
        began = time.monotonic()
        stands(ask, "/invocations", content, {"content-type": "application/json"})
        assert time.monotonic() - began < 20


def test_it_still_answers(ask: httpx.Client) -> None:
    for way in ("list", "csv, answered in json", "arrow", "event"):
        assert [row["prediction"] for row in WAYS[way](ask, "calm", ORDERS)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert ask.post("/invocations", json={"dataframe_split": split(ORDERS)}).json() == {
        "predictions": [0.0, 1, 2, 3, 4, 5]
    }
    assert ask.post("/predict", json=columns_of(RECORDS)).json()["prediction"][:2] == [0.0, 1.0]
