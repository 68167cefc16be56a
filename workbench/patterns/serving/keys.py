"""The rows of a request -> the key that one of their columns holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...inference.schema import Schema
    from .exchange import Question


def key_of(question: Question, schema: Schema, column: str) -> bytes | None:
    """What the first row has there, the same for the same value in every format; None of no rows, or no value."""
    if not question.rows or column not in schema.names:
        return None
    if question.columns is not None:
        value = question.columns[schema.names.index(column)][0]
    else:
        value = schema.table(question.data)[column][0]
    return _written(value)


def _written(value: Any) -> bytes | None:
    """7, 7.0 and numpy's 7 are one key."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).encode()
