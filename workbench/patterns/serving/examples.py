"""Rows of a reference -> records as a client sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...data.encoding import as_list
from ...inference.reading import ONLY

if TYPE_CHECKING:
    from ...inference.fields import Table
    from ...inference.schema import Schema


def records(schema: Schema, table: Table, most: int = 2) -> list[Any]:
    """The first rows: records, or lists of numbers for a model of one array."""
    columns = {name: as_list(values[:most]) for name, values in table.items()}
    if schema.kind == "array":
        return columns[ONLY]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
