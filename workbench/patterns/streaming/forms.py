"""Records that are lines of CSV or bare text -> records as JSON has them, with the names that the model knows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from .batches import Dead

if TYPE_CHECKING:
    from ...data.log import Record
    from ...inference.fields import Field
    from ...inference.schema import Schema

FORMS = ("json", "csv", "text")
_BOOLS = {"true": True, "false": False}
Form = Callable[["Record"], "Record | Dead"]


def form(name: str, schema: Schema) -> Form | None:
    """How a record of that form is read; None where it is JSON already."""
    if name == "csv":
        return lambda record: _made(record, schema, _cells)
    return (lambda record: _made(record, schema, _text)) if name == "text" else None


def _made(record: Record, schema: Schema, read: Callable[[str, list[Field]], Any]) -> Record | Dead:
    try:
        said = read(record.value.decode(), list(schema.fields))
    except UnicodeDecodeError as error:
        return Dead(record, f"not UTF-8: {error}")
    except (ValueError, csv.Error) as error:
        return Dead(record, str(error))
    return record._replace(value=orjson.dumps(list(said.values()) if schema.kind == "array" else said))


def _text(text: str, fields: list[Field]) -> dict[str, Any]:
    """The first of the model's columns; it has no others to take."""
    if len(fields) != 1:
        raise ValueError(f"text is one value, and the model takes {len(fields)}: {', '.join(f.name for f in fields)}")
    return {fields[0].name: text}


def _cells(text: str, fields: list[Field]) -> dict[str, Any]:
    """The columns of the model's example, in their order."""
    cells = next(csv.reader([text.rstrip("\r\n")], strict=True), [])
    if len(cells) != len(fields):
        raise ValueError(
            f"the line has {len(cells)} values, and the model takes {len(fields)}: {', '.join(f.name for f in fields)}"
        )
    return {field.name: _value(cell, field) for cell, field in zip(cells, fields, strict=True)}


def _value(cell: str, field: Field) -> Any:
    """A number or truth value where the column has such; text that is none is for the schema to refuse."""
    if not cell:
        return None
    if field.kind == "bool":
        return _BOOLS.get(cell.strip().lower(), cell)
    if field.kind != "number":
        return cell
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
