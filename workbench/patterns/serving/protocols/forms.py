"""What MLflow and KServe both call `instances` and `inputs`, as TensorFlow Serving does: JSON -> rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ....data.encoding import dumps
from ....inference.reading import ONLY
from ..exchange import Question, Reply
from ..refusals import Refused, no_rows

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ....inference.schema import Schema
    from ..asked import Answer

FORMS = ("instances", "inputs")


def given(said: Any, schema: Schema) -> str | None:
    """Which of the two a body has, unless it is a record of a model with such a column."""
    return next((f for f in FORMS if type(said) is dict and f in said and f not in schema.names), None)


def question(form: str, value: Any, decoder: Decoder, encode: Callable[[Answer], Reply], *, example: str) -> Question:
    """The rows in `value`: records, rows in the order of the model's columns, columns or one record. `form` is what
    it is called in the request, `example` how one is written."""
    if type(value) is dict and value:
        return _of_columns(value, decoder, encode)
    if type(value) is list and not value:
        return Question(None, decoder.of_none(), 0, encode)
    if type(value) is list:
        if all(type(row) is dict for row in value):
            return Question(decoder.of_records(value), value, len(value), encode)
        rows = _rows(value, decoder)
        if rows is not None:
            return Question(decoder.of_rows(value), rows, len(value), encode)
    columns = ", ".join(decoder.schema.names)
    raise no_rows(form, value, f"{example}, with the columns {columns}")


def _of_columns(value: dict[str, Any], decoder: Decoder, encode: Callable[[Answer], Reply]) -> Question:
    """A list or tensor for each column; where none is a list, they are the values of one row."""
    lists = [column for column in value.values() if type(column) is list]
    if not lists:
        return Question(decoder.of_records([value]), [value], 1, encode)
    if len(lists) < len(value) or len(set(map(len, lists))) > 1:
        lengths = ", ".join(f"{n} {len(v) if type(v) is list else 'one value'}" for n, v in list(value.items())[:12])
        raise Refused(f"the columns differ in their number of rows: {lengths}", fix="give each column as many values")
    alone = decoder.schema.kind == "array" and len(value) == 1
    if not lists[0]:
        return Question(None, decoder.of_none(None if alone else value), 0, encode)
    if alone:
        return Question(decoder.of_rows(lists[0]), {ONLY: lists[0]}, len(lists[0]), encode)
    return Question(decoder.of_columns(value), value, len(lists[0]), encode)


def _rows(rows: list[Any], decoder: Decoder) -> Any:
    """Rows of plain values as records, in the order of the model's columns; None where they are not."""
    names = decoder.schema.names
    if decoder.schema.kind == "array":
        return rows
    if len(names) == 1 and not any(type(row) in (list, dict) for row in rows):
        return {names[0]: rows}
    if any(type(row) is not list for row in rows):
        return None
    wrong = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if wrong is not None:
        what = f"row {wrong} has {len(rows[wrong])} values; the model takes {len(names)} columns"
        raise Refused(what, fix=f"give each row these, in this order: {', '.join(names)}")
    return [dict(zip(names, row, strict=True)) for row in rows]


def predictions(answer: Answer) -> Reply:
    """A list where the model answers one value per row, else records: what MLflow makes of an array and a frame."""
    columns = answer.columns
    if list(columns) == ["prediction"]:
        return Reply(dumps({"predictions": columns["prediction"]}))
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Reply(dumps({"predictions": records}))
