"""The quick way from JSON to columns gives what `Schema.table` makes of each record alone, or the same refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from awkward_values import odd, questions, real, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.bundle.equal import difference
from workbench.data.decoding import Decoder
from workbench.data.encoding import dumps, lists
from workbench.errors import BadInput
from workbench.inference.fields import Table
from workbench.inference.schema import Schema


def joined(parts: list[Table]) -> Table:
    """Tables below each other."""
    return {
        name: np.concatenate([part[name] for part in parts])
        if isinstance(parts[0][name], np.ndarray)
        else type(parts[0][name])._concat_same_type([part[name] for part in parts])
        for name in parts[0]
    }


def refusal(error: BadInput) -> tuple[str, str | None, int | None]:
    return error.what, error.column, error.row


def answered(make: Callable[[], Table]) -> tuple[Table, BadInput | None]:
    """What it gives, or how it refuses."""
    try:
        return make(), None
    except BadInput as error:
        return {}, error


@settings(max_examples=1500, deadline=None)
@given(questions())
def test_records_are_read_as_each_alone(question: tuple[Schema, list[dict[str, Any]]]) -> None:
    schema, records = question
    decoder = Decoder(schema)
    columns = decoder.of_records(records)
    if columns is None:
        assert any(name not in record for record in records for name in schema.names)
        return
    each = [answered(lambda row=row: schema.table([records[row]], first_row=row)) for row in range(len(records))]  # type: ignore[misc]
    refused = {error.column: refusal(error) for _, error in reversed(each) if error}
    made, error = answered(lambda: decoder.table([columns]))
    assert bool(error) == bool(refused), f"{error} against {refused}"
    if error is None:
        assert not difference(made, joined([table for table, _ in each]), exact=True)
    elif error.row is not None:
        assert refusal(error) == refused[error.column]


@settings(max_examples=300, deadline=None)
@given(questions(), st.integers(0, 6))
def test_several_requests_are_read_as_one(question: tuple[Schema, list[dict[str, Any]]], cut: int) -> None:
    schema, records = question
    decoder = Decoder(schema)
    parts = [decoder.of_records(part) for part in (records[:cut], records[cut:]) if part]
    together = decoder.of_records(records)
    if together is None:
        return
    assert decoder.of_columns(dict(zip(schema.names, together, strict=True))) == together
    expected, refused = answered(lambda: decoder.table([together]))
    made, error = answered(lambda: decoder.table(parts))  # type: ignore[arg-type]
    assert not difference(made, expected, exact=True)
    assert (error and refusal(error)) == (refused and refusal(refused))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_rows_of_an_array_are_read_as_each_alone(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["float64", "int64", "float32", "float16"]))
    schema = Schema.infer(np.zeros((2, 3), dtype))
    value = data.draw(st.sampled_from([whole, real, real | st.none(), odd, st.booleans() | whole]))
    width = st.sampled_from([3, 3, 3, 3, 2])
    rows = data.draw(st.lists(width.flatmap(lambda n: st.lists(value, min_size=n, max_size=n)), min_size=1, max_size=4))
    decoder = Decoder(schema)
    columns = decoder.of_rows(rows)
    assert columns is not None
    each = [answered(lambda row=row: schema.table([row])) for row in rows]  # type: ignore[misc]
    made, error = answered(lambda: decoder.table([columns]))
    if error is None:
        assert not difference(made, joined([table for table, _ in each]), exact=True)


def test_a_wrong_value_is_refused_with_its_row_and_column() -> None:
    schema = Schema.infer(pd.DataFrame({"age": [1, 2], "city": ["a", "b"], "amount": [0.5, 1]}))
    good = {"age": 1, "city": "a", "amount": 1}
    for wrong, column in (({"age": "old"}, "age"), ({"city": 7}, "city"), ({"amount": "much"}, "amount")):
        records = [good, good, {**good, **wrong}, good]
        with pytest.raises(BadInput) as quick:
            Decoder(schema).table([Decoder(schema).of_records(records)])  # type: ignore[list-item]
        with pytest.raises(BadInput) as slow:
            schema.table(records)
        assert refusal(quick.value) == refusal(slow.value)
        assert (quick.value.column, quick.value.row) == (column, 2)


def test_a_missing_column_is_left_to_the_schema() -> None:
    schema = Schema.infer(pd.DataFrame({"age": [1, 2], "city": ["a", "b"]}))
    assert Decoder(schema).of_records([{"age": 1, "city": "a"}, {"age": 1}]) is None
    assert Decoder(schema).of_columns({"age": [1]}) is None
    assert Decoder(schema).of_columns({"age": [1], "city": ["a", "b"]}) is None
    assert Decoder(schema).of_columns({"age": 1, "city": "a"}) is None


@settings(max_examples=300, deadline=None)
@given(questions())
def test_what_is_written_as_json_reads_as_the_same(question: tuple[Schema, list[dict[str, Any]]]) -> None:
    """Each dtype that a schema holds goes through JSON and back with every value."""
    schema, records = question
    table, error = answered(lambda: schema.table(records))
    if error is None and not any(value.dtype.kind == "f" and np.isinf(value).any() for value in table.values()):
        columns = orjson.loads(dumps(lists(table)))
        assert not difference(Decoder(schema).table([[columns[name] for name in schema.names]]), table, exact=True)
