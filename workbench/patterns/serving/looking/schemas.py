"""The fields of a model -> JSON Schemas of what is sent and answered about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ....inference.fields import Field
    from ....inference.schema import Schema

Json = dict[str, Any]

_TYPES = {"number": "number", "bool": "boolean"}
_SAID = {
    "datetime": "a date and time, as ISO 8601 writes it",
    "time": "a time of day, as ISO 8601 writes it",
    "timedelta": "a duration, as pandas or ISO 8601 writes it",
    "bytes": "bytes, in base64",
}
_INTEGERS = ("i", "u")


def record(schema: Schema) -> Json:
    """One row by its names."""
    return _object({field.name: value(field) for field in schema.fields})


def columns(schema: Schema) -> Json:
    """Equally long lists by their names."""
    return _object({field.name: {"type": "array", "items": value(field)} for field in schema.fields})


def rows(field: Field) -> Json:
    """What a model of one array takes: its rows."""
    return {"type": "array", "items": value(field), "minItems": 1}


def value(field: Field) -> Json:
    """The value of one row: a single one, or nested lists as long as the field's shape."""
    found = _single(field)
    for length in reversed(field.shape):
        found = {"type": "array", "items": found, "minItems": length, "maxItems": length}
    return found


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _single(field: Field) -> Json:
    if field.categories is not None:
        return {"enum": [*field.categories, *([None] if field.optional else [])]}
    whole = field.kind == "number" and getattr(field.runtime, "kind", "") in _INTEGERS
    kind = "integer" if whole else _TYPES.get(field.kind, "string")
    found: Json = {"type": [kind, "null"] if field.optional else kind}
    found |= _bounds(field) if whole else {}
    found |= {"format": "date"} if field.kind == "date" else {}
    return found | ({"description": _SAID[field.kind]} if field.kind in _SAID else {})


def _bounds(field: Field) -> Json:
    """What the dtype can hold."""
    info = np.iinfo(getattr(field.runtime, "numpy_dtype", field.runtime))
    return {"minimum": int(info.min), "maximum": int(info.max)}
