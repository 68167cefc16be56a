"""Equal means equal: to the bit, or within the tolerance."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.bundle.equal import difference


def objects(*values: Any) -> np.ndarray:
    made = np.empty(len(values), object)
    made[:] = values
    return made


NAN = np.array([0x7FF8000000000001], "u8").view("f8")

UNEQUAL = [
    (np.array([0.0]), np.array([-0.0]), "row 0: 0.0 against -0.0"),
    (np.array([1.0]), np.array([np.nextafter(1.0, 2)]), "row 0: 1.0 against 1.0000000000000002"),
    (np.array([1.0]), np.array([np.nan]), "row 0: 1.0 against nan"),
    (np.array([1.0]), np.array([1.0], "f4"), "dtype float64 against float32"),
    (np.array([1]), np.array([1.0]), "dtype int64 against float64"),
    (np.array([1]), np.array([1, 2]), "1 rows against 2 rows"),
    (np.zeros((1, 2)), np.zeros((1, 3)), "shape (1, 2) against shape (1, 3)"),
    (np.array([[1.0, 2.0]]), np.array([[1.0, 3.0]]), "row 0"),
    (objects(None), objects(np.nan), "row 0: None against nan"),
    (objects(Decimal("1.10")), objects(Decimal("1.1")), "row 0"),
    (objects(True), objects(1), "row 0: True against 1"),
    (objects("a"), objects("b"), "row 0: 'a' against 'b'"),
    (pd.array([1, None], dtype="Int64"), pd.array([1, 0], dtype="Int64"), "row 1: <NA> against 0"),
    (pd.Categorical(["a"]), pd.Categorical(["a"], categories=["a", "b"]), "dtype category"),
    (pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"]), "dtype category"),
    (pd.Categorical(["a"]), pd.Categorical(["a"], ordered=True), "dtype category"),
    (pd.array(["a", None], dtype="string"), pd.array(["a", "b"], dtype="string"), "row 1: <NA> against 'b'"),
    (np.array(["2024"], "M8[s]"), np.array(["NaT"], "M8[s]"), "row 0"),
    (np.array(["2024"], "M8[s]"), np.array(["2024"], "M8[us]"), "dtype datetime64[s] against datetime64[us]"),
    (np.array(["a"]), np.array(["b"]), "row 0: 'a' against 'b'"),
]
EQUAL = [
    (np.array([np.nan]), NAN),
    (np.array(["a"], "U1"), np.array(["a"], "U9")),
    (objects(None, np.nan, pd.NA, "a"), objects(None, float("nan"), pd.NA, "a")),
    (pd.Categorical(["a", None]), pd.Categorical(["a", None])),
    (np.array(["NaT"], "M8[s]"), np.array(["NaT"], "M8[s]")),
    (pd.date_range("2024", periods=1, tz="UTC").array, pd.date_range("2024", periods=1, tz="UTC").array),
    (objects(np.zeros(2)), objects(np.zeros(2))),
    (np.zeros((0, 3)), np.zeros((0, 3))),
]


@pytest.mark.parametrize(("a", "b", "said"), UNEQUAL)
def test_unequal(a: Any, b: Any, said: str) -> None:
    found = difference({"c": a}, {"c": b}, exact=True)
    assert found[0].startswith("column 'c'")
    assert said in found[0]
    assert difference({"c": a}, {"c": a}, exact=True) == []


@pytest.mark.parametrize(("a", "b"), EQUAL)
@pytest.mark.parametrize("exact", [True, False])
def test_equal(a: Any, b: Any, exact: bool) -> None:
    assert difference({"c": a}, {"c": b}, exact=exact) == []


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        ([1.0], [1 + 1e-13], True),
        ([1.0], [1 + 1e-11], False),
        ([1e-14, 1.0], [3e-14, 1.0], True),
        ([1e-14], [3e-14], False),
        ([np.inf], [np.inf], True),
        ([np.inf, 1.0], [1e300, 1.0], False),
        ([np.nan], [1.0], False),
        ([0.0], [-0.0], True),
        ([0.0], [1e-300], False),
    ],
)
def test_the_tolerance_is_relative_to_the_column(a: list[float], b: list[float], near: bool) -> None:
    for make in (np.array, pd.array):
        assert (difference({"c": make(a)}, {"c": make(b)}, exact=False) == []) is near


def test_single_precision_has_its_own_tolerance() -> None:
    a, b = np.array([1.0], "f4"), np.array([1.000005], "f4")
    assert difference({"c": a}, {"c": b}, exact=False) == []
    assert difference({"c": a}, {"c": b * np.float32(1.001)}, exact=False)


def test_only_the_first_differences_are_listed() -> None:
    said = difference({"c": np.zeros(100)}, {"c": np.ones(100)}, exact=True)
    assert said[:1] == ["column 'c', row 0: 0.0 against 1.0"]
    assert said[-1] == "column 'c': 97 more rows differ"


def test_columns_and_their_order() -> None:
    assert difference({"a": np.zeros(1)}, {"b": np.zeros(1)}, exact=True) == ["columns a against b"]
    assert difference({"a": 1, "b": 1}, {"b": 1, "a": 1}, exact=True) == ["columns a, b against b, a"]
