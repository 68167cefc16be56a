"""Data of any kind becomes the table that the model saw, and the kind that its function takes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from workbench.bundle.equal import difference
from workbench.errors import BadInput
from workbench.inference.schema import Schema

FRAME = pd.DataFrame(
    {
        "city": ["Oslo", "Bergen"],
        "plan": pd.Categorical(["basic", "plus"]),
        "since": pd.to_datetime(["2024-01-01", "2024-05-06"]),
        "age": [31, 46],
        "spend": [1.5, np.nan],
        "visits": pd.array([1, None], dtype="Int64"),
        "member": [True, False],
    }
)
SCHEMA = Schema.infer(FRAME)
RECORDS = [
    {"city": "Oslo", "plan": "basic", "since": "2024-01-01", "age": 31, "spend": 1.5, "visits": 1, "member": True},
    {"city": "Bergen", "plan": "plus", "since": "2024-05-06", "age": 46, "member": False},
]


def arrow() -> pa.Table:
    return pa.table(
        {
            "member": pa.array([True, False]),
            "age": pa.array([31, 46], pa.int32()),
            "spend": pa.array([1.5, None], pa.float32()),
            "since": pa.array([dt.datetime(2024, 1, 1), dt.datetime(2024, 5, 6)], pa.timestamp("ms")),
            "visits": pa.array([1, None], pa.int64()),
            "plan": pa.array(["basic", "plus"]).dictionary_encode(),
            "city": pa.chunked_array([["Oslo"], ["Bergen"]]),
            "extra": pa.array([1, 2]),
        }
    )


@pytest.mark.parametrize(
    "data",
    [
        FRAME,
        FRAME[FRAME.columns[::-1]].assign(more=1),
        FRAME.set_axis([5, 9]),
        FRAME.astype({"plan": str, "age": float, "since": str}),
        {name: FRAME[name] for name in FRAME},
        {name: FRAME[name].tolist() for name in FRAME} | {"since": ["2024-01-01", "2024-05-06"]},
        RECORDS,
        arrow(),
        arrow().combine_chunks().to_batches()[0],
    ],
    ids=["frame", "order", "index", "dtypes", "series", "lists", "records", "arrow", "batch"],
)
def test_any_data_becomes_the_same_table(data: Any) -> None:
    table = SCHEMA.table(data)
    assert difference(table, SCHEMA.table(FRAME), exact=True) == []
    pd.testing.assert_frame_equal(SCHEMA.build(table), FRAME)


def test_a_conforming_table_passes_as_it_is() -> None:
    table = SCHEMA.table(FRAME)
    again = SCHEMA.table(table)
    assert all(again[name] is table[name] for name in table)


def test_the_model_may_change_what_it_is_given() -> None:
    table = SCHEMA.table(FRAME)
    before = {name: values.copy() for name, values in table.items()}
    built = SCHEMA.build(table)
    built.loc[:, "age"] = 0
    built["spend"] = built["spend"].fillna(-1.0)
    built.loc[0, "visits"] = 99
    built.columns.name = "changed"
    assert difference(table, before, exact=True) == []
    assert SCHEMA.build(table).columns.name is None
    array = Schema.infer(np.eye(2))
    given = array.table(np.eye(2))
    array.build(given)[:] = 7
    assert given["x"].tolist() == [[1, 0], [0, 1]]


def test_a_frame_has_one_layout_wherever_it_comes_from() -> None:
    schema = Schema.infer(pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=list("abc")))
    sources = [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6.0).reshape(2, 3),
    ]
    built = [schema.build(schema.table(pd.DataFrame(s, columns=list("abc")))) for s in sources]
    assert {b.to_numpy().flags.f_contiguous for b in built} == {True}
    assert {type(b.index) for b in built} == {pd.RangeIndex}


def test_missing_columns_are_named_with_those_that_may_be_meant() -> None:
    with pytest.raises(BadInput) as caught:
        SCHEMA.table(FRAME.rename(columns={"age": "Age", "spend": "outlay"}))
    assert caught.value.what == "columns 'age', 'spend' are not there; 'Age' may be meant for 'age'"
    assert "the input has city, plan, since, Age, outlay" in str(caught.value)
    with pytest.raises(BadInput, match="column 'city' is not there"):
        SCHEMA.table([{k: v for k, v in r.items() if k != "city"} for r in RECORDS])


def test_a_record_that_lacks_a_value_the_model_needs_is_named() -> None:
    with pytest.raises(BadInput, match="column 'age', row 1: a value is missing"):
        SCHEMA.table([RECORDS[0], {k: v for k, v in RECORDS[1].items() if k != "age"}])


def test_columns_must_have_as_many_rows() -> None:
    with pytest.raises(BadInput, match="differ in their number of rows: a 2, b 1"):
        Schema.infer({"a": np.zeros(1), "b": np.zeros(1)}).table({"a": [1, 2], "b": [1]})


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_no_rows_are_rows_too(rows: int) -> None:
    some = SCHEMA.table(FRAME.iloc[[0, 1, 0]].iloc[:rows])
    assert SCHEMA.rows(some) == rows
    back = SCHEMA.decode(SCHEMA.encode(some))
    assert difference(back, some, exact=True) == []
    assert len(SCHEMA.build(back)) == rows


ARRAY = Schema.infer(np.arange(8.0).reshape(2, 4))


@pytest.mark.parametrize(
    "data",
    [
        np.arange(8.0).reshape(2, 4),
        np.arange(8).reshape(2, 4),
        np.asfortranarray(np.arange(8.0).reshape(2, 4)),
        np.arange(8, dtype=">f4").reshape(2, 4),
        [[0, 1, 2, 3], ["4", 5, 6, 7]],
        {"x": [[0, 1, 2, 3], [4, 5, 6, 7]]},
        pd.DataFrame(np.arange(8).reshape(2, 4), columns=list("abcd")),
        pd.DataFrame(np.arange(8).reshape(2, 4), columns=[f"x_{i}" for i in range(4)])[["x_1", "x_0", "x_3", "x_2"]],
        pa.table({f"c{i}": [i, i + 4] for i in range(4)}),
        pa.table({"x": [[0, 1, 2, 3], [4, 5, 6, 7]]}),
    ],
)
def test_an_array_out_of_anything(data: Any) -> None:
    built = ARRAY.build(ARRAY.table(data))
    assert built.dtype == np.float64
    assert built.flags.c_contiguous
    assert built.flags.writeable
    assert np.array_equal(built, np.arange(8.0).reshape(2, 4))


def test_arrays_of_another_shape_are_refused() -> None:
    with pytest.raises(BadInput, match=r"shape \(rows, 3\); the model takes \(rows, 4\)"):
        ARRAY.table(np.zeros((2, 3)))
    with pytest.raises(BadInput, match=r"is one row") as caught:
        ARRAY.table(np.zeros(4))
    assert "reshape(1, -1)" in str(caught.value)
    with pytest.raises(BadInput, match="here are 5 columns: a, b, c, d, id"):
        ARRAY.table(pd.DataFrame(np.zeros((2, 5)), columns=["a", "b", "c", "d", "id"]))
    with pytest.raises(BadInput, match="different lengths"):
        ARRAY.table([[1, 2], [1]])


def test_a_bad_value_in_a_frame_for_an_array_names_its_column() -> None:
    with pytest.raises(BadInput, match="column 'c', row 1: 'bad'"):
        ARRAY.table(pd.DataFrame({"a": [1, 2], "b": [1, 2], "c": ["1", "bad"], "d": [1, 2]}))


def test_dicts_of_arrays() -> None:
    example = {"image": np.zeros((3, 2, 2), "u1"), "age": np.arange(3)}
    schema = Schema.infer(example)
    built = schema.build(schema.decode(schema.encode(schema.table(example))))
    assert list(built) == ["image", "age"]
    assert built["image"].shape == (3, 2, 2)
    assert built["image"].dtype == np.uint8


@pytest.mark.parametrize(
    ("example", "said", "fix"),
    [
        (pd.Series([1]), "a series", ".to_frame()"),
        (pd.DataFrame([[1, 2]]), "column named 0", "astype(str)"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' twice", "rename"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels", "join"),
        ([1, 2], "not a list", "DataFrame"),
        (None, "not a NoneType", "DataFrame"),
    ],
)
def test_examples_that_are_none(example: Any, said: str, fix: str) -> None:
    with pytest.raises(BadInput) as caught:
        Schema.infer(example)
    assert said in caught.value.what
    assert fix in (caught.value.fix or "")


@pytest.mark.parametrize("data", [np.zeros((2, 7)), 5, "x", None, pd.Series([1])])
def test_data_of_another_kind_is_refused(data: Any) -> None:
    with pytest.raises(BadInput):
        SCHEMA.table(data)
