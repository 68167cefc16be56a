"""Values of requests -> the arrays of a schema, for many at a time; exactly what `Schema.table` makes of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inference.reading import ONLY
from . import plain_text

if TYPE_CHECKING:
    from ..inference.fields import Array, Field, Table
    from ..inference.schema import Schema

_EXACT, _WIDE = 2**53, 2**63
Columns = list[list[Any]]
"""The values of each field of a schema, as JSON has them."""


class Decoder:
    """Reads records and columns for one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    @cached_property
    def plain(self) -> bool:
        """Whether each field is a column of single values, which the quick way takes."""
        return self.schema.kind != "array" and all(not field.shape for field in self.schema.fields)

    def of_records(self, records: Sequence[Mapping[str, Any]]) -> Columns | None:
        """The columns of records that have every field; None where only `Schema.table` can say what they are."""
        if not self.plain:
            return None
        try:
            if len(records) == 1:
                (record,) = records
                return [[record[name]] for name in self.schema.names]
            return [[record[name] for record in records] for name in self.schema.names]
        except (KeyError, TypeError):
            return None

    def of_columns(self, columns: Mapping[str, Any]) -> Columns | None:
        """The columns of an object of equally long lists; None likewise."""
        if not self.plain:
            return None
        found = [columns.get(name) for name in self.schema.names]
        lengths = {len(values) if type(values) is list else -1 for values in found}
        return found if len(lengths) == 1 and -1 not in lengths else None  # type: ignore[return-value]

    def of_rows(self, rows: Sequence[Any]) -> Columns | None:
        """Rows of numbers for a model of one array, as its only column; None likewise."""
        return [list(rows)] if self.schema.names == [ONLY] and self.schema.kind == "array" else None

    def of_none(self, names: Iterable[str] | None = None) -> Table:
        """Columns without a row: of all fields, or of these names."""
        fields = self.schema.by_name
        shapes = {name: fields[name].shape if name in fields else () for name in (fields if names is None else names)}
        return {name: np.empty((0, *shape), object) for name, shape in shapes.items()}

    def table(self, requests: Sequence[Columns]) -> Table:
        """The rows of all requests below each other. Raises where one value of them does not fit."""
        columns = requests[0] if len(requests) == 1 else [list(chain(*parts)) for parts in zip(*requests, strict=True)]
        return {field.name: _cast(field, values) for field, values in zip(self.schema.fields, columns, strict=True)}


def _cast(field: Field, values: list[Any]) -> Array:
    """Numbers and plain text in one step, where that cannot change one of them; else as the schema does it."""
    numbers = field.shape or field.kind == "number"
    made = _numbers(values, field.runtime, field.shape) if numbers else plain_text.cast(field, values)
    if made is not None:
        return made
    if len(values) == 1 or (not field.shape and _alike(values, field.kind)):
        return field.cast(values)
    return _joined([field.cast([value], first_row=row) for row, value in enumerate(values)])


def _alike(values: list[Any], kind: str) -> bool:
    """Whether numpy, which makes values of one kind of those beside each other, leaves each what it is."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {int}:
        return all(value is None or abs(value) < _WIDE for value in values)
    return len(kinds) <= 1 and (kind != "number" or kinds <= {float})


def _numbers(values: list[Any], runtime: Any, shape: tuple[int, ...]) -> Array | None:
    if len(shape) > 1 or not isinstance(runtime, np.dtype):
        return None
    if not shape:
        return _flat_numbers(values, set(map(type, values)), runtime)
    if set(map(type, values)) != {list} or set(map(len, values)) != {shape[0]}:
        return None
    flat = list(chain.from_iterable(values))
    kinds = set(map(type, flat))
    made = _flat_numbers(flat, kinds, runtime) if type(None) not in kinds else None
    return made.reshape(len(values), *shape) if made is not None else None


def _flat_numbers(values: list[Any], kinds: set[type], runtime: np.dtype[Any]) -> Array | None:
    if runtime.kind == "f" and kinds <= {float, int, type(None)}:
        return _floating(values, kinds, runtime)
    if runtime == np.int64 and kinds == {int}:
        try:
            return np.array(values, np.int64)
        except OverflowError:
            return None
    return None


def _floating(values: list[Any], kinds: set[type], runtime: Any) -> Array | None:
    if int in kinds and any(type(value) is int and abs(value) > _EXACT for value in values):
        return None
    made = np.array(values, np.float64)  # None is nan
    if runtime == np.float64:
        return made
    with np.errstate(over="ignore"):
        narrow = made.astype(runtime)
    return narrow if np.array_equal(np.isfinite(narrow), np.isfinite(made)) else None


def _joined(parts: list[Array]) -> Array:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return type(parts[0])._concat_same_type(parts)
