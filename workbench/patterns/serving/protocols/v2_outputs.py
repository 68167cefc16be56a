"""Columns of an answer -> tensors of the Open Inference Protocol: values for JSON and messages, or raw bytes."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ....data.encoding import as_list
from ....data.tensors import DTYPES, datatype, of_dtype, to_bytes
from ..refusals import Refused

if TYPE_CHECKING:
    from ....inference.fields import Array, Field

_WHOLE = frozenset(name for name, dtype in DTYPES.items() if dtype.kind in "iu")
_CONTENT_TYPES = {"bytes": "base64", "datetime": "datetime"}


def of_column(values: list[Any], field: Field | None) -> tuple[str, list[int], list[Any]]:
    """The datatype, shape and flat values of a column as `data.encoding` lists it; null is a missing one."""
    kind = datatype(field) if field else "BYTES"
    shape = [len(values)] if values or field is None else [0, *field.shape]
    while values and type(values[0]) is list:
        shape.append(len(values[0]))
        values = list(chain.from_iterable(values))
    if kind == "BYTES":
        return kind, shape, [_text(value) for value in values]
    if kind in _WHOLE and float in set(map(type, values)):
        kind = "FP64"  # the model answers other numbers than its reference had
    return kind, shape, values


def raw(name: str, column: Array, field: Field | None) -> tuple[str, list[int], bytes]:
    """The datatype, shape and raw bytes of a column. A missing text has no bytes; Refused for another missing value,
    where the datatype has none."""
    kind = "BOOL" if field is not None and field.holds == "bool" else of_dtype(column.dtype)
    shape = list(column.shape)
    if kind == "BYTES":
        return kind, shape, to_bytes(_written(column, field), kind)
    if not isinstance(column, np.ndarray) or column.dtype == object:
        column = _present(name, column, kind)
    return kind, shape, to_bytes(column, kind)


def content_type(kind: str, field: Field | None) -> str:
    """The content type of an output, for those who sent theirs."""
    return "np" if kind != "BYTES" else _CONTENT_TYPES.get(field.kind if field else "", "str")


def _written(column: Array, field: Field | None) -> list[Any]:
    """The values of a column as bytes, where it holds these, or as text; a missing one has none."""
    if field is not None and field.kind == "bytes":
        return [bytes(value) if isinstance(value, bytes | bytearray) else b"" for value in column]
    values = as_list(column)
    while values and type(values[0]) is list:
        values = list(chain.from_iterable(values))
    return [_text(value) or "" for value in values]


def _present(name: str, column: Array, kind: str) -> Any:
    """Values of a dtype that knows missing ones, as numpy has them."""
    import pandas as pd

    missing = np.asarray(pd.isna(column))
    if missing.any() and not kind.startswith("FP"):
        what = f"output {name!r} has missing values; a raw tensor of {kind} has none"
        raise Refused(what, fix='ask for it as JSON: "parameters": {"binary_data": false}')
    values = np.asarray(column, dtype=object)
    return np.where(missing, np.nan, values).astype(DTYPES[kind]) if missing.any() else values.astype(DTYPES[kind])


def _text(value: Any) -> str | None:
    """BYTES of a value; a missing one is null, whether it is None or NaN."""
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else str(value)
