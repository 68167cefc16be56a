"""Replies and requests that are compressed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import numpy as np
import orjson
import pytest
from endpoint_parts import Asking
from v2_parts import INFER, binary, outputs, tensor


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(lambda x: {"sum": x.sum(axis=1)}, np.ones((2, 3)), tmp_path_factory.mktemp("array"))
    yield asking
    asking.close()


def test_replies_are_compressed_where_it_pays(array: Asking) -> None:
    many = {"inputs": [tensor("x", "FP64", [3000, 3], [0.25] * 9000)]}
    plain = array.post(INFER, {"id": "1", **many})
    assert "content-encoding" not in plain.headers
    for said, encoding in {
        "gzip": "gzip",
        "br, deflate": "deflate",
        "gzip;q=0.1, deflate": "deflate",
        "*": "gzip",
    }.items():
        answered = array.post(INFER, {"id": "1", **many}, {"accept-encoding": said})
        assert (answered.headers["content-encoding"], answered.headers["vary"]) == (encoding, "accept-encoding")
        unpacked = gzip.decompress(answered.content) if encoding == "gzip" else zlib.decompress(answered.content)
        assert unpacked == plain.content
    for said in ("", "br", "identity", "gzip;q=0, *;q=0", "gzip;q=0.5, identity", "gzip;q=much"):
        assert array.post(INFER, {"id": "1", **many}, {"accept-encoding": said}).content == plain.content
    few = array.post(INFER, {"inputs": [tensor("x", "FP64", [1, 3], [1, 2, 3])]}, {"accept-encoding": "gzip"})
    assert "content-encoding" not in few.headers
    long = array.post("/predict", [[0.5, 1, 2]] * 20_000, {"accept-encoding": "gzip"})
    assert len(orjson.loads(gzip.decompress(long.content))) == 20_000


def test_header_lengths_are_those_of_what_was_compressed(array: Asking) -> None:
    content, headers = binary([("x", "FP64", [1, 3], np.arange(3.0))])
    for encoding, packed in {"gzip": gzip.compress(content), "deflate": zlib.compress(content)}.items():
        answered = array.post(INFER, packed, {**headers, "content-encoding": encoding})
        assert outputs(answered)["sum"]["data"] == [3.0]
