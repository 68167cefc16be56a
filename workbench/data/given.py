"""Rows of any kind that people give to a client -> what a schema reads, and the answer back as the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError
from ..inference.answer import PREDICTION
from . import frames
from .encoding import lists

if TYPE_CHECKING:
    from ..inference.fields import Table
    from ..inference.schema import Schema


@dataclass(frozen=True)
class Given:
    """`data` for the schema, its number of rows, and how an answer is given back."""

    data: Any
    rows: int
    back: Callable[[Table, Schema], Any]


def of(rows: Any, kind: str) -> Given:
    """Rows as a frame, an array, records, columns, one record, or rows of plain values for a model of arrays."""
    if isinstance(rows, dict):
        return _of_dict(rows, kind)
    if isinstance(rows, list | tuple):
        if all(isinstance(row, dict) for row in rows):
            return Given(list(rows), len(rows), _records)
        if kind != "array":
            raise UsageError("these rows have no names", fix='give a frame, or records: [{"name": value, …}, …]')
        rows = np.asarray(rows)
    if isinstance(rows, np.ndarray) and rows.ndim:
        return Given(rows, len(rows), _array)
    frame, data = frames.frame_of(rows)
    return Given(data, len(frame), lambda table, outputs: _frame(table, frame.index))


def nothing(outputs: Schema) -> Table:
    """The predictions of no rows."""
    return outputs.table({field.name: _empty(field) for field in outputs.fields})


def _empty(field: Any) -> Any:
    import pandas as pd

    return np.empty((0, *field.shape), field.runtime) if field.shape else pd.Series([], dtype=field.runtime).array


def _of_dict(rows: dict[str, Any], kind: str) -> Given:
    lengths = {len(v) if isinstance(v, list | tuple | np.ndarray) or hasattr(v, "iloc") else -1 for v in rows.values()}
    if kind == "dict" or -1 not in lengths:
        arrays = {name: list(v) if isinstance(v, tuple) else v for name, v in rows.items()}
        return Given(arrays, max(lengths, default=0), lambda table, outputs: table)
    return Given([rows], 1, lambda table, outputs: _records(table, outputs)[0])


def _records(table: Table, outputs: Schema) -> list[dict[str, Any]]:
    columns = lists(table)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _array(table: Table, outputs: Schema) -> Any:
    return table[PREDICTION] if list(table) == [PREDICTION] else _frame(table, None)


def _frame(table: Table, index: Any) -> Any:
    """A series where the model answers one value per row, else a frame."""
    import pandas as pd

    index = pd.RangeIndex(len(next(iter(table.values())))) if index is None else index
    frame = frames.joined(pd.DataFrame(index=index), [table], "the service")
    return frame[PREDICTION] if list(table) == [PREDICTION] else frame
