"""Requests of the Open Inference Protocol that are not what they say: each is told what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from endpoint_parts import Asking
from v2_parts import FRAME, INFER, LENGTH, binary, inputs, refused, tensor


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(lambda df: df, FRAME, tmp_path_factory.mktemp("frame"))
    yield asking
    asking.close()


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"parameters": {"content_type": "image"}}, "'image' of the request is not known"),
        ({"parameters": {"content_type": ["pd"]}}, "is not known"),
        ({"parameters": 5}, "parameters is no object"),
        ({"id": ["a"]}, "is no text"),
        ({"outputs": [{"name": "n", "parameters": {"classification": 2}}]}, "classification is not known"),
        ({"outputs": [{"name": "n", "parameters": []}]}, "parameters is no object"),
        ({"inputs": [tensor("n", "INT64", [1], [1], content_type="pd")]}, "'pd' is not known"),
        ({"inputs": [tensor("n", "INT64", [1], [1], content_type="str")]}, "INT64 cannot be of content_type str"),
        ({"inputs": [tensor("n", "INT64", [1], [1], content_type={})]}, "is not known"),
        ({"inputs": [tensor("raw", "BYTES", [1], ["no base64"], content_type="base64")]}, "value 0 is no base64"),
        ({"inputs": [tensor("raw", "BYTES", [1], [5], content_type="base64")]}, "value 0 is no base64"),
        ({"inputs": [tensor("n", "INT64", [1], [[1]])]}, "nested deeper"),
        ({"inputs": [tensor("n", "INT64", [2, 2], [[1], [1, 2, 3]])]}, "not all of length 2"),
        ({"inputs": [tensor("n", "INT64", [2, 0], [])]}, "0 in its shape"),
        ({"inputs": [tensor("n", "INT64", [2**31 - 1, 0], [])]}, "0 in its shape"),
        ({"inputs": [tensor("n", "INT64", [2**31] * 32, [1])]}, "has 1 values"),
        ({"inputs": [tensor("n", "INT64", [1] * 33, [1])]}, "no shape"),
        ({"inputs": [{"name": "n", "shape": [1], "datatype": "INT64"}]}, "has no data"),
        ({"inputs": [tensor("n", "INT64", [1], [1], binary_data_size=8)]}, "has data and binary_data_size"),
        (
            {"inputs": [{"name": "n", "shape": [1], "datatype": "INT64", "parameters": {"binary_data_size": 8}}]},
            "without",
        ),
    ],
)
def test_what_cannot_be_is_refused(frame: Asking, said: dict[str, Any], what: str) -> None:
    refused(frame.post(INFER, {"inputs": inputs()} | said), what)


@pytest.mark.parametrize(
    ("size", "length", "what"),
    [
        (7, None, "has 7 bytes; INT64 of shape [1] has 8"),
        (-1, None, "-1 is no number of bytes"),
        (True, None, "True is no number of bytes"),
        (2**70, None, "8 bytes are left"),
        (8.0, None, "8.0 is no number of bytes"),
        (9, None, "8 bytes are left"),
        (8, "100000", "the body has"),
        (8, "-5", "'-5'"),
        (8, "9" * 5000, "the body has"),
        (8, "", "''"),
        (8, "²", "the body has"),
        (8, "10", "not JSON"),
    ],
)
def test_sizes_that_lie_are_refused(frame: Asking, size: Any, length: str | None, what: str) -> None:
    described = {"name": "n", "shape": [1], "datatype": "INT64", "parameters": {"binary_data_size": size}}
    head = orjson.dumps({"inputs": [described]}) if size != 2**70 else b""
    head = head or b'{"inputs":[{"name":"n","shape":[1],"datatype":"INT64","parameters":{"binary_data_size":%d}}]}' % (
        2**63
    )
    refused(frame.post(INFER, head + bytes(8), {LENGTH: str(len(head)) if length is None else length}), what)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_told_what_would_be(frame: Asking, content: bytes) -> None:
    assert '"datatype": "FP64"' in frame.post(INFER, content).json()["fix"]
    assert '"instances"' in frame.post("/v1/models/m:predict", content).json()["fix"]
    assert '"dataframe_records"' in frame.post("/invocations", content).json()["message"]


def test_bytes_that_belong_to_nothing_are_refused(frame: Asking) -> None:
    content, headers = binary([("n", "INT64", [1], np.array([1]))])
    refused(frame.post(INFER, content + b"more", headers), "4 bytes of the body belong to no input")
    content, headers = binary([("text", "BYTES", [2], b"\x01\x00\x00\x00a\xff\xff\xff\xff")])
    refused(frame.post(INFER, content, headers), "fewer are left")
    content, headers = binary([("text", "BYTES", [1], b"\x01\x00\x00\x00\xff")])
    refused(frame.post(INFER, content, headers), "value 0 is no UTF-8")
