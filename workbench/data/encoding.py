"""The columns of an answer -> lists that JSON can hold: missing values and NaN as null, times in ISO 8601, bytes in
base64."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from ..bundle.tables import n_rows

if TYPE_CHECKING:
    from ..inference.fields import Array, Table


def lists(table: Table) -> dict[str, list[Any]]:
    """Each column as a list."""
    return {name: as_list(values) for name, values in table.items()}


def as_list(values: Array) -> list[Any]:
    """An array as a list of what JSON has."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiubU":
        made: list[Any] = values.tolist()
        return made
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return [None if value == "NaT" else value for value in np.datetime_as_string(values).tolist()]
    if isinstance(values, np.ndarray) and values.dtype.kind == "m":
        import pandas as pd

        return [_plain(value) for value in pd.TimedeltaIndex(values.reshape(-1))]
    return [_plain(value) for value in np.asarray(values, dtype=object).tolist()]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return as_list(np.array([value]))[0] if value.dtype.kind in "mM" else _plain(value.item())
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, np.ndarray):
        return as_list(value)
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def finite(table: Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows hold no infinity."""
    fits = np.ones(n_rows(table), dtype=bool)
    for values in table.values():
        if getattr(values.dtype, "kind", "O") == "f":
            plain = values if isinstance(values, np.ndarray) else values.to_numpy(dtype=float, na_value=np.nan)
            fits &= ~np.isinf(plain.reshape(len(plain), -1)).any(axis=1)
    return fits


def dumps(value: Any) -> bytes:
    """JSON; NaN and infinities are null, and what JSON has not is as in `as_list`. TypeError for what cannot be."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
