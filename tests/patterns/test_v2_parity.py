"""However a question is put in the Open Inference Protocol, its rows are those of plain JSON, to the last bit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import orjson
import pytest
from awkward_values import questions, real, whole
from hypothesis import given, settings
from hypothesis import strategies as st
from v2_parts import LENGTH, binary, tensor

from workbench.bundle.equal import difference
from workbench.data.decoding import Decoder
from workbench.data.tensors import DTYPES, datatype
from workbench.errors import WorkbenchError
from workbench.inference.fields import Table
from workbench.inference.schema import Schema
from workbench.patterns.serving.exchange import Ask, Request
from workbench.patterns.serving.protocols import plain, v2, v2_tensors

Asked = tuple[bytes, dict[str, str]]


def read(ask: Ask, asked: Asked, schema: Schema) -> tuple[Table | None, WorkbenchError | None]:
    """The rows of a request as the batcher makes them, or its refusal."""
    content, headers = asked
    request = Request("", {name.lower().encode(): value.encode() for name, value in headers.items()}, content)
    decoder = Decoder(schema)
    try:
        question = ask(request, decoder)
        if question.columns is not None:
            with suppress(Exception):
                return decoder.table([question.columns]), None
        return schema.table(question.data), None
    except WorkbenchError as error:
        return None, error


def same(schema: Schema, expected: Asked, asked: Asked) -> None:
    """Both are read as the same rows, or both are refused."""
    rows, refused = read(plain.ask, expected, schema)
    made, error = read(v2.ask, asked, schema)
    assert bool(refused) == bool(error), f"{error} against {refused}"
    if rows is not None and made is not None:
        assert not difference(made, rows, exact=True)


def json(said: Any) -> Asked:
    return orjson.dumps(said), {}


def raw_values(values: list[Any], kind: str) -> Any:
    """The values as an array of this datatype or as BYTES, where they are exactly that; else as they are."""
    if all(type(value) is str for value in values):
        return "BYTES", np.array(values, object)
    types, wanted = set(map(type, values)), {"b": {bool}, "i": {int}, "u": {int}, "f": {float}}
    if kind == "BYTES" or types != wanted[DTYPES[kind].kind]:
        return kind, values
    with np.errstate(over="ignore"), suppress(OverflowError):
        array = np.array(values, DTYPES[kind])
        if array.tolist() == values:
            return kind, array
    return kind, values


@settings(max_examples=200, deadline=None)
@given(questions(), st.sampled_from(["flat", "wide", "nested", "pd", "rows"]))
def test_json_tensors_are_read_as_records(question: tuple[Schema, list[dict[str, Any]]], form: str) -> None:
    schema, records = question
    there = [name for name in schema.names if any(name in record for record in records)]
    columns = {name: [record.get(name) for record in records] for name in there}
    kinds, rows = {field.name: datatype(field) for field in schema.fields}, len(records)
    if any(type(value) is list for values in columns.values() for value in values) or not there:
        return
    if form == "rows" and there == schema.names and len(there) > 1:
        values = [columns[name][row] for row in range(rows) for name in there]
        said: Any = {"inputs": [tensor("all", "BYTES", [rows, len(there)], values)]}
    else:
        shape = [rows] if form == "flat" else [rows, 1]
        data = {name: [[v] for v in values] if form == "nested" else values for name, values in columns.items()}
        said = {"inputs": [tensor(name, kinds[name], shape, data[name]) for name in there]}
        said |= {"parameters": {"content_type": "pd"}} if form == "pd" else {}
    same(schema, json(records), json(said))


@settings(max_examples=200, deadline=None)
@given(questions(), st.sampled_from([0, 1024]))
def test_raw_tensors_are_read_as_records(question: tuple[Schema, list[dict[str, Any]]], small: int) -> None:
    schema, records = question
    if any(name not in record or type(record[name]) is list for record in records for name in schema.names):
        return
    inputs = []
    for field in schema.fields:
        values = [record[field.name] for record in records]
        holds_bytes = field.kind == "bytes"
        kind, raw = (datatype(field), values) if holds_bytes else raw_values(values, datatype(field))
        inputs.append((field.name, kind, [len(records)], raw))
        if isinstance(raw, np.ndarray) and field.kind not in ("text", "category"):
            records = [
                {**record, field.name: None if record[field.name] == "" else record[field.name]} for record in records
            ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(v2_tensors, "_SMALL", small)  # more numbers than that go as arrays, which must not differ
        same(schema, json(records), binary(inputs))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_tensor_of_rows_is_read_as_rows(data: st.DataObject) -> None:
    """Of a model of one array: flat, nested or raw, few or many values."""
    dtype = data.draw(st.sampled_from(["float64", "int64", "float32", "float16", "uint8"]))
    schema = Schema.infer(np.zeros((2, 3), dtype))
    kind = data.draw(st.sampled_from(["FP64", "FP32", "FP16", "INT64", "UINT8", "INT8", "BOOL"]))
    value = {"f": real, "i": whole, "u": whole, "b": st.booleans()}[DTYPES[kind].kind]
    rows = data.draw(st.lists(st.lists(value, min_size=3, max_size=3), min_size=1, max_size=4))
    flat = [value for row in rows for value in row]
    said = data.draw(st.sampled_from(["flat", "nested", "raw", "arrays"]))
    shape, name = [len(rows), 3], data.draw(st.sampled_from(["x", "input-0"]))
    if said in ("flat", "nested"):
        same(schema, json(rows), json({"inputs": [tensor(name, kind, shape, flat if said == "flat" else rows)]}))
        return
    kind, raw = raw_values(flat, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(v2_tensors, "_SMALL", 0 if said == "arrays" else 1024)
        same(schema, json(rows), binary([(name, kind, shape, raw)]))
        if isinstance(raw, np.ndarray) and kind == datatype(schema.fields[0]):
            same(schema, json(rows), (raw.tobytes(), {LENGTH: "0"}))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=6), min_size=1, max_size=5))
def test_bytes_go_raw_or_in_base64(values: list[bytes]) -> None:
    import base64

    schema = Schema.infer({"file": np.array([b"x", b""], object)})
    written = [base64.b64encode(value).decode() for value in values]
    records, rows = json([{"file": value} for value in written]), [len(values)]
    raw = np.array(values, object)
    same(schema, records, binary([("file", "BYTES", rows, raw)]))
    same(schema, records, json({"inputs": [tensor("file", "BYTES", rows, written, content_type="base64")]}))
    same(schema, records, json({"inputs": [tensor("file", "BYTES", rows, written)]}))


def test_text_may_come_in_base64() -> None:
    schema = Schema.infer({"city": np.array(["Köln", "Ulm"], object)})
    asked = json({"inputs": [tensor("city", "BYTES", [2], ["S8O2bG4=", "VWxt"], content_type="base64")]})
    same(schema, json([{"city": "Köln"}, {"city": "Ulm"}]), asked)


def test_numbers_that_json_has_not_come_raw() -> None:
    schema = Schema.infer({"a": np.zeros(2), "b": np.zeros(2, "float16")})
    values = np.array([np.nan, np.inf, -np.inf, -0.0])
    made, _ = read(v2.ask, binary([("a", "FP64", [4], values), ("b", "FP16", [4], values)]), schema)
    assert made is not None
    assert not difference(made, {"a": values, "b": values.astype("float16")}, exact=True)
    brain = np.array([1.0, -2.5, np.inf, 0.0078125], "<f4").view("<u4") >> 16
    made, _ = read(
        v2.ask, binary([("a", "BF16", [4], brain.astype("<u2").tobytes()), ("b", "FP16", [4], values)]), schema
    )
    assert made is not None
    assert made["a"].tolist() == [1.0, -2.5, np.inf, 0.0078125]
