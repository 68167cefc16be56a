"""Plain JSON: a record, records or columns in; the answer in the same shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....data.encoding import dumps
from .. import body
from ..exchange import Question, Reply
from ..refusals import Refused, no_rows

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ..asked import Answer
    from ..exchange import Request

_SHAPES = 'send a record, {"name": value, …}, a list of records, or columns, {"name": [values], …}'


def ask(request: Request, decoder: Decoder) -> Question:
    """Read a request. Refused where it is none of the three."""
    return of(body.json(request.content), decoder)


def of(said: Any, decoder: Decoder) -> Question:
    """Likewise, of JSON that is read already."""
    if type(said) is dict:
        if said and all(type(value) is list for value in said.values()) and _are_columns(decoder):
            return _columns(said, decoder)
        return Question(decoder.of_records([said]), [said], 1, _record)
    if type(said) is list and not said:
        return Question(None, decoder.of_none(), 0, records)
    if type(said) is list:
        if type(said[0]) is dict and all(type(record) is dict for record in said):
            return Question(decoder.of_records(said), said, len(said), records)
        columns = decoder.of_rows(said)
        if columns is not None:
            return Question(columns, said, len(said), records)
    raise no_rows("the body", said, _SHAPES)


def _are_columns(decoder: Decoder) -> bool:
    """Whether lists are columns: not where each row's value is a list itself."""
    return not any(field.shape for field in decoder.schema.fields) or decoder.schema.kind == "array"


def _columns(said: dict[str, list[Any]], decoder: Decoder) -> Question:
    rows = len(next(iter(said.values())))
    if any(len(values) != rows for values in said.values()):
        lengths = ", ".join(f"{name} {len(values)}" for name, values in said.items())
        raise Refused(f"the columns differ in their number of rows: {lengths}", fix="give each column as many values")
    if not rows:
        return Question(None, decoder.of_none(said), 0, _as_columns)
    return Question(decoder.of_columns(said), said, rows, _as_columns)


def _record(answer: Answer) -> Reply:
    return Reply(dumps({name: values[0] for name, values in answer.columns.items()}))


def records(answer: Answer) -> Reply:
    """The answer as a list of records."""
    return Reply(dumps(_rows(answer)))


def lines(answer: Answer) -> bytes:
    """The answer as a record on each line."""
    return b"".join(dumps(row) + b"\n" for row in _rows(answer))


def _rows(answer: Answer) -> list[dict[str, Any]]:
    columns = answer.columns
    if len(columns) > 1:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    ((name, values),) = columns.items()
    rows = []
    for value in values:  # most are one row, for which a comprehension costs more than it does
        rows.append({name: value})
    return rows


def _as_columns(answer: Answer) -> Reply:
    return Reply(dumps(answer.columns))
