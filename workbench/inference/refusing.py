"""A column that does not fit -> the row, the value and what is expected, in words.

Conversions work on whole columns; which row made one fail is found by converting halves, so that there is
one implementation of what fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .unfit import Unfit

if TYPE_CHECKING:
    from .fields import Array, Field

Convert = Callable[["Field", "Array"], "Array"]

FAILURES = (Unfit, ValueError, TypeError, KeyError, ArithmeticError, NotImplementedError)
"""What conversions raise."""

_EXPECTED = {
    "number": "a number",
    "bool": "true or false",
    "text": "text",
    "datetime": "a date and time",
    "timedelta": "a length of time",
    "date": "a date",
    "time": "a time of day",
    "decimal": "a decimal number",
    "bytes": "bytes, or their base64 text",
}


def other_shape(field: Field, shape: tuple[int, ...]) -> BadInput:
    """The refusal of an array whose rows have another shape."""
    return BadInput(
        f"column {field.name!r} has shape {_rows_shape(shape)}; the model takes {_rows_shape(field.shape)}",
        column=field.name,
        fix="give one row per case, `x.reshape(1, -1)` for a single one" if field.shape else "give one value per row",
    )


def _rows_shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(['rows', *map(str, shape)])})"


def refusal(field: Field, flat: Array, first_row: int, error: Exception, convert: Convert) -> BadInput:
    """The first value that does not fit, in words."""
    import pandas as pd

    position = _first_bad(field, flat, convert)
    if position is None:
        what = f"column {field.name!r} does not fit {field.dtype}: {error}"
        return BadInput(what, column=field.name, fix=f"give all its values as {field.dtype}")
    try:
        convert(field, flat[position : position + 1])
    except FAILURES as alone:
        error = alone
    row = first_row + position // math.prod(field.shape)
    value = pd.Series(flat[position : position + 1]).iloc[0]
    return BadInput(
        f"column {field.name!r}, row {row}: {_words(field, value, error)}",
        column=field.name,
        row=row,
        fix=_fix(field, value, error),
    )


def _words(field: Field, value: Any, error: Exception) -> str:
    if isinstance(error, Unfit) and error.reason == "is missing":
        return f"a value is missing; the model takes {field.dtype}, which has no missing values"
    if isinstance(error, Unfit):
        return f"{shown(value)} {error.reason}"
    expected = (
        "a whole number" if field.kind == "number" and field.runtime.kind in "iu" else _EXPECTED.get(field.kind, "")
    )
    return f"{shown(value)} is not {expected} ({field.dtype})" if expected else f"{shown(value)} is not {field.dtype}"


def _fix(field: Field, value: Any, error: Exception) -> str:
    if isinstance(error, Unfit) and error.fix:
        return error.fix
    if field.kind == "category" and isinstance(error, Unfit):
        return "correct the value, or capture the model again with an example that has this category"
    if field.kind == "text" and not isinstance(value, str):
        return f"give {field.name} as text, `.astype(str)`, before zeros or digits are lost"
    if isinstance(error, Unfit) and error.reason == "is missing":
        return "fill it or leave the row out; or capture the model again with an example that lacks such values too"
    return "correct the value, or leave the row out"


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _first_bad(field: Field, flat: Array, convert: Convert) -> int | None:
    """The first position whose value alone does not fit, by halves."""
    start, stop = 0, len(flat)
    if not _fails(field, flat[start:stop], convert):
        return None
    while stop - start > 1:
        middle = (start + stop) // 2
        if _fails(field, flat[start:middle], convert):
            stop = middle
        elif _fails(field, flat[middle:stop], convert):
            start = middle
        else:
            return None
    return start


def _fails(field: Field, values: Array, convert: Convert) -> bool:
    try:
        convert(field, values)
    except FAILURES:
        return True
    return False
