"""Rows as CSV, TSV, Arrow and JSON Lines: a body -> what a question holds of it, and an answer -> a body."""

from __future__ import annotations

import codecs
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from ....data import ipc, quoting
from ....data.answers import as_arrow
from ....data.delimited import DelimitedSource
from ....data.files import Held
from ....data.scoring import read_text
from ....errors import BadInput
from .. import body
from ..refusals import Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from ....data.decoding import Columns, Decoder
    from ....inference.fields import Field
    from ....inference.schema import Schema
    from ..asked import Answer
    from ..exchange import Request

Rows = tuple["Columns | None", Any, int]
"""What a `Question` begins with: columns, data, and the number of rows."""

_BODY = "the body"
_FEW = 64
"""So many rows are as quick in lists."""
_WIDER, _FREE_COLUMNS = 10, 1000
"""A CSV may have so many times the model's columns, and so many more: each costs memory whatever is in it."""
_COMMAS = "send UTF-8 with values separated by commas (Content-Type: text/csv), or say what it is: text/csv; charset=…"
_CHARSETS = ("utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16", "utf-16-le", "utf-16-be")
_TABS = "send UTF-8 with values separated by tabs, or say what it is: text/tab-separated-values; charset=…"


def read_csv(request: Request, decoder: Decoder) -> Rows:
    """A table with a header, exactly as `predict` reads a CSV file."""
    return _read_delimited(request, decoder, ",", _COMMAS)


def read_tsv(request: Request, decoder: Decoder) -> Rows:
    """Likewise, with tabs."""
    return _read_delimited(request, decoder, "\t", _TABS)


def _read_delimited(request: Request, decoder: Decoder, delimiter: str, advice: str) -> Rows:
    import pyarrow as pa

    held = Held("", _BODY, content=request.content, advice=advice)
    source = DelimitedSource(held, delimiter, _charset(request))
    names, _ = source.header()
    most = _FREE_COLUMNS + _WIDER * _width(decoder.schema)
    if len(names) > most:
        what = f"the header has {len(names)} columns; the model takes {_width(decoder.schema)}"
        raise Refused(what, fix="leave out the columns that it does not take")
    table = pa.concat_tables([piece.table for piece in source.pieces()])
    return _rows(read_text(table, decoder.schema), decoder)


def _rows(table: pa.Table, decoder: Decoder) -> Rows:
    """The rows of a table; few ones as lists, so that they share a batch with others."""
    fields = decoder.schema.fields
    few = table.num_rows <= _FEW and decoder.plain and all(_lists(table, field) for field in fields)
    columns = [table.column(field.name).to_pylist() for field in fields] if few else None
    return columns, table, table.num_rows


def _lists(table: pa.Table, field: Field) -> bool:
    """Whether a column says the same as a list: dates and bytes do not, nor does NaN where a value may be missing."""
    import pyarrow as pa

    if field.name not in table.column_names:
        return False
    kind, types = table.column(field.name).type, pa.types
    simple = types.is_integer(kind) or types.is_boolean(kind) or types.is_string(kind) or types.is_large_string(kind)
    return bool(simple or (types.is_floating(kind) and isinstance(field.runtime, np.dtype)))


def _charset(request: Request) -> str:
    said = request.headers.get(b"content-type", b"").decode("latin-1")
    given = (part.strip().partition("=") for part in said.split(";")[1:])
    charset = next((value.strip(' "') for name, _, value in given if name.lower() == "charset"), "utf-8")
    with suppress(LookupError):
        if (name := codecs.lookup(charset).name) in _CHARSETS:
            return name
    raise Refused(f"charset {charset} is not read here", fix=f"send one of {', '.join(_CHARSETS)}", status=415)


def _width(schema: Schema) -> int:
    """How many columns a model takes, those of its arrays counted one by one."""
    return sum(math.prod(field.shape) for field in schema.fields)


def read_arrow(request: Request, decoder: Decoder) -> Rows:
    """A table in Arrow's stream or file format, of whose arrays the model's are made without lists but for few rows."""
    schema = decoder.schema
    wanted = None if schema.kind == "array" else set(schema.names)
    return _rows(ipc.read(request.content, _BODY, wanted, _width(schema)), decoder)


def read_lines(request: Request, decoder: Decoder) -> Rows:
    """A record on each line."""
    if not request.content:
        raise Refused("the body is empty", fix='send an object on each line, as in {"age": 41}')
    records: list[Any] = []
    for number, line in enumerate(request.content.split(b"\n"), 1):
        if line and not line.isspace():
            records.append(_record(line, number, len(records)))
    return (decoder.of_records(records), records, len(records)) if records else (None, decoder.of_none(), 0)


def _record(line: bytes, number: int, row: int) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        found = body.not_json(error, line, f"line {number} of the body")
        raise BadInput(found.what, row=row, fix=found.fix) from error
    if type(record) is dict:
        return record
    what, fix = f"line {number} of the body is no record", 'write one object on each line, as in {"age": 41}'
    raise BadInput(what, row=row, fix=fix)


def _table(answer: Answer) -> pa.Table:
    import pyarrow as pa

    ref = answer.served.ref
    return pa.table({name: as_arrow(values, name, ref) for name, values in answer.columns.items()})


def write_csv(answer: Answer) -> bytes:
    """The answer's columns with a header, written as `predict -o` writes them."""
    return _delimited(answer, ",")


def write_tsv(answer: Answer) -> bytes:
    """Likewise, with tabs."""
    return _delimited(answer, "\t")


def _delimited(answer: Answer, delimiter: str) -> bytes:
    table = _table(answer)
    return quoting.header_line(table.column_names, delimiter) + quoting.row_lines(table, delimiter)


def write_stream(answer: Answer) -> bytes:
    """The answer as a stream of Arrow, its dtypes kept."""
    return ipc.stream(_table(answer))


def write_file(answer: Answer) -> bytes:
    """The answer as a file of Arrow."""
    return ipc.file(_table(answer))
