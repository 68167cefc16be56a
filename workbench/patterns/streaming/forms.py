"""Records that are lines of CSV, bare text or a row of Arrow -> records as JSON has them, with the names that the model
knows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from ...data.encoding import dumps
from .batches import Dead

if TYPE_CHECKING:
    from ...data.log import Record
    from ...inference.fields import Field
    from ...inference.schema import Schema

_BOOLS = {"true": True, "false": False}
Form = Callable[["Record"], "Record | Dead"]


def form(name: str, schema: Schema) -> Form | None:
    """How a record of that form is read; None where it is JSON already."""
    reads: dict[str, Callable[[bytes, list[Field]], dict[str, Any]]] = {"csv": _cells, "text": _text, "arrow": _row}
    read = reads.get(name)
    return None if read is None else lambda record: _made(record, schema, read)


def _made(record: Record, schema: Schema, read: Callable[[bytes, list[Field]], dict[str, Any]]) -> Record | Dead:
    try:
        said = read(record.value, list(schema.fields))
        return record._replace(value=dumps(list(said.values()) if schema.kind == "array" else said))
    except UnicodeDecodeError as error:
        return Dead(record, f"not UTF-8: {error}")
    except (ValueError, TypeError, csv.Error) as error:
        return Dead(record, str(error))


def _row(value: bytes, _: list[Field]) -> dict[str, Any]:
    """That of an Arrow stream; other columns than the model's come along."""
    import pyarrow as pa

    try:
        table = pa.ipc.open_stream(value).read_all()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"no Arrow stream: {error}") from error
    if table.num_rows != 1:
        raise ValueError(f"a record is one row, and this Arrow stream has {table.num_rows}")
    row: dict[str, Any] = table.to_pylist()[0]
    return row


def _text(value: bytes, fields: list[Field]) -> dict[str, Any]:
    """The first of the model's columns; it has no others to take."""
    text = value.decode()
    if len(fields) != 1:
        raise ValueError(f"text is one value, and the model takes {len(fields)}: {', '.join(f.name for f in fields)}")
    return {fields[0].name: text}


def _cells(value: bytes, fields: list[Field]) -> dict[str, Any]:
    """The columns of the model's example, in their order."""
    cells = next(csv.reader([value.decode().rstrip("\r\n")], strict=True), [])
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
