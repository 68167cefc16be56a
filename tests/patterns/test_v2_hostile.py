"""Whatever is sent as a request of the Open Inference Protocol is answered, or refused with what is wrong: never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from endpoint_parts import Asking
from hypothesis import given, settings
from hypothesis import strategies as st
from v2_parts import LENGTH

FRAME = pd.DataFrame({"a": [1.5, 2.0], "n": [1, 2], "text": ["x", "y"]})
MOST = 100_000


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(lambda df: df, FRAME, tmp_path_factory.mktemp("frame"), max_body=MOST)
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(
        lambda x: x.sum(axis=1), np.ones((2, 3), "float32"), tmp_path_factory.mktemp("array"), max_body=MOST
    )
    yield asking
    asking.close()


scalar = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4)
anything = st.recursive(
    scalar,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=4), part, max_size=3),
    max_leaves=8,
)
name = st.sampled_from(["a", "n", "text", "x", "n\x00", ""]) | anything
kind = (
    st.sampled_from(["FP64", "FP32", "FP16", "BF16", "INT64", "UINT64", "INT8", "BOOL", "BYTES", "INT65", "O8"])
    | anything
)
length = st.sampled_from([0, 1, 2, 3, -1, 2**31, 2**62, True]) | anything
shape = st.lists(length, max_size=4) | st.sampled_from([[1], [2], [1, 3], [2, 1], [1] * 64, [2**31] * 8]) | anything
parameters = anything | st.fixed_dictionaries(
    {},
    optional={
        "binary_data_size": st.sampled_from([0, 1, 8, 24, -1, 2**63, 8.0, "8", None]) | anything,
        "content_type": st.sampled_from(["pd", "np", "str", "base64", "datetime"]) | anything,
        "binary_data": st.booleans() | anything,
        "binary_data_output": st.booleans() | anything,
        "shared_memory_region": anything,
    },
)
described = st.fixed_dictionaries(
    {}, optional={"name": name, "datatype": kind, "shape": shape, "data": anything, "parameters": parameters}
)
requests = anything | st.fixed_dictionaries(
    {},
    optional={
        "id": anything,
        "inputs": st.lists(described, min_size=1, max_size=3) | anything,
        "outputs": st.lists(st.fixed_dictionaries({"name": name}, optional={"parameters": parameters}), max_size=2)
        | anything,
        "parameters": parameters,
    },
)


def check(asking: Asking, content: bytes, headers: dict[str, str]) -> None:
    answered = asking.post("/v2/models/m/infer", content, headers)
    assert answered.status in (200, 400, 413, 415), answered.content
    if answered.status != 200:
        said = answered.json()
        assert said["error"]
        assert said["fix"]


@settings(max_examples=500, deadline=None)
@given(requests, st.binary(max_size=30), st.sampled_from([None, "0", "right", "-1", "99999999999", "1e3", "x"]))
def test_requests_of_any_shape(frame: Asking, array: Asking, said: Any, raw: bytes, header: str | None) -> None:
    head = json.dumps(said).encode()
    headers = {} if header is None else {LENGTH: str(len(head)) if header == "right" else header}
    for asking in (frame, array):
        check(asking, head + raw if header else head, headers)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60), st.sampled_from([None, "0", "3", "60"]), st.sampled_from([None, "gzip", "deflate", "br"])
)
def test_bytes_of_any_kind(
    frame: Asking, array: Asking, content: bytes, header: str | None, encoding: str | None
) -> None:
    headers = {**({LENGTH: header} if header else {}), **({"content-encoding": encoding} if encoding else {})}
    for asking in (frame, array):
        check(asking, content, headers)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_right_request_with_one_thing_wrong(frame: Asking, data: st.DataObject) -> None:
    inputs: list[dict[str, Any]] = [
        {"name": "a", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}},
        {"name": "n", "datatype": "INT64", "shape": [1], "data": [1]},
        {"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 5}},
    ]
    raw = bytearray(bytes(8) + b"\x01\x00\x00\x00x")
    if data.draw(st.booleans()):
        changed = data.draw(st.sampled_from(inputs))
        changed[data.draw(st.sampled_from(list(changed)))] = data.draw(anything | shape | parameters)
    else:
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    head = json.dumps({"inputs": inputs}).encode()
    check(frame, head + bytes(raw), {LENGTH: str(len(head))})


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"inputs":[{"data":'])
def test_nesting_without_end(frame: Asking, opening: bytes) -> None:
    for times in (500, 5000):
        check(frame, opening * times, {})
        check(frame, opening * times, {LENGTH: str(len(opening * times))})
    deep = b"[" * 900 + b"1" + b"]" * 900
    for kind in (b"FP64", b"BYTES"):
        check(frame, b'{"inputs":[{"name":"a","datatype":"%b","shape":[1],"data":%b}]}' % (kind, deep), {})
        check(frame, b'{"inputs":[{"name":"a","datatype":"%b","shape":%b,"data":[1]}]}' % (kind, deep), {})
    check(frame, b'{"inputs":[{"name":%b,"datatype":"FP64","shape":[1],"data":[1]}],"id":%b}' % (deep, deep), {})
