"""Requests of one version -> a table of their rows, whose columns are typed as the version's schema says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import WorkbenchError
from ..inference.schema import Schema
from .spool import listed

if TYPE_CHECKING:
    import pyarrow as pa

    from ..bundle.registry import Registry
    from .spool import Batch, Line

ABOUT = ("request", "at", "version", "status", "ms", "path", "caller", "error", "row")
"""The columns of a log that say of each row who asked it when, and what became of the request."""

OWN, ANSWERED = "\x00", "\x01"
"""What the names of these columns and of the answers begin with in a segment, where inputs have their own names."""


class Gathered:
    """The requests, column by column where that can be."""

    def __init__(self) -> None:
        self.version, self.names = 0, ()  # type: tuple[int, tuple[str, ...]]
        self.lines: list[Line] = []
        self.ended: list[float] = []

    def add(self, lines: list[Line], batch: Batch) -> None:
        """More requests, of this batch."""
        self.version, self.names = batch.version, batch.names
        self.lines += lines
        self.ended += [batch.ended] * len(lines)

    def table(self, ref: str, registry: Registry) -> pa.Table:
        """A row for each row that was asked; one for a request of which none are known."""
        import pyarrow as pa

        *about, rows, asked, answered = zip(*self.lines, strict=True)
        counts = np.array([max(1, count) if x is not None else 1 for count, x in zip(rows, asked, strict=True)])
        known = np.array([x is not None for x in asked])
        inputs, outputs = _schemas(ref, registry)
        return pa.table(
            _begun(OWN, self._about(about, counts, known))
            | _typed(_below(asked, counts, self.names), inputs)
            | _begun(ANSWERED, _typed(_below(answered, counts, ()), outputs))
        )

    def _about(self, about: Sequence[Sequence[Any]], counts: Any, known: Any) -> dict[str, Any]:
        import pyarrow as pa

        ids, came, paths, callers, statuses, errors = about
        at, text = np.array(came), pa.string()
        columns = {
            "request": pa.array([id.decode("latin-1") for id in ids], text),
            "at": pa.array(np.round(at * 1e6).astype(np.int64)).cast(pa.timestamp("us", tz="UTC")),
            "version": pa.array(np.full(len(ids), self.version, np.int32)),
            "status": pa.array(statuses, pa.int32()),
            "ms": pa.array(((np.array(self.ended) - at) * 1000).astype(np.float32)),
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
    return {name: _joined(columns, counts) for name, columns in parts.items()}


def _joined(columns: Sequence[Any], counts: Any) -> list[Any]:
    if set(map(type, columns)) == {list} and sum(map(len, columns)) == counts.sum():
        return list(chain.from_iterable(columns))
    return [value for column, count in zip(columns, counts.tolist(), strict=True) for value in _whole(column, count)]


def _whole(column: Any, count: int) -> list[Any]:
    """As many values as the request has rows; none of a column that has another number, as only refused ones have."""
    values = listed(column) if column is not None else []
    return values if len(values) == count else [None] * count


def _typed(columns: dict[str, list[Any]], schema: Schema | None) -> dict[str, Any]:
    """The columns in the schema's order, and its types where they fit it, as what was answered does."""
    fields = schema.by_name if schema else {}
    places = {name: place for place, name in enumerate(fields)}
    return {
        name: _column(columns[name], fields.get(name))
        for name in sorted(columns, key=lambda name: places.get(name, len(places)))
    }


def _column(values: list[Any], field: Any) -> Any:
    """As the field has it; of the requests that were refused some values may not fit: then as text."""
    import pyarrow as pa

    try:
        if field is None:
            return pa.array(values)
        if None not in values:
            return field.to_arrow(field.cast(values))
        known = [i for i, value in enumerate(values) if value is not None]
        typed = field.to_arrow(field.cast([values[i] for i in known]))
        where: list[int | None] = [None] * len(values)
        for number, i in enumerate(known):
            where[i] = number
        return typed.take(pa.array(where, pa.int64()))
    except (WorkbenchError, pa.ArrowException, ValueError, TypeError):
        return pa.array([None if value is None or value != value else str(value) for value in values])
