"""Text of requests -> categories, text and times, where nothing about it is in question: a request of one row would
spend most of its time in what pandas asks of a column first."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..inference.fields import Array, Field

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_FIRST, _LAST = "1678", "2262"
"""Years between which each unit can tell every moment."""


def cast(field: Field, values: list[Any]) -> Array | None:
    """What `field.cast` makes of them; None where that has to say."""
    kinds = set(map(type, values))
    if kinds == {str} and field.kind == "text":
        return _text(field, values)
    if str not in kinds or not kinds <= {str, type(None)}:
        return None
    if field.kind == "category":
        return _categories(field, values)
    return _times(field, values) if field.kind == "datetime" else None


def _text(field: Field, values: list[str]) -> Array:
    made = np.array(values, dtype=object)
    if isinstance(field.runtime, np.dtype):
        return made if field.dtype == "object" else made.astype("U")
    array: Array = field.array_type._from_sequence(made, dtype=field.runtime)
    return array


def _categories(field: Field, values: list[str | None]) -> Array | None:
    import pandas as pd

    codes, dtype = field.codes
    try:
        found = np.array([codes[value] for value in values], dtype)
    except KeyError:
        return None
    return pd.Categorical.from_codes(found, dtype=field.runtime, validate=False)


def _times(field: Field, values: list[str | None]) -> Array | None:
    """Of times without a zone, those in the usual form, in a unit that can tell them."""
    if not isinstance(field.runtime, np.dtype):
        return None
    usual = _usual(_DIGITS[np.datetime_data(field.runtime)[0]])
    if not all(value is None or (usual(value) and _FIRST <= value < _LAST) for value in values):
        return None
    try:
        return np.array(values, field.runtime)
    except ValueError:  # the 30th of February
        return None


@lru_cache
def _usual(digits: int) -> Any:
    fraction = rf"(\.\d{{1,{digits}}})?" if digits else ""
    return re.compile(rf"\d{{4}}-\d\d-\d\d([T ]\d\d:\d\d:\d\d{fraction})?", re.ASCII).fullmatch
