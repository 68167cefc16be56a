"""MLflow's scoring protocol: `POST /invocations` with JSON, and its way to say errors.

As mlflow/pyfunc/scoring_server of MLflow 3 reads and answers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....data.encoding import dumps
from ....errors import WorkbenchError
from .. import body
from ..exchange import Question, Reply
from ..refusals import Refused, body_of, no_rows, twice

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ..batcher import Answer
    from ..exchange import Headers, Request

_CODES = {401: "UNAUTHENTICATED", 429: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR"}
_SPLIT = 'as in {"dataframe_split": {"columns": [names], "data": [[values of a row], …]}}'
_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def _check_type(headers: Headers) -> None:
    """Refused with 415 for what is no JSON; nothing said counts as JSON."""
    said = headers.get(b"content-type", b"application/json").decode("latin-1").split(";")[0].strip().lower()
    if said != "application/json":
        raise Refused(f"Content-Type {said} is not taken here", fix="send application/json", status=415)


def ask(request: Request, decoder: Decoder) -> Question:
    """Read a body of exactly one of the four forms. Refused with 415 for what is no JSON."""
    _check_type(request.headers)
    said = body.json(request.content)
    given = [form for form in _FORMS if type(said) is dict and form in said]
    if len(given) != 1:
        raise Refused(
            f"the body must hold exactly one of {', '.join(_FORMS)}", fix='as in {"dataframe_records": [{…}]}'
        )
    value = said[given[0]]
    rows = _split(value) if given[0] == "dataframe_split" else value
    if type(rows) is dict and rows and all(type(column) is list for column in rows.values()):
        return Question(decoder.of_columns(rows), rows, len(next(iter(rows.values()))), _answered)
    if type(rows) is list and rows and all(type(row) is dict for row in rows):
        return Question(decoder.of_records(rows), rows, len(rows), _answered)
    table = _table(rows, decoder) if type(rows) is list and rows else None
    if table is None:
        columns = ", ".join(decoder.schema.names)
        raise no_rows(given[0], rows, f'as in {{"dataframe_records": [{{…}}]}}, with the columns {columns}')
    return Question(decoder.of_rows(rows), table, len(rows), _answered)


def _split(value: Any) -> Any:
    """`{"columns": [names], "data": [rows]}` as records."""
    names, data = (value.get("columns"), value.get("data")) if type(value) is dict else (None, None)
    if type(names) is not list or type(data) is not list or not all(type(name) in (str, int) for name in names):
        raise Refused("dataframe_split holds no table", fix=_SPLIT)
    if (again := twice(names)) is not None:
        raise Refused(f"dataframe_split has the column {again!r} twice", fix="give each column once")
    for number, row in enumerate(data):
        if type(row) is not list or len(row) != len(names):
            held = f"{len(row)} values" if type(row) is list else "no list of values"
            raise Refused(f"row {number} of dataframe_split has {held}, for {len(names)} columns", fix=_SPLIT)
    return [dict(zip(names, row, strict=True)) for row in data]


def _table(rows: list[Any], decoder: Decoder) -> Any:
    """Rows of plain values, in the order of the model's columns; None where they are not."""
    names = decoder.schema.names
    if decoder.schema.kind == "array":
        return rows
    if any(type(row) is not list for row in rows):
        return None
    wrong = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if wrong is not None:
        what = f"row {wrong} has {len(rows[wrong])} values; the model takes {len(names)} columns"
        raise Refused(what, fix=f"give each row these, in this order: {', '.join(names)}")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _answered(answer: Answer) -> Reply:
    """A list where the model answers one value per row, else records: what MLflow makes of an array and a frame."""
    columns = answer.columns
    if list(columns) == ["prediction"]:
        return Reply(dumps({"predictions": columns["prediction"]}))
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Reply(dumps({"predictions": records}))


def refusal(error: WorkbenchError, status: int) -> bytes:
    """As MLflow says what is wrong; its clients read `message`."""
    said = body_of(error)
    message = f"{said['error']}\n→ {said['fix']}" if "fix" in said else said["error"]
    return dumps({"error_code": _CODES.get(status, "BAD_REQUEST"), "message": message})
