"""MLflow's scoring protocol: `POST /invocations` with JSON or CSV, and its way to say errors.

As mlflow/pyfunc/scoring_server of MLflow 3 reads and answers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....data.encoding import dumps
from ....errors import WorkbenchError
from .. import body
from ..exchange import Question, Reply
from ..refusals import Refused, body_of, no_rows, twice
from . import forms, tabular

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ..exchange import Request

_CODES = {401: "UNAUTHENTICATED", 429: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR"}
_JSON, _CSV = "application/json", "text/csv"
_SHOWN = 'as in {"dataframe_records": [{…}]}'
_SPLIT = 'as in {"dataframe_split": {"columns": [names], "data": [[values of a row], …]}}'
_FORMS = ("dataframe_split", "dataframe_records", *forms.FORMS)


def ask(request: Request, decoder: Decoder) -> Question:
    """Read a CSV, or JSON of exactly one of the four forms; other keys, `params` among them, go unread."""
    if _type(request) == _CSV:
        return Question(*tabular.read_csv(request, decoder), forms.predictions)
    said = body.json(request.content, nan=True, fix=f"send JSON {_SHOWN}")
    given = [form for form in _FORMS if type(said) is dict and form in said]
    if len(given) != 1:
        what = f"The input must be a JSON dictionary with exactly one of the input fields {', '.join(_FORMS)}"
        raise Refused(what, fix=_SHOWN)
    (form,) = given
    if form == "dataframe_split":
        return _split(said[form], decoder)
    if form == "dataframe_records" and type(said[form]) is not list:
        raise no_rows(form, said[form], _SHOWN)
    return forms.question(form, said[form], decoder, forms.predictions, example=_SHOWN)


def _type(request: Request) -> str:
    """The media type; Refused with 415 for another than the two, or in another encoding. None said is JSON."""
    said = request.headers.get(b"content-type", b"application/json").decode("latin-1")
    kind, *parameters = (word.strip() for word in said.split(";"))
    known = all(word.lower().replace('"', "") == "charset=utf-8" for word in parameters if word)
    if kind.lower() not in (_JSON, _CSV) or not known:
        raise Refused(f"Content-Type {said} is not taken here", fix=f"send {_JSON} or {_CSV}, in UTF-8", status=415)
    return kind.lower()


def _split(value: Any, decoder: Decoder) -> Question:
    """`{"columns": [names], "data": [rows]}`, perhaps with an index, which no model sees."""
    names, data = (value.get("columns"), value.get("data")) if type(value) is dict else (None, None)
    if type(names) is not list or type(data) is not list or not all(type(name) in (str, int) for name in names):
        raise Refused("dataframe_split holds no table", fix=_SPLIT)
    names = list(map(str, names))
    if (again := twice(names)) is not None:
        raise Refused(f"dataframe_split has the column {again!r} twice", fix="give each column once")
    for number, row in enumerate(data):
        if type(row) is not list or len(row) != len(names):
            held = f"{len(row)} values" if type(row) is list else "no list of values"
            raise Refused(f"row {number} of dataframe_split has {held}, for {len(names)} columns", fix=_SPLIT)
    if not data:
        return Question(None, decoder.of_none(names), 0, forms.predictions)
    columns = dict(zip(names, map(list, zip(*data, strict=True)), strict=True))
    return Question(decoder.of_columns(columns), columns, len(data), forms.predictions)


def refusal(error: WorkbenchError, status: int) -> Reply:
    """As MLflow says what is wrong: its clients read `message`; another type than it takes is told in plain text."""
    said = body_of(error)
    message = f"{said['error']}\n→ {said['fix']}" if "fix" in said else said["error"]
    if status == 415:
        return Reply(message.encode(), b"text/plain; charset=utf-8")
    return Reply(dumps({"error_code": _CODES.get(status, "BAD_REQUEST"), "message": message}))
