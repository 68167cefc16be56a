"""Columns of dtype object: what they hold, which missing value they use, and what can become such a value."""

from __future__ import annotations

import base64
import datetime
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np

_HELD = {
    "string": "text",
    "empty": "text",
    "boolean": "bool",
    "date": "date",
    "time": "time",
    "decimal": "decimal",
    "bytes": "bytes",
}
_WHOLE_AND_FLOAT = {"int", "float", "bool", "integer"}


def holds(values: np.ndarray[Any, Any]) -> str | None:
    """What all values that are not missing are: text, bool, date, time, decimal or bytes; None for any other."""
    import pandas as pd

    found = pd.api.types.infer_dtype(values, skipna=True)
    if found == "floating" and bool(pd.isna(values).all()):
        return "text"
    if found == "time" and any(isinstance(v, datetime.time) and v.tzinfo for v in values):
        return None
    return _HELD.get(found)


def missing(values: np.ndarray[Any, Any]) -> str:
    """The missing value in use: nan if it is seen, else NA, NaT or None."""
    import pandas as pd

    seen = {_missing_name(v) for v in values[pd.isna(values)]}
    return next((name for name in ("nan", "NA", "NaT") if name in seen), "None")


def _missing_name(value: Any) -> str:
    import pandas as pd

    return "NA" if value is pd.NA else "NaT" if value is pd.NaT else "None" if value is None else "nan"


def missing_value(name: str) -> Any:
    """The missing value of that name."""
    import pandas as pd

    return {"None": None, "nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}[name]


def found(values: np.ndarray[Any, Any]) -> tuple[str, str]:
    """The types in a column that holds several or unknown ones, in words, and how to make them one."""
    import pandas as pd

    kinds = sorted({type(v).__name__ for v in values if not _is_missing(v)})
    if set(kinds) <= _WHOLE_AND_FLOAT:
        whole = set(kinds) <= {"int", "bool"}
        fix = "make it numbers, `.astype('Int64')`" if whole else "make it numbers, `.astype(float)`"
    elif {"Timestamp", "datetime"} & set(kinds):
        fix = "make it dates, `pd.to_datetime(…, utc=True)`"
    elif {"list", "ndarray", "tuple"} & set(kinds):
        fix = "make it an array of its own in a dict of arrays, `np.stack(…)`, or one column per element"
    else:
        fix = "make it one kind of value, `.astype(str)` for text"
    shown = ", ".join(kinds[:4])
    return shown or pd.api.types.infer_dtype(values), fix


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return value is None or (np.ndim(value) == 0 and bool(pd.isna(value)))


def convert(kind: str, absent: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Values of dtype object as those of `kind`, with its missing value; raises ValueError for one that is not."""
    import pandas as pd

    mask = pd.isna(values)
    if holds(values) != kind:
        convert_one = _CONVERT[kind]
        made = np.empty(len(values), object)
        for i in np.flatnonzero(~mask):
            made[i] = convert_one(values[i])
        values = made
    return with_missing(values, mask, absent)


def with_missing(values: np.ndarray[Any, Any], mask: Any, absent: str) -> np.ndarray[Any, Any]:
    """The values, with the missing value `absent` wherever one is missing; a copy if any is."""
    if mask.any():
        values = values.copy()
        values[mask] = missing_value(absent)
    return values


def truth(value: Any) -> bool:
    """True and False from themselves, 1 and 0, and their text."""
    if isinstance(value, str):
        return _TRUTH[value.strip().lower()]
    if value == 0 or value == 1:
        return bool(value)
    raise ValueError(value)


_TRUTH = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise ValueError(value)


def _date(value: Any) -> datetime.date:
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.strip())
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None or value != value.replace(hour=0, minute=0, second=0, microsecond=0):
            raise ValueError(value)
        return value.date()
    if isinstance(value, datetime.date):
        return value
    raise ValueError(value)


def _time(value: Any) -> datetime.time:
    value = datetime.time.fromisoformat(value.strip()) if isinstance(value, str) else value
    if isinstance(value, datetime.time) and value.tzinfo is None:
        return value
    raise ValueError(value)


def _decimal(value: Any) -> decimal.Decimal:
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, str | int | float | np.integer | np.floating | decimal.Decimal
    ):
        raise ValueError(value)
    return decimal.Decimal(str(value).strip())


def _bytes(value: Any) -> bytes:
    """Text stands for bytes in base64, as in JSON requests."""
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise ValueError(value)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "bool": truth,
    "date": _date,
    "time": _time,
    "decimal": _decimal,
    "bytes": _bytes,
}
