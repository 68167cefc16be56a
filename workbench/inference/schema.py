"""What a model takes: the kind its function is given (frame, array, dict of arrays) and the fields in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import BadInput
from . import reading
from .fields import Field, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Kind = Literal["frame", "array", "dict"]


@dataclass(frozen=True)
class Schema:
    """The fields of a model's input in their order, and what its function gets them as."""

    kind: Kind
    fields: tuple[Field, ...]

    @classmethod
    def infer(cls, example: Any) -> Schema:
        """The schema of an example: a frame, an array of shape (rows, …), or a dict of arrays.

        BadInput, with the fix, for names that are not unique text and columns that cannot be held exactly.
        """
        if hasattr(example, "iloc"):
            return _of_frame(example)
        if isinstance(example, dict):
            return cls("dict", tuple(Field.infer(_name(n), v) for n, v in example.items()))
        if isinstance(example, np.ndarray) and example.ndim:
            return cls("array", (Field.infer(reading.ONLY, example),))
        raise BadInput(
            f"an example is a frame, an array or a dict of arrays, not a {type(example).__name__}",
            fix="make it a frame, `pd.DataFrame(…)`, or an array, `np.asarray(…)`",
        )

    @classmethod
    def infer_table(cls, table: Table) -> Schema:
        """The schema of a table, such as an answer: named columns, written as those of a frame."""
        return cls("frame", tuple(Field.infer(name, values) for name, values in table.items()))

    @cached_property
    def names(self) -> list[str]:
        """The names of the fields, in order."""
        return [field.name for field in self.fields]

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    def table(self, data: Any, *, first_row: int = 0) -> Table:
        """The model's columns out of `data`, cast to what the model saw: order is free, other columns are left out.

        `data` is a frame, Arrow table, array, dict of arrays or list of records; `first_row` is the number of its
        first row in the whole input. BadInput names missing columns, or the column, row and value that does not fit.
        """
        found = reading.columns(data, self)
        try:
            table = {field.name: field.cast(found[field.name], first_row=first_row) for field in self.fields}
        except KeyError:
            reading.refuse_missing(data, found, self)
            raise
        reading.rows(table)
        return table

    def rows(self, table: Table) -> int:
        """The number of rows of a table."""
        return reading.rows(table)

    def encode(self, table: Table) -> pa.Table:
        """A conforming table for Arrow and Parquet; `decode` gives it back with every dtype, missing value and bit."""
        import pyarrow as pa

        return pa.table({field.name: field.to_arrow(table[field.name]) for field in self.fields})

    def decode(self, table: pa.Table) -> Table:
        """The table that `encode` made, also after Parquet has kept it."""
        return {field.name: field.from_arrow(table.column(field.name)) for field in self.fields}

    def build(self, table: Table, *, owned: bool = False) -> Any:
        """What the model's function is given: a new frame with a RangeIndex, an array, or a dict of arrays.

        One memory layout whatever the origin, and the model's own to change: values are copied, but those of an
        `owned` table, which nobody reads afterwards, where an array is as it must be already.
        """
        if self.kind == "frame":
            return self._frame(table)
        arrays = {name: _own(table[name], owned) for name in self.names}
        return arrays[reading.ONLY] if self.kind == "array" else arrays

    @cached_property
    def _frame(self) -> Callable[[Table], pd.DataFrame]:
        from .building import frame_builder

        return frame_builder(self.fields)

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "frame", "fields": [{"name": "age", "dtype": "int64"}, …]}`."""
        return {"kind": self.kind, "fields": [field.to_json() for field in self.fields]}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Schema:
        """The schema that `to_json` wrote."""
        return cls(found["kind"], tuple(Field.from_json(field) for field in found["fields"]))


def _own(values: Any, owned: bool) -> Any:
    if not isinstance(values, np.ndarray):
        return values.copy()
    free = owned and values.flags.writeable and values.flags.c_contiguous
    return values if free else np.array(values, order="C")


def _of_frame(frame: Any) -> Schema:
    if not hasattr(frame, "columns"):
        raise BadInput("the example is a series", fix="make it a frame, `.to_frame()`")
    names = list(frame.columns)
    if frame.columns.nlevels > 1:
        raise BadInput(
            "the example has columns of several levels",
            fix='join them, `X.columns = ["_".join(map(str, c)) for c in X.columns]`',
        )
    names = [_name(name) for name in names]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"the example has the column {twice[0]!r} twice", column=twice[0], fix="rename one of them")
    return Schema("frame", tuple(Field.infer(name, frame.iloc[:, i]) for i, name in enumerate(names)))


def _name(name: Any) -> str:
    if isinstance(name, str):
        return str(name)
    raise BadInput(
        f"the example has a column named {name!r}, which is no text",
        fix="name its columns, `X.columns = X.columns.astype(str)`, or give the array, `X.to_numpy()`",
    )
