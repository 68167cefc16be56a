"""Numbers and booleans of any origin -> the very number dtype of a model, exactly or not at all."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np

from . import objects
from .unfit import Unfit

Mask = Any
"""A boolean array that is True where a value is missing, or None where none is."""


def numbers(dtype: Any, values: Any) -> Any:
    """`values` as numbers of `dtype` (numpy's, or pandas's nullable ones). Whole numbers must be whole and in range;
    floats are rounded to their precision, but not to infinity."""
    target = dtype if isinstance(dtype, np.dtype) else dtype.numpy_dtype
    data, mask = _parsed(values, whole=target.kind in "iu")
    made = _whole(data, target) if target.kind in "iu" else _floating(data, target)
    if isinstance(dtype, np.dtype):
        return _without_mask(made, mask)
    return dtype.construct_array_type()(made, np.zeros(len(made), bool) if mask is None else mask)


def truths(dtype: Any, values: Any) -> Any:
    """`values` as booleans: from themselves, 0 and 1, and their text."""
    data, mask = _true_or_false(values)
    if isinstance(dtype, np.dtype):
        return _without_mask(data, mask)
    import pandas as pd

    return pd.arrays.BooleanArray(data, np.zeros(len(data), bool) if mask is None else mask)


def _without_mask(data: Any, mask: Mask) -> Any:
    """The data with nan where a value is missing, for dtypes that can say so."""
    if mask is None or not mask.any():
        return data
    if data.dtype.kind != "f":
        raise Unfit("is missing", "fill in the missing values")
    data[mask & ~np.isnan(data)] = np.nan  # those that are nan keep their bits
    return data


def _true_or_false(values: Any) -> tuple[Any, Mask]:
    import pandas as pd

    if values.dtype == bool:
        return values, None
    if getattr(values.dtype, "kind", "O") in "OUM" or isinstance(values.dtype, pd.StringDtype):
        items = np.asarray(values, dtype=object)
        mask = pd.isna(items)
        data = np.zeros(len(items), bool)
        data[~mask] = [objects.truth(v) for v in items[~mask]]
        return data, mask
    data, mask = _parsed(values, whole=False)
    present = data if mask is None else data[~mask]
    if not np.isin(present, (0, 1)).all():
        raise ValueError
    return (data == 1), mask


def _parsed(values: Any, *, whole: bool) -> tuple[Any, Mask]:
    """Numbers in a numpy array, and where one is missing (there it holds 0, or nan)."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        mask = np.isnan(values) if values.dtype.kind == "f" else None
        return (np.where(mask, 0, values) if whole and mask is not None else values), mask
    if isinstance(values, np.ndarray) and values.dtype.kind not in "OU":
        raise TypeError(values.dtype)
    if numpy_dtype := _nullable_number(values.dtype):
        mask = np.asarray(values.isna())
        return values.to_numpy(dtype=numpy_dtype, na_value=0), mask
    items = np.asarray(values, dtype=object)
    mask = _absent(items)
    parsed = _from_text(items[~mask], whole=whole)
    data = np.zeros(len(items), parsed.dtype)
    data[~mask] = parsed
    return data, mask


def _absent(items: Any) -> Any:
    """Where a value is missing; blank text is a missing number."""
    import pandas as pd

    blank = [isinstance(v, str) and not v.strip() for v in items]
    return pd.isna(items) | np.array(blank, dtype=bool)


def _nullable_number(dtype: Any) -> Any:
    found = getattr(dtype, "numpy_dtype", None)
    return found if found is not None and found.kind in "biuf" else None


def _from_text(items: Any, *, whole: bool) -> Any:
    """Text and Python numbers as numbers; whole ones exactly, though others among them are written as 1.0."""
    import pandas as pd

    if any(isinstance(v, bytes) for v in items):
        raise TypeError("bytes")
    parsed = pd.to_numeric(items, errors="raise") if len(items) else np.zeros(0)
    if whole and parsed.dtype.kind not in "biu":
        return np.array([_exactly(v) for v in items], dtype=None if len(items) else np.int64)
    if not whole and parsed.dtype.kind == "i":
        return _signed(parsed, items)
    return parsed if parsed.dtype.kind in "biuf" else parsed.astype(float)


def _signed(parsed: Any, items: Any) -> Any:
    """pandas makes whole numbers of [1, -0.0]: the zeros that have a sign get it back."""
    zeros = np.flatnonzero(parsed == 0)
    found = np.array([float(v) for v in items[zeros]])
    if not np.signbit(found).any():
        return parsed
    made = parsed.astype(float)
    made[zeros] = found
    return made


def _exactly(value: Any) -> int:
    found = decimal.Decimal(str(value).strip())
    if found != found.to_integral_value():
        raise ValueError(value)
    return int(found)


def _whole(data: Any, target: Any) -> Any:
    limits = np.iinfo(target)
    if data.dtype.kind == "f":
        fits = (data == np.floor(data)) & (data >= float(limits.min)) & (data < float(limits.max) + 1)
        if not fits.all():
            raise ValueError
    elif data.dtype.kind != "b" and len(data) and not (limits.min <= int(data.min()) and int(data.max()) <= limits.max):
        raise OverflowError
    return data.astype(target)


def _floating(data: Any, target: Any) -> Any:
    with np.errstate(over="ignore"):
        made = data.astype(target)
    if (np.isinf(made) & np.isfinite(data)).any():
        raise OverflowError
    return made
