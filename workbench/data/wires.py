"""How rows travel to a service of ours and predictions back: a table -> a body, an answer's body -> a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from ..errors import BadInput
from . import dialects
from .decoding import Decoder
from .encoding import dumps, finite

if TYPE_CHECKING:
    from ..inference.fields import Table
    from ..inference.schema import Schema

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"


@dataclass(frozen=True)
class Wire:
    """One way; `type` is its content type. `write` and `read` take the schema of what they carry."""

    type: str
    write: Callable[[Schema, Table], bytes]
    read: Callable[[Schema, bytes], Table]


def _write_json(schema: Schema, table: Table) -> bytes:
    """Columns, or rows where a value is a list; JSON has no infinity."""
    fits = finite(table)
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        what = f"row {row} holds an infinity, which JSON cannot carry"
        raise BadInput(what, row=row, fix="leave the row out, or ask a service that reads Arrow")
    return dumps(dialects.plain("", schema).ask(table))


def _read_json(schema: Schema, body: bytes) -> Table:
    columns = dialects.plain("", schema).read(orjson.loads(body))
    return Decoder(schema).table([[columns[name] for name in schema.names]])


def _write_arrow(schema: Schema, table: Table) -> bytes:
    import pyarrow as pa

    encoded, sink = schema.encode(table), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, encoded.schema) as stream:
        stream.write_table(encoded)
    return bytes(sink.getvalue())


def _read_arrow(schema: Schema, body: bytes) -> Table:
    import pyarrow as pa

    with pa.ipc.open_stream(body) as stream:
        return schema.table(stream.read_all())


_JSON = Wire(JSON, _write_json, _read_json)
_ARROW = Wire(ARROW, _write_arrow, _read_arrow)


def wire(types: list[str]) -> Wire:
    """The best of those that a service reads: Arrow carries every value as it is."""
    return _ARROW if ARROW in types else _JSON
