"""A field -> what a value of it is, in words, as somebody who sends it says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..inference.fields import Field

_WORDS = {
    "number": "number",
    "bool": "true or false",
    "text": "text",
    "category": "one of",
    "datetime": "date and time",
    "date": "date",
    "time": "time",
    "timedelta": "duration",
    "decimal": "decimal number",
    "bytes": "bytes, in base64",
}
_SHOWN = 8


def words(field: Field) -> str:
    """`whole number`, `one of basic, plus, or missing`."""
    said = "whole number" if is_whole(field) else _WORDS.get(field.kind, field.dtype)
    if field.categories is not None:
        more = ", …" if len(field.categories) > _SHOWN else ""
        said += " " + ", ".join(map(str, field.categories[:_SHOWN])) + more
    if field.shape:
        said = f"list of {' × '.join(map(str, field.shape))}, each {said}"
    return said + (", or missing" if field.optional else "")


def is_whole(field: Field) -> bool:
    """Whether its values are whole numbers."""
    return getattr(field.runtime, "kind", "") in ("i", "u") and field.kind == "number"
