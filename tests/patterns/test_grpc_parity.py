"""However a question is put over gRPC, its rows are those of plain JSON, and so is the answer, to the last bit."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from awkward_values import questions
from endpoint_parts import Asking
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.bundle.equal import difference
from workbench.data.decoding import Decoder
from workbench.data.encoding import lists
from workbench.data.tensors import DTYPES, from_bytes, to_bytes
from workbench.errors import WorkbenchError
from workbench.inference.fields import Field, Table
from workbench.inference.schema import Schema
from workbench.patterns.serving.exchange import Question, Request
from workbench.patterns.serving.grpc import infer
from workbench.patterns.serving.grpc.messages import message
from workbench.patterns.serving.protocols import plain

CONTENTS = {"BOOL": "bool", "INT64": "int64", "UINT64": "uint64", "FP32": "fp32", "FP64": "fp64", "BYTES": "bytes"}
CONTENTS |= {f"{sign}INT{bits}": f"{sign.lower()}int" for sign in ("", "U") for bits in (8, 16, 32)}
KINDS = {bool: ["BOOL"], int: [kind for kind in DTYPES if "INT" in kind], float: ["FP64", "FP32", "FP16"]}
REQUEST = Request("", {}, b"")
TEXTS = ("text", "bytes", "arrow")


def asked(tensors: list[tuple[str, str, list[int], list[Any]]], *, raw: bool) -> Any:
    """A request of these tensors, as it comes: name, datatype, shape and values."""
    made = message("inference.ModelInferRequest")(model_name="m")
    for name, kind, shape, values in tensors:
        found = made.inputs.add(name=name, datatype=kind, shape=shape)
        given = [value.encode() if isinstance(value, str) else value for value in values]
        if raw:
            made.raw_input_contents.append(to_bytes(given, kind))
        else:
            getattr(found.contents, f"{CONTENTS[kind]}_contents").extend(given)
    return message("inference.ModelInferRequest").FromString(made.SerializeToString())


def rows(ask: Callable[[Decoder], Question], schema: Schema) -> Table | None:
    """The rows of a request as the batcher makes them; None where it is refused."""
    decoder = Decoder(schema)
    try:
        question = ask(decoder)
        if question.columns is not None:
            with suppress(Exception):
                return decoder.table([question.columns])
        return schema.table(question.data)
    except WorkbenchError:
        return None


def tensor(field: Field, values: list[Any], data: st.DataObject, *, raw: bool) -> tuple[str, list[Any]]:
    """The datatype and values that say the same as JSON's; the example is left where none do."""
    types = set(map(type, values))
    if field.kind in TEXTS or field.categories is not None:
        assume(types == {str} or (types <= {str, type(None)} and field.kind == "category"))
    if types & {str}:
        assume(types <= {str, type(None)} and (field.kind in TEXTS or "" not in values))
        return "BYTES", [_of_text(field, value) for value in values]
    if types == {float, type(None)} and getattr(field.runtime, "kind", "") == "f":
        values, types = [np.nan if value is None else value for value in values], {float}
    assume(len(types) == 1 and types <= set(KINDS))
    kinds = [kind for kind in KINDS[types.pop()] if _holds(kind, values) and (raw or kind in CONTENTS)]
    assume(kinds)
    return data.draw(st.sampled_from(kinds)), values


def _of_text(field: Field, value: str | None) -> Any:
    if field.kind == "bytes":
        try:
            return base64.b64decode(value or "", validate=True)
        except ValueError:
            assume(False)
    return value or ""


def _holds(kind: str, values: list[Any]) -> bool:
    with np.errstate(over="ignore"), suppress(OverflowError):
        return bool(np.array_equal(np.array(values, DTYPES[kind]).astype(type(values[0])), values, equal_nan=True))
    return False


@settings(max_examples=250, deadline=None)
@given(questions(), st.booleans(), st.data())
def test_tensors_are_read_as_records(
    question: tuple[Schema, list[dict[str, Any]]], raw: bool, data: st.DataObject
) -> None:
    schema, records = question
    assume(all(name in record for record in records for name in schema.names))
    tensors = []
    for field in schema.fields:
        kind, values = tensor(field, [record[field.name] for record in records], data, raw=raw)
        tensors.append((field.name, kind, [len(records)], values))
    expected = rows(partial(plain.ask, replace(REQUEST, content=orjson.dumps(records))), schema)
    made = rows(partial(infer.ask, asked(tensors, raw=raw)), schema)
    assert (expected is None) == (made is None)
    if expected is not None and made is not None:
        assert not difference(made, expected, exact=True)


DAYS = pd.to_datetime(["2024-01-01T12:30:00.25", None, "1969-12-31T00:00:00.5"])
FRAME = pd.DataFrame(
    {
        "amount": [0.1, np.nan, -1e-7],
        "narrow": np.array([0.1, 2, 3], "f4"),
        "half": np.array([0.5, 2, 3], "f2"),
        "small": np.array([-3, 0, 3], "i1"),
        "large": np.array([0, 1, 2**64 - 1], "u8"),
        "whole": pd.array([1, 2, 3], "Int64"),
        "vip": [True, False, True],
        "city": ["Köln", "", 'the "old", town'],
        "kind": pd.Categorical(["a", None, "b"]),
        "day": DAYS,
        "there": DAYS.tz_localize("Europe/Berlin"),
        "since": pd.to_timedelta(["1 days", None, "2s"]),
        "file": [b"\x00\xff", b"", b"x"],
    }
)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """A model that answers what it is asked."""
    asking = Asking(lambda df: df, FRAME, tmp_path_factory.mktemp("frames"))
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    example = np.random.default_rng(0).normal(size=(3, 4))
    asking = Asking(lambda x: np.cumsum(np.exp(x), axis=1), example, tmp_path_factory.mktemp("arrays"))
    yield asking
    asking.close()


def answered(asking: Asking, sent: Any) -> dict[str, list[Any]]:
    """The answer's columns, from contents of either form."""
    reply = asking.loop.run_until_complete(asking.endpoint.answer(lambda _, decoder: infer.ask(sent, decoder), REQUEST))
    response, found = message("inference.ModelInferResponse").FromString(reply.content), {}
    for place, output in enumerate(response.outputs):
        if response.raw_output_contents:
            values = from_bytes(response.raw_output_contents[place], output.datatype)
        else:
            values = getattr(output.contents, f"{CONTENTS[output.datatype]}_contents")
        assert list(output.shape) == [len(values)]
        found[output.name] = list(values)
    return found


@pytest.mark.parametrize("raw", [True, False])
def test_a_frame_of_every_dtype_is_answered_as_over_json(frames: Asking, raw: bool) -> None:
    as_json = lists({name: FRAME[name].array for name in FRAME})
    tensors = []
    for name, column in FRAME.items():
        kind = {"f": "FP", "i": "INT", "u": "UINT", "b": "BOOL"}.get(getattr(column.dtype, "kind", ""), "BYTES")
        kind += str(8 * column.dtype.itemsize) if kind not in ("BYTES", "BOOL") else ""
        kind = kind if raw or kind != "FP16" else "FP32"
        values = column.tolist() if kind != "BYTES" else ["" if v is None or v != v else v for v in as_json[str(name)]]
        tensors.append((str(name), kind, [len(FRAME)], FRAME["file"].tolist() if name == "file" else values))
    expected = frames.post("/predict", as_json).json()
    found = answered(frames, asked(tensors, raw=raw))
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert list(map(_told, found[name])) == [_in_bytes(name, value, found[name][0]) for value in values], name


def _told(value: Any) -> Any:
    """A value of a tensor as JSON has it; NaN is missing."""
    return None if value != value else value.item() if isinstance(value, np.generic) else value


def _in_bytes(name: str, value: Any, like: Any) -> Any:
    if not isinstance(like, bytes):
        return value
    return base64.b64decode(value) if name == "file" else (value or "").encode()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.floats(-50, 50), min_size=4, max_size=4), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from(["FP64", "FP32"]),
)
def test_an_array_is_answered_as_over_json(arrays: Asking, table: list[list[float]], raw: bool, kind: str) -> None:
    table = np.array(table, DTYPES[kind]).astype(float).tolist()
    expected = arrays.post("/predict", table).json()
    flat = [value for row in table for value in row]
    found = answered(arrays, asked([("x", kind, [len(table), 4], flat)], raw=raw))
    assert found == (
        {name: [row[name] for row in expected] for name in found} if isinstance(expected, list) else expected
    )
