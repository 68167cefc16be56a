"""Requests of one version -> a table of their rows, whose columns are typed as the version's schema says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import WorkbenchError
from ..inference.schema import Schema
from .spool import ASKED, GIVEN, ROWS, listed, unpacked

if TYPE_CHECKING:
    import pyarrow as pa

    from ..bundle.registry import Registry
    from ..inference.fields import Field
    from .spool import Batch, Line, Together

ABOUT = ("request", "at", "version", "status", "ms", "path", "caller", "error", "row")
"""The columns of a log that say of each row who asked it when, and what became of the request."""

OWN, ANSWERED = "\x00", "\x01"
"""What the names of these columns and of the answers begin with in a segment, where inputs have their own names."""

Parts = list[Any]
"""The values of a column, in lists and arrays below each other."""


class Gathered:
    """The requests: those whose columns are their own, and those that were asked together."""

    def __init__(self) -> None:
        self.version, self.names = 0, ()  # type: tuple[int, tuple[str, ...]]
        self.alone: list[tuple[Line, Batch]] = []
        self.several: list[tuple[Line, Batch]] = []
        self.together: list[Together] = []

    def add(self, lines: list[Line], batch: Batch) -> None:
        """More requests, of this batch."""
        self.version, self.names = batch.version, batch.names
        (self.several if batch.together else self.alone).extend((line, batch) for line in lines)
        if batch.together:
            self.together.append(batch.together)

    def table(self, ref: str, registry: Registry) -> pa.Table:
        """A row for each row that was asked; one for a request of which none are known."""
        import pyarrow as pa

        lines, batches = zip(*self.alone, *self.several, strict=True)
        known = np.array([len(line) <= ASKED or line[ASKED] is not None for line in lines])
        counts = np.where(known, np.maximum(1, np.array([line[ROWS] for line in lines])), 1)
        inputs, outputs = _schemas(ref, registry)
        return pa.table(
            _begun(OWN, self._about(lines, batches, counts, known))
            | _typed(self._parts(ASKED, counts, self.names), inputs)
            | _begun(ANSWERED, _typed(self._parts(GIVEN, counts, ()), outputs))
        )

    def _about(self, lines: Sequence[Line], batches: Sequence[Batch], counts: Any, known: Any) -> dict[str, Any]:
        import pyarrow as pa

        ids, came, paths, callers, statuses, errors = zip(*(line[:ROWS] for line in lines), strict=True)
        took = np.array([batch.clock for batch in batches]) - np.array(came)
        at, text = np.array([batch.ended for batch in batches]) - took, pa.string()
        columns = {
            "request": pa.array([id.decode("latin-1") for id in ids], text),
            "at": pa.array(np.round(at * 1e6).astype(np.int64)).cast(pa.timestamp("us", tz="UTC")),
            "version": pa.array(np.full(len(ids), self.version, np.int32)),
            "status": pa.array(statuses, pa.int32()),
            "ms": pa.array((took * 1000).astype(np.float32)),
            "path": pa.array(paths, text),
            "caller": pa.array([caller or None for caller in callers], text),
            "error": pa.array([error or None for error in errors], text),
        }
        ends = np.cumsum(counts)
        if ends[-1] > len(ids):
            where = pa.array(np.repeat(np.arange(len(ids)), counts))
            columns = {name: values.take(where) for name, values in columns.items()}
        numbers = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        return columns | {"row": pa.array(numbers.astype(np.int32), mask=~np.repeat(known, counts))}

    def _parts(self, which: int, counts: Any, names: tuple[str, ...]) -> dict[str, Parts]:
        """The values of each column that was asked, or answered; None in the rows of a request that has it not."""
        count = len(self.alone)
        first = int(counts[:count].sum())
        alone = _below([line[which] for line, _ in self.alone], counts[:count], names) if count else {}
        several = [both[which - ASKED] for both in self.together]
        sizes = [len(unpacked(next(iter(asked.values())))) for asked, _ in self.together]
        parts: dict[str, Parts] = {name: [] for name in chain(alone, *several)}
        for name, found in parts.items():
            if count:
                found.append(alone.get(name) or [None] * first)
            if several:
                found.append(_joined([columns.get(name) for columns in several], sizes))
        return parts


def _begun(start: str, columns: dict[str, Any]) -> dict[str, Any]:
    return {start + name: values for name, values in columns.items()}


def _schemas(ref: str, registry: Registry) -> tuple[Schema | None, Schema | None]:
    try:
        manifest = registry.resolve(ref).manifest
        return Schema.from_json(manifest.schema), Schema.from_json(manifest.outputs)
    except WorkbenchError:
        return None, None  # it was removed


def _below(requests: Sequence[Any], counts: Any, names: tuple[str, ...]) -> dict[str, list[Any]]:
    """The values of each column, those of all requests below each other; None in the rows of one that has it not."""
    if set(map(type, requests)) == {list}:
        parts = dict(zip(names, zip(*requests, strict=True), strict=True))
    else:
        named = [dict(zip(names, one, strict=True)) if type(one) is list else one or {} for one in requests]
        known = dict.fromkeys(name for columns in named for name in columns)
        parts = {name: tuple(columns.get(name) for columns in named) for name in known}
    return {name: _listed(columns, counts) for name, columns in parts.items()}


def _listed(columns: Sequence[Any], counts: Any) -> list[Any]:
    if set(map(type, columns)) == {list} and sum(map(len, columns)) == counts.sum():
        return list(chain.from_iterable(columns))
    return [value for column, count in zip(columns, counts.tolist(), strict=True) for value in _whole(column, count)]


def _whole(column: Any, count: int) -> list[Any]:
    """As many values as the request has rows; none of a column that has another number, as only refused ones have."""
    values = listed(column) if column is not None else []
    return values if len(values) == count else [None] * count


def _joined(columns: Sequence[Any], sizes: list[int]) -> Any:
    """The values of a column in several batches of so many rows, as one array where they are that."""
    if set(map(type, columns)) == {tuple}:
        return np.concatenate([unpacked(column) for column in columns])
    parts = zip(columns, sizes, strict=True)
    return [value for column, size in parts for value in ([None] * size if column is None else listed(column))]


def _typed(columns: dict[str, Parts], schema: Schema | None) -> dict[str, Any]:
    """The columns in the schema's order, and its types where they fit it, as what was answered does."""
    fields = schema.by_name if schema else {}
    places = {name: place for place, name in enumerate(fields)}
    return {
        name: _column(columns[name], fields.get(name))
        for name in sorted(columns, key=lambda name: places.get(name, len(places)))
    }


def _column(parts: Parts, field: Field | None) -> Any:
    """As the field has it; of the requests that were refused some values may not fit: then as text."""
    import pyarrow as pa

    try:
        return pa.chunked_array([pa.array(part) if field is None else _fitted(part, field) for part in parts])
    except (WorkbenchError, pa.ArrowException, ValueError, TypeError):
        values = chain.from_iterable(part if isinstance(part, list) else part.tolist() for part in parts)
        return pa.array([None if value is None or value != value else str(value) for value in values])


def _fitted(values: Any, field: Field) -> pa.Array:
    """In the field's type, None where there is none, even where the field has no missing values."""
    import pyarrow as pa

    if not isinstance(values, list) or None not in values:
        return field.to_arrow(field.cast(values))
    known = [i for i, value in enumerate(values) if value is not None]
    where = np.full(len(values), -1)
    where[known] = np.arange(len(known))
    return field.to_arrow(field.cast([values[i] for i in known])).take(pa.array(where, mask=where < 0))
