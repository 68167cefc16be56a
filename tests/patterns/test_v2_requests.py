"""What a request of the Open Inference Protocol may ask for, and how it is answered."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from endpoint_parts import Answered, Asking
from v2_parts import LENGTH, binary, tensor, tensors

INFER = "/v2/models/m/infer"
FRAME = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "x": [0.5, -1.5, np.nan],
        "text": ["Köln", "", None],
        "day": pd.to_datetime(["2024-01-01", "2024-02-29", None]),
        "raw": [b"\x00\xff", b"", None],
        "maybe": pd.array([1, None, 3], "Int64"),
        "flag": np.array([True, False, None], object),
    }
)
KINDS = {"n": "INT64", "x": "FP64", "text": "BYTES", "day": "BYTES", "raw": "BYTES", "maybe": "INT64", "flag": "BOOL"}
ROW = {"n": 1, "x": 0.5, "text": "Köln", "day": "2024-01-01", "raw": "AP8=", "maybe": 1, "flag": True}


def same(df: pd.DataFrame) -> pd.DataFrame:
    return df


def total(x: Any) -> Any:
    return {"sum": x.sum(axis=1), "half": (x / 2).astype(np.float16), "big": x > 1}


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(same, FRAME, tmp_path_factory.mktemp("frame"))
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(total, np.ones((2, 3)), tmp_path_factory.mktemp("array"))
    yield asking
    asking.close()


def inputs(**others: Any) -> list[dict[str, Any]]:
    """One row of the frame as tensors."""
    return [tensor(name, kind, [1], [{**ROW, **others}[name]]) for name, kind in KINDS.items()]


def outputs(answered: Answered) -> dict[str, Any]:
    assert answered.status == 200, answered.content
    return {output["name"]: output for output in answered.json()["outputs"]}


def refused(answered: Answered, what: str, status: int = 400) -> None:
    assert answered.status == status, answered.content
    assert what in answered.json()["error"]
    assert len(answered.json()["fix"]) > 10


def test_values_that_may_be_missing_have_their_datatype(frame: Asking) -> None:
    told = frame.get("/v2/models/m").json()
    assert {t["name"]: t["datatype"] for t in told["inputs"]} == KINDS
    missing = frame.post(INFER, {"inputs": inputs(x=None, text=None, day=None, raw=None, maybe=None, flag=None)})
    empty: dict[str, list[Any]] = {name: [None] for name in KINDS}
    assert {name: output["data"] for name, output in outputs(missing).items()} == empty | {"n": [1]}


def test_every_output_may_come_raw(frame: Asking) -> None:
    answered = frame.post(INFER, {"inputs": inputs(), "parameters": {"binary_data_output": True}})
    assert answered.headers["content-type"] == "application/octet-stream"
    made = tensors(answered.content, answered.headers)
    raw = {name: value.tolist()[0] for name, value in made.items() if name != "raw"}
    assert raw == {name: value for name, value in ROW.items() if name != "raw"} | {"day": "2024-01-01T00:00:00.000000"}


def test_raw_bytes_are_no_base64(frame: Asking) -> None:
    asked = {"inputs": inputs(), "outputs": [{"name": "raw", "parameters": {"binary_data": True}}]}
    answered = frame.post(INFER, asked)
    assert answered.content.endswith(b"\x02\x00\x00\x00\x00\xff")
    assert base64.b64decode(outputs(frame.post(INFER, {"inputs": inputs()}))["raw"]["data"][0]) == b"\x00\xff"


def test_a_missing_whole_number_cannot_be_raw(frame: Asking) -> None:
    asked = {"inputs": inputs(maybe=None), "outputs": [{"name": "maybe", "parameters": {"binary_data": True}}]}
    refused(frame.post(INFER, asked), "has missing values")
    asked = {"inputs": inputs(flag=None), "outputs": [{"name": "flag", "parameters": {"binary_data": True}}]}
    refused(frame.post(INFER, asked), "has missing values")


def test_outputs_are_raw_one_by_one(array: Asking) -> None:
    content, headers = binary(
        [("x", "FP64", [2, 3], np.arange(6.0))],
        outputs=[{"name": "big"}, {"name": "sum", "parameters": {"binary_data": True}}],
    )
    answered = array.post(INFER, content, headers)
    said = orjson.loads(answered.content[: int(answered.headers[LENGTH.lower()])])
    assert [(o["name"], o["datatype"], o["shape"]) for o in said["outputs"]] == [
        ("big", "BOOL", [2, 3]),
        ("sum", "FP64", [2]),
    ]
    assert said["outputs"][0]["data"] == [False, False, True, True, True, True]
    assert tensors(answered.content, answered.headers)["sum"].tolist() == [3.0, 12.0]
    kept = {
        "outputs": [{"name": "sum", "parameters": {"binary_data": False}}],
        "parameters": {"binary_data_output": True},
    }
    answered = array.post(INFER, *binary([("x", "FP64", [1, 3], np.arange(3.0))], **kept))
    assert outputs(answered)["sum"]["data"] == [3.0]


def test_nan_is_null_in_json_and_itself_raw(array: Asking) -> None:
    values = np.array([[np.nan, 1, 1], [np.inf, 1, 1], [-np.inf, 1, 1]])
    assert outputs(array.post(INFER, *binary([("x", "FP64", [3, 3], values)])))["sum"]["data"] == [None, None, None]
    answered = array.post(INFER, *binary([("x", "FP64", [3, 3], values)], parameters={"binary_data_output": True}))
    made = tensors(answered.content, answered.headers)
    np.testing.assert_array_equal(made["sum"], [np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(made["half"], (values / 2).astype(np.float16))


def test_json_and_raw_inputs_are_mixed(frame: Asking) -> None:
    raws = {"n": np.array([1, 2]), "text": np.array(["a", "b"], object)}
    mixed = [(name, kind, [2], raws.get(name, [ROW[name]] * 2)) for name, kind in KINDS.items()]
    made = outputs(frame.post(INFER, *binary(mixed)))
    assert (made["n"]["data"], made["text"]["data"], made["day"]["data"][1][:10]) == ([1, 2], ["a", "b"], "2024-01-01")


def test_a_body_may_be_the_only_tensor(array: Asking, frame: Asking) -> None:
    answered = array.post(INFER, np.arange(6.0).tobytes(), {LENGTH: "0"})
    assert tensors(answered.content, answered.headers)["sum"].tolist() == [3.0, 12.0]
    for content in (b"", b"12345678", np.arange(4.0).tobytes()):
        refused(array.post(INFER, content, {LENGTH: "0"}), "one row of FP64")
    refused(frame.post(INFER, b"12345678", {LENGTH: "0"}), "this has 7")


def test_a_text_may_be_the_body(tmp_path: Any) -> None:
    asking = Asking(lambda df: df["text"].str.upper(), pd.DataFrame({"text": ["a", "b"]}), tmp_path)
    answered = asking.post(INFER, "köln".encode(), {LENGTH: "0"})
    assert tensors(answered.content, answered.headers)["prediction"].tolist() == ["KÖLN"]
    refused(asking.post(INFER, b"\xff", {LENGTH: "0"}), "is no UTF-8")
    asking.close()


def test_content_types_are_taken_and_told(frame: Asking) -> None:
    asked = inputs()
    for name, content_type in {"text": "str", "day": "datetime", "raw": "base64", "n": "np"}.items():
        next(t for t in asked if t["name"] == name)["parameters"] = {"content_type": content_type}
    answered = frame.post(INFER, {"inputs": asked, "parameters": {"content_type": "pd"}})
    told = {name: output["parameters"]["content_type"] for name, output in outputs(answered).items()}
    assert told == dict.fromkeys(KINDS, "np") | {"text": "str", "day": "datetime", "raw": "base64"}
    assert answered.json()["parameters"] == {"content_type": "pd"}
    assert "parameters" not in outputs(frame.post(INFER, {"inputs": inputs()}))["text"]


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


def test_parameters_of_other_servers_are_taken(frame: Asking) -> None:
    known = {
        "timeout": 5,
        "priority": 1,
        "sequence_id": "a",
        "sequence_start": True,
        "headers": {"a": "b"},
        "triton_x": 1,
    }
    answered = frame.post(INFER, {"id": "7", "inputs": inputs(), "parameters": known})
    assert (answered.status, answered.json()["id"]) == (200, "7")


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


def test_bytes_that_belong_to_nothing_are_refused(frame: Asking) -> None:
    content, headers = binary([("n", "INT64", [1], np.array([1]))])
    refused(frame.post(INFER, content + b"more", headers), "4 bytes of the body belong to no input")
    content, headers = binary([("text", "BYTES", [2], b"\x01\x00\x00\x00a\xff\xff\xff\xff")])
    refused(frame.post(INFER, content, headers), "fewer are left")
    content, headers = binary([("text", "BYTES", [1], b"\x01\x00\x00\x00\xff")])
    refused(frame.post(INFER, content, headers), "value 0 is no UTF-8")


def test_small_raw_tensors_share_batches(array: Asking) -> None:
    before = array.endpoint.metrics.all()
    rows = [np.full((1, 3), float(number)) for number in range(20)]
    both = {"parameters": {"binary_data_output": True}}
    requests = [(INFER, *binary([("x", "FP64", [1, 3], row)], **both)) for row in rows]
    answers = [tensors(answered.content, answered.headers)["sum"].tolist() for answered in array.all(requests)]
    assert answers == [[3.0 * number] for number in range(20)]
    after = array.endpoint.metrics.all()
    assert (after.rows - before.rows, after.batches - before.batches <= 3) == (20, True)


def test_many_numbers_go_to_the_model_as_they_are(array: Asking) -> None:
    values = np.random.default_rng(0).normal(size=(5000, 3))
    answered = array.post(INFER, *binary([("x", "FP64", [5000, 3], values)], parameters={"binary_data_output": True}))
    np.testing.assert_array_equal(tensors(answered.content, answered.headers)["sum"], values.sum(axis=1))


def test_the_model_gives_several_dimensions(tmp_path: Any) -> None:
    """Triton's model `simple`: two inputs of a vector, their sum and their difference."""
    example = {"INPUT0": np.zeros((2, 16), "int32"), "INPUT1": np.zeros((2, 16), "int32")}
    asking = Asking(
        lambda d: {"OUTPUT0": d["INPUT0"] + d["INPUT1"], "OUTPUT1": d["INPUT0"] - d["INPUT1"]}, example, tmp_path
    )
    told = asking.get("/v2/models/m").json()
    assert told["outputs"][0] == {"name": "OUTPUT0", "datatype": "INT32", "shape": [-1, 16]}
    one = tensor("INPUT1", "INT32", [1, 16], [1] * 16)
    made = outputs(asking.post(INFER, {"inputs": [tensor("INPUT0", "INT32", [1, 16], [list(range(16))]), one]}))
    assert (made["OUTPUT0"]["data"], made["OUTPUT1"]["shape"]) == (list(range(1, 17)), [1, 16])
    asking.close()


def test_an_array_of_one_column(tmp_path: Any) -> None:
    asking = Asking(lambda x: x.sum(axis=1), np.ones((2, 1)), tmp_path)
    assert outputs(asking.post(INFER, {"inputs": [tensor("x", "FP64", [2, 1], [1, 2])]}))["prediction"]["data"] == [
        1,
        2,
    ]
    asking.close()


def test_other_numbers_than_those_of_the_reference_keep_their_values(tmp_path: Any) -> None:
    asking = Asking(lambda df: df["a"].where(df["a"] != 1, 1.5), pd.DataFrame({"a": [2, 3]}), tmp_path)
    for raw in (False, True):
        asked = {"inputs": [tensor("a", "INT64", [1], [1])], "parameters": {"binary_data_output": raw}}
        answered = asking.post(INFER, asked)
        assert tensors(answered.content, answered.headers)["prediction"].tolist() == [1.5]
    asking.close()


def test_replies_are_compressed_where_it_pays(array: Asking) -> None:
    many = {"inputs": [tensor("x", "FP64", [1000, 3], [0.25] * 3000)]}
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
