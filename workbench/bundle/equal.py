"""Whether two tables are equal: the same columns, dtypes and values, bit for bit or within a tolerance.

Bit for bit tells -0.0 from 0.0; all nan are one. The tolerance is for sums that were added in another order:
|a - b| <= rtol * max(|a|, |b|, the column's scale), with rtol 1e-12, and 1e-5 in single precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inference.dtypes import written

if TYPE_CHECKING:
    from ..inference.fields import Array, Table

_SHOWN = 3
_RTOL = {2: 1e-2, 4: 1e-5, 8: 1e-12}


def difference(a: Table, b: Table, *, exact: bool) -> list[str]:
    """The first differences between two tables in words; none where they are equal."""
    if list(a) != list(b):
        return [f"columns {', '.join(a) or 'none'} against {', '.join(b) or 'none'}"]
    return [said for name in a for said in _column(name, a[name], b[name], exact=exact)]


def same_rows(a: Table, b: Table, *, exact: bool) -> np.ndarray[Any, Any]:
    """Where two tables of the same columns, dtypes and rows agree in every column: a boolean for each row."""
    columns = [_same(a[name], b[name], exact=exact) for name in a]
    return np.asarray(np.logical_and.reduce([same.reshape(len(same), -1).all(axis=1) for same in columns]))


def _column(name: str, a: Array, b: Array, *, exact: bool) -> Iterator[str]:
    if _dtype(a) != _dtype(b):
        yield f"column {name!r}: dtype {_dtype(a)} against {_dtype(b)}"
    elif a.shape != b.shape:
        yield f"column {name!r}: {_shape(a)} against {_shape(b)}"
    elif len(a):
        unequal = ~_same(a, b, exact=exact)
        flat = unequal.reshape(len(a), -1).any(axis=1)
        yield from _rows(name, a, b, np.flatnonzero(flat))


def _rows(name: str, a: Array, b: Array, rows: np.ndarray[Any, Any]) -> Iterator[str]:
    for row in rows[:_SHOWN]:
        yield f"column {name!r}, row {row}: {_shown(a[row])} against {_shown(b[row])}"
    if len(rows) > _SHOWN:
        yield f"column {name!r}: {len(rows) - _SHOWN} more rows differ"


def _shown(value: Any) -> str:
    text = repr(value.item() if isinstance(value, np.generic) and value.dtype.kind not in "mM" else value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _shape(values: Array) -> str:
    return f"{len(values)} rows" if values.ndim == 1 else f"shape {tuple(values.shape)}"


def _dtype(values: Array) -> str:
    """The dtype as text; categories with their labels in order, since their codes are what models read."""
    dtype = values.dtype
    if hasattr(dtype, "categories") and hasattr(dtype, "ordered"):
        labels = ", ".join(map(repr, dtype.categories.tolist()))
        return f"category of {dtype.categories.dtype} ({labels}{', ordered' if dtype.ordered else ''})"
    return written(dtype) or str(dtype)


def _same(a: Array, b: Array, *, exact: bool) -> np.ndarray[Any, Any]:
    """Where the values are equal: a boolean array of their shape."""
    if isinstance(a, np.ndarray):
        return _same_numpy(a, b, exact=exact)
    if hasattr(a, "codes"):
        return np.asarray(a.codes == b.codes)
    if hasattr(a, "asi8"):
        return np.asarray(a.asi8 == b.asi8)
    missing_a, missing_b = np.asarray(a.isna()), np.asarray(b.isna())
    kind = getattr(a.dtype, "kind", "O")
    if kind in "biuf":
        zero = np.dtype(a.dtype.numpy_dtype).type(0)
        values = [v.to_numpy(dtype=zero.dtype, na_value=zero) for v in (a, b)]
        same = _same_numpy(values[0], values[1], exact=exact)
    else:
        same = _same_numpy(np.asarray(a, dtype=object), np.asarray(b, dtype=object), exact=exact)
    return np.where(missing_a | missing_b, missing_a & missing_b, same)


def _same_numpy(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], *, exact: bool) -> np.ndarray[Any, Any]:
    if a.dtype == object:
        pairs = zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)
        return np.array([_same_object(x, y, exact=exact) for x, y in pairs], dtype=bool).reshape(a.shape)
    if a.dtype.kind == "c":
        parts = [_same_numpy(getattr(a, part), getattr(b, part), exact=exact) for part in ("real", "imag")]
        return np.asarray(parts[0] & parts[1])
    if a.dtype.kind == "f":
        same = _same_bits(a, b) if exact else _close(a, b)
        return np.asarray(same | (np.isnan(a) & np.isnan(b)))
    if a.dtype.kind in "mM":
        return np.asarray(a.view("int64") == b.view("int64"))
    return np.asarray(a == b)


def _same_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    same = (a == b) & (np.signbit(a) == np.signbit(b))
    return np.asarray(same)


def _close(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    larger = np.maximum(np.abs(a), np.abs(b))
    finite = larger[np.isfinite(larger)]
    scale = finite.max() if finite.size else 0
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= _RTOL.get(a.dtype.itemsize, 1e-12) * np.maximum(larger, scale)
    return np.asarray((a == b) | (near & np.isfinite(a) & np.isfinite(b)))


def _same_object(a: Any, b: Any, *, exact: bool) -> bool:
    """Values of the same type; a missing one only against the very same missing one."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return bool(_same_numpy(np.array([a]), np.array([b]), exact=exact)[0])
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and _dtype(a) == _dtype(b) and bool(_same(a, b, exact=exact).all())
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_same_object(x, y, exact=exact) for x, y in zip(a, b, strict=True))
    return str(a) == str(b) if a.__class__.__name__ == "Decimal" else bool(a == b)
