"""Every dtype survives the schema's own encoding, in memory, in JSON and in Parquet."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.bundle.equal import difference
from workbench.errors import BadInput
from workbench.inference import casting
from workbench.inference.fields import Field
from workbench.inference.schema import Schema

PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3
UNITS = ("s", "ms", "us", "ns")
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
ZONES = ("UTC", "Europe/Berlin", "UTC+05:30")

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


def lists(values: st.SearchStrategy[Any], missing: Any = ...) -> st.SearchStrategy[list[Any]]:
    return st.lists(values if missing is ... else values | st.just(missing), max_size=6)


def in_range(dtype: str) -> st.SearchStrategy[int]:
    limits = np.iinfo(dtype.lower())
    return st.integers(int(limits.min), int(limits.max))


def objects(values: list[Any]) -> np.ndarray:
    made = np.empty(len(values), object)
    made[:] = values
    return made


@st.composite
def whole(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(WHOLE))
    return np.array(draw(lists(in_range(dtype))), dtype)


@st.composite
def floats(draw: st.DrawFn) -> Any:
    dtype, unsigned = draw(st.sampled_from([("float16", "u2"), ("float32", "u4"), ("float64", "u8")]))
    bits = draw(lists(st.integers(0, np.iinfo(unsigned).max)))
    return np.array(bits, unsigned).view(dtype)


@st.composite
def nullable(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from([*NULLABLE, "Float32", "Float64", "boolean"]))
    values = st.booleans() if dtype == "boolean" else in_range(dtype) if "Int" in dtype else st.floats(width=32)
    return pd.array(draw(lists(values.filter(lambda v: v == v), pd.NA)), dtype=dtype)


@st.composite
def dates(draw: st.DrawFn) -> Any:
    unit = draw(st.sampled_from(UNITS))
    kind = draw(st.sampled_from(["M8", "m8"]))
    span = 2**53 if unit == "s" else 2**62  # Parquet keeps seconds as milliseconds
    values = np.array(draw(lists(st.integers(-span, span))), "i8").view(f"{kind}[{unit}]")
    if len(values) and draw(st.booleans()):
        values[0] = np.array("NaT", values.dtype)
    return values


@st.composite
def zoned(draw: st.DrawFn) -> Any:
    unit, zone = draw(st.sampled_from(UNITS)), draw(st.sampled_from(ZONES))
    span = {"s": 10**9, "ms": 10**12, "us": 10**15, "ns": 10**18}[unit]
    values = np.array(draw(lists(st.integers(-span, 4 * span))), "i8").view(f"M8[{unit}]")
    return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(zone).array


@st.composite
def strings(draw: st.DrawFn) -> Any:
    dtypes = ["string", "string[python]", *(["str"] if PANDAS_3 else [])]
    return pd.array(objects(draw(lists(text, None))), dtype=draw(st.sampled_from(dtypes)))


@st.composite
def object_values(draw: st.DrawFn) -> Any:
    missing = draw(st.sampled_from([None, np.nan, pd.NA]))
    values = draw(
        st.sampled_from(
            [
                text,
                st.booleans(),
                st.binary(max_size=4),
                st.dates(),
                st.times(),
                st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda d: d * Decimal("1.10")),
            ]
        )
    )
    return objects(draw(lists(values, missing)))


@st.composite
def categories(draw: st.DrawFn) -> Any:
    labels = draw(
        st.lists(text, unique=True, min_size=1, max_size=4)
        | st.lists(st.integers(-9, 9), unique=True, min_size=1, max_size=4)
        | st.lists(st.floats(-9, 9), unique=True, min_size=1, max_size=4)
        | st.just([False, True])
    )
    codes = draw(lists(st.integers(-1, len(labels) - 1)))
    dtype = pd.CategoricalDtype(labels, ordered=draw(st.booleans()))
    return pd.Categorical.from_codes(np.array(codes, "i8"), dtype=dtype)


@st.composite
def shaped(draw: st.DrawFn) -> Any:
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    rows = draw(st.integers(0, 3))
    dtype = draw(st.sampled_from(["float32", "float64", "int64", "uint8", "bool", "datetime64[us]", "U", "object"]))
    size = rows * int(np.prod(shape))
    numbers = np.array(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)), "i8")
    if dtype in ("U", "object"):
        return objects([f"t{n}" for n in numbers]).astype(dtype).reshape(rows, *shape)
    return numbers.astype(dtype).reshape(rows, *shape)


fixed_width = lists(text.map(lambda t: t.rstrip("\0"))).map(lambda v: np.array(v, "U"))
booleans = lists(st.booleans()).map(lambda v: np.array(v, bool))
columns = st.one_of(
    whole(),
    floats(),
    booleans,
    nullable(),
    dates(),
    zoned(),
    strings(),
    object_values(),
    categories(),
    shaped(),
    fixed_width,
)


@settings(max_examples=600, deadline=None)
@given(columns)
def test_every_dtype_comes_back(values: Any) -> None:
    schema = Schema.infer({"c": values})
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    table = schema.table({"c": values})
    assert difference(table, {"c": values}, exact=True) == []
    encoded = schema.encode(table)
    assert difference(schema.decode(encoded), table, exact=True) == []
    file = io.BytesIO()
    pq.write_table(encoded, file)
    back = schema.decode(pq.ParquetFile(file).read())
    assert difference(back, table, exact=True) == []
    assert difference(schema.table(encoded), table, exact=True) == []
    assert back["c"].dtype == values.dtype or values.dtype.kind == "U"
    assert schema.fields[0].conforms(back["c"]) or schema.fields[0].dtype in ("object", "<U")


@settings(max_examples=300, deadline=None)
@given(columns.filter(lambda v: v.ndim == 1 and v.dtype.kind != "U"))
def test_frames_are_built_with_the_very_dtypes(values: Any) -> None:
    frame = pd.DataFrame({"c": pd.Series(values, dtype=values.dtype), "n": np.arange(len(values))})
    schema = Schema.infer(frame)
    built = schema.build(schema.decode(schema.encode(schema.table(frame))))
    assert built.dtypes.equals(frame.dtypes)
    assert difference(schema.table(built), schema.table(frame), exact=True) == []


def test_nan_keeps_its_bits_and_zero_its_sign() -> None:
    values = np.array([0x7FF8000000000001, 0xFFF8000000000002, 0x8000000000000000], "u8").view("f8")
    field = Field.infer("c", values)
    assert field.from_arrow(field.to_arrow(values)).tobytes() == values.tobytes()


def test_nullable_floats_tell_nan_from_missing() -> None:
    values = pd.arrays.FloatingArray(np.array([1.0, np.nan, 0.0]), np.array([False, False, True]))
    field = Field.infer("c", values)
    back = field.from_arrow(field.to_arrow(values))
    assert back.isna().tolist() == [False, False, True]
    assert np.isnan(back.to_numpy(float, na_value=0.0)).tolist() == [False, True, False]


def test_categories_keep_their_order_for_models_that_read_codes() -> None:
    field = Field.infer("plan", pd.Categorical(["b", "a"], categories=["b", "a"]))
    cast = field.cast(pd.Categorical(["a", "b"], categories=["a", "b"]))
    assert cast.categories.tolist() == ["b", "a"]
    assert cast.codes.tolist() == [1, 0]


FITTING = [
    ("float64", ["3", 2, None], [3.0, 2.0, np.nan]),
    ("float32", np.array([0.1]), [np.float32(0.1)]),
    ("int64", np.array([1.0, 2.0]), [1, 2]),
    ("int64", ["9007199254740993", "1.0"], [9007199254740993, 1]),
    ("Int64", ["9007199254740993", None, ""], [9007199254740993, pd.NA, pd.NA]),
    ("Int64", [], []),
    ("bool", ["true", "False", 1], [True, False, True]),
    ("boolean", [None, 0.0], [pd.NA, False]),
    (
        "datetime64[us]",
        ["2024-01-02", "2024-01-02T03:04:05.000001"],
        ["2024-01-02T00:00:00.000000", "2024-01-02T03:04:05.000001"],
    ),
    ("datetime64[s]", [dt.date(2024, 1, 2), None], ["2024-01-02", "NaT"]),
    ("timedelta64[s]", ["2 days", "PT5M"], np.array([172800, 300], "m8[s]")),
]


@pytest.mark.parametrize(("dtype", "given_values", "expected"), FITTING)
def test_what_fits_is_read(dtype: str, given_values: Any, expected: Any) -> None:
    field = Field("c", dtype)
    cast = field.cast(given_values)
    assert cast.dtype == field.runtime
    assert difference({"c": cast}, {"c": casting.plain(pd.Series(expected, dtype=dtype), "c")}, exact=True) == []


HELD = [
    (dt.date(2024, 1, 2), ["2024-01-02", pd.Timestamp("2024-01-02"), None]),
    (dt.time(1, 2), ["01:02"]),
    (Decimal("1.10"), ["1.10"]),
    (b"hi", ["aGk="]),
    (True, ["true", 1]),
    ("text", ["text", None]),
]


@pytest.mark.parametrize(("value", "given_values"), HELD)
def test_objects_are_read_from_text(value: Any, given_values: list[Any]) -> None:
    cast = Field.infer("c", objects([value, None])).cast(given_values)
    assert {type(v) for v in cast if v is not None} == {type(value)}
    assert str(cast[0]) == str(value)


def test_dates_come_out_of_datetimes_only_at_midnight() -> None:
    field = Field.infer("day", objects([dt.date(2024, 1, 2)]))
    assert field.cast(pd.Series(pd.to_datetime(["2024-01-02"]))).tolist() == [dt.date(2024, 1, 2)]
    with pytest.raises(BadInput, match="2024-01-02 03:00:00 is not a date"):
        field.cast(pd.Series(pd.to_datetime(["2024-01-02 03:00"])))


REFUSED = [
    ("float64", ["1", "abc"], 1, "'abc' is not a number (float64)"),
    ("int64", [1, 1.5], 1, "1.5 is not a whole number (int64)"),
    ("int64", [1, None], 1, "a value is missing; the model takes int64, which has no missing values"),
    ("int8", [1, 300], 1, "300 is not a whole number (int8)"),
    ("float32", np.array([1.0, 1e300]), 1, "1e+300 is not a number (float32)"),
    ("int64", np.array([1.0, np.inf]), 1, "inf is not a whole number (int64)"),
    ("bool", [True, "maybe"], 1, "'maybe' is not true or false (bool)"),
    ("bool", pd.array([True, None], dtype="boolean"), 1, "a value is missing"),
    ("string", ["a", 1], 1, "1 is not text (string)"),
    ("datetime64[us]", ["2024-01-01", "01/02/2024"], 1, "'01/02/2024' is not a date and time"),
    ("datetime64[us]", ["2024-01-01T00:00:00Z"], 0, "has a zone; the model takes times without one"),
    ("datetime64[us, UTC]", ["2024-01-01T00:00:00"], 0, "has no zone; the model takes times with one"),
    ("datetime64[s]", np.array(["2024-01-01T00:00:00.5"], "M8[ms]"), 0, "is finer than s"),
    ("datetime64[ns]", np.array(["9999-01-01"], "M8[s]"), 0, "9999-01-01"),
    ("datetime64[us]", [5], 0, "5 is not a date and time"),
    ("timedelta64[s]", ["5"], 0, "'5' has no unit"),
    ("float64", np.array(["2024"], "M8[s]"), 0, "is not a number"),
]


@pytest.mark.parametrize(("dtype", "values", "row", "said"), REFUSED)
def test_a_value_that_does_not_fit_is_named(dtype: str, values: Any, row: int, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        Field("age", dtype).cast(values, first_row=800)
    assert said in caught.value.what
    assert caught.value.what.startswith(f"column 'age', row {800 + row}: ")
    assert (caught.value.column, caught.value.row) == ("age", 800 + row)


def test_an_unknown_category_is_refused_with_those_that_are_known() -> None:
    field = Field.infer("plan", pd.Categorical(["basic", "plus"]))
    with pytest.raises(BadInput, match=r"row 2: 'gold' is none of the categories 'basic', 'plus'"):
        field.cast(["basic", None, "gold"])
    assert Field.infer("n", pd.Categorical([3, 1])).cast(["3", None]).tolist()[0] == 3


@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_the_first_bad_row_is_found(bad: list[bool]) -> None:
    with pytest.raises(BadInput) as caught:
        Field("c", "int64").cast(["x" if b else "1" for b in bad])
    assert caught.value.row == bad.index(True)


UNSUPPORTED = [
    (pd.Series([1, "a"], dtype=object), "object and holds int, str", ".astype(str)"),
    (pd.Series([1, None], dtype=object), "object and holds int", ".astype('Int64')"),
    (pd.Series([[1], [2]]), "holds list", "np.stack"),
    (pd.arrays.SparseArray([0, 1]), "Sparse", ".sparse.to_dense()"),
    (pd.period_range("2024", periods=1, freq="D").array, "period", ".dt.to_timestamp()"),
    (pd.cut(pd.Series([1, 2]), 2), "category", ".astype(str)"),
    (np.array([1j]), "complex", "real and imaginary"),
    (np.zeros((2, 0)), "empty", ""),
]


@pytest.mark.parametrize(("values", "said", "fix"), UNSUPPORTED)
def test_what_a_schema_cannot_hold_is_refused_with_the_fix(values: Any, said: str, fix: str) -> None:
    with pytest.raises(BadInput) as caught:
        Field.infer("c", values)
    assert "column 'c'" in caught.value.what
    assert said in caught.value.what
    assert fix in (caught.value.fix or "")


@pytest.mark.parametrize("dtype", ["int64[pyarrow]", "double[pyarrow]", "string[pyarrow]", "bool[pyarrow]"])
def test_arrow_dtypes_come_back(dtype: str) -> None:
    values = pd.array([None], dtype=dtype)
    field = Field.infer("c", values)
    back = field.from_arrow(field.to_arrow(values))
    assert back.dtype == values.dtype
    assert difference({"c": back}, {"c": values}, exact=True) == []
