"""What a request of the Open Inference Protocol may ask for, and how it is answered."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from endpoint_parts import Asking
from v2_parts import FRAME, INFER, KINDS, LENGTH, ROW, binary, inputs, outputs, refused, tensor, tensors

from workbench.monitoring.figures import counted


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


def test_values_that_may_be_missing_have_their_datatype(frame: Asking) -> None:
    told = frame.get("/v2/models/m").json()
    assert {t["name"]: t["datatype"] for t in told["inputs"]} == KINDS
    missing = frame.post(INFER, {"inputs": inputs(x=None, text=None, day=None, raw=None, maybe=None, flag=None)})
    empty: dict[str, list[Any]] = {name: [None] for name in KINDS}
    assert {name: output["data"] for name, output in outputs(missing).items()} == empty | {"n": [1]}


def test_no_rows_are_answered_with_none_of_each_output(frame: Asking, array: Asking) -> None:
    asked = {"inputs": [tensor(name, kind, [0], []) for name, kind in KINDS.items()]}
    answered = outputs(frame.post(INFER, asked))
    assert {name: (o["datatype"], o["shape"], o["data"]) for name, o in answered.items()} == {
        name: (kind, [0], []) for name, kind in KINDS.items()
    }
    raw = frame.post(INFER, asked | {"parameters": {"binary_data_output": True}})
    assert {name: value.shape for name, value in tensors(raw.content, raw.headers).items()} == dict.fromkeys(
        KINDS, (0,)
    )
    content, headers = binary([("x", "FP64", [0, 3], b"")], outputs=[{"name": name} for name in ("sum", "half", "big")])
    answered = outputs(array.post(INFER, content, headers))
    assert {name: (o["datatype"], o["shape"], o["data"]) for name, o in answered.items()} == {
        "sum": ("FP64", [0], []),
        "half": ("FP16", [0, 3], []),
        "big": ("BOOL", [0, 3], []),
    }
    refused(array.post(INFER, {"inputs": [tensor("x", "FP64", [0, 2], [])]}), "shape")
    refused(frame.post(INFER, {"inputs": asked["inputs"][1:]}), "'n'")
    refused(frame.post(INFER, asked | {"parameters": {"explain": True}}), "no rows")


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


def test_parameters_of_other_servers_are_taken(frame: Asking) -> None:
    known = {
        "timeout": 5_000_000,
        "priority": 1,
        "sequence_id": "a",
        "sequence_start": True,
        "headers": {"a": "b"},
        "triton_x": 1,
    }
    answered = frame.post(INFER, {"id": "7", "inputs": inputs(), "parameters": known})
    assert (answered.status, answered.json()["id"]) == (200, "7")
    for said in ("5", -1, 1.5, True):
        refused(frame.post(INFER, {"inputs": inputs(), "parameters": {"timeout": said}}), "no whole number")


def test_small_raw_tensors_share_batches(array: Asking) -> None:
    before = counted(array.endpoint.metrics.values)
    rows = [np.full((1, 3), float(number)) for number in range(20)]
    both = {"parameters": {"binary_data_output": True}}
    requests = [(INFER, *binary([("x", "FP64", [1, 3], row)], **both)) for row in rows]
    answers = [tensors(answered.content, answered.headers)["sum"].tolist() for answered in array.all(requests)]
    assert answers == [[3.0 * number] for number in range(20)]
    after = counted(array.endpoint.metrics.values)
    assert (after.rows - before.rows, after.calls - before.calls <= 3) == (20, True)


def test_all_forms_share_batches_and_get_their_own_answers(frame: Asking) -> None:
    """JSON, raw and mixed tensors and plain JSON at once: each answer is that of its row alone."""
    rows = [ROW | {"n": number, "x": number / 7, "text": f"{number} ö"} for number in range(24)]
    asked = [_form(number % 4, row) for number, row in enumerate(rows)]
    for row, answered in zip(rows, frame.all(asked), strict=True):
        assert answered.status == 200, answered.content
        found = answered.json()
        found = {o["name"]: o["data"][0] for o in found["outputs"]} if "outputs" in found else found
        assert {name: found[name] for name in ("n", "x", "text")} == {name: row[name] for name in ("n", "x", "text")}


def _form(form: int, row: dict[str, Any]) -> tuple[str, Any, dict[str, str]]:
    if form == 0:
        return "/predict", row, {}
    if form == 1:
        return INFER, {"inputs": inputs(**row)}, {}
    raws = {"n": np.array([row["n"]]), "x": np.array([row["x"]]), "text": np.array([row["text"]], object)}
    raws |= {"day": np.array([row["day"]], object)} if form == 2 else {}
    return INFER, *binary([(name, kind, [1], raws.get(name, [row[name]])) for name, kind in KINDS.items()])


def test_what_is_missing_comes_back_raw(frame: Asking) -> None:
    """Empty bytes are a missing date, and an empty text."""
    kinds = {"n": np.array([1]), "x": np.array([np.nan]), "text": b"\0\0\0\0", "day": b"\0\0\0\0", "raw": b"\0\0\0\0"}
    given = [(name, kind, [1], kinds.get(name, [None])) for name, kind in KINDS.items()]
    named = [{"name": name, "parameters": {"binary_data": True}} for name in kinds]
    answered = frame.post(INFER, *binary(given, outputs=named))
    made = tensors(answered.content, answered.headers)
    assert {name: made[name].tolist() for name in ("text", "day", "raw")} == {"text": [""], "day": [""], "raw": [""]}
    shown = outputs(frame.post(INFER, *binary(given)))
    assert {name: shown[name]["data"] for name in ("text", "day", "raw")} == {"text": [""], "day": [None], "raw": [""]}


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
