"""`/predict` and `/`: rows in whatever format their Content-Type names, answered in it, or in the one of `Accept`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ..exchange import JSON, Question, Reply
from ..refusals import Refused
from . import cloudevents, plain, tabular

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ..asked import Answer
    from ..exchange import Ask, Request
    from .tabular import Rows

ANY = b"*/*"


@dataclass(frozen=True, slots=True)
class Format:
    """How rows are read, and how an answer to rows of any format is written; `arrays` as in `Question`."""

    ask: Ask
    reply: Callable[[Answer], Reply]
    arrays: bool = False


def _format(
    type: bytes,
    read: Callable[[Request, Decoder], Rows],
    write: Callable[[Answer], bytes],
    *,
    arrays: bool = True,
) -> Format:
    def reply(answer: Answer) -> Reply:
        return Reply(write(answer), type)

    def ask(request: Request, decoder: Decoder) -> Question:
        return Question(*read(request, decoder), reply, arrays)

    return Format(ask, reply, arrays)


_PLAIN = Format(plain.ask, plain.records)
_STREAM, _FILE = b"application/vnd.apache.arrow.stream", b"application/vnd.apache.arrow.file"
_CSV = _format(b"text/csv; charset=utf-8", tabular.read_csv, tabular.write_csv)
_TSV = _format(b"text/tab-separated-values; charset=utf-8", tabular.read_tsv, tabular.write_tsv)
_NAMED = {
    b"text/csv": _CSV,
    b"application/csv": _CSV,
    b"text/tab-separated-values": _TSV,
    _STREAM: _format(_STREAM, tabular.read_arrow, tabular.write_stream),
    _FILE: _format(_FILE, tabular.read_arrow, tabular.write_file),
} | {
    name: _format(name, tabular.read_lines, plain.lines, arrays=False)
    for name in (b"application/x-ndjson", b"application/ndjson", b"application/jsonl", b"application/x-jsonlines")
}
_AS_JSON = (JSON, b"text/json", b"text/plain", b"application/x-www-form-urlencoded", b"application/octet-stream", b"")
"""What clients call JSON where nobody tells them what it is: curl, fetch, and those that say nothing."""
_READ = _NAMED | dict.fromkeys(_AS_JSON, _PLAIN)
_WRITTEN = _NAMED | {JSON: _PLAIN}
TYPES = tuple(name.decode() for name in _WRITTEN)
"""What rows may be sent as, and answered."""


def ask(request: Request, decoder: Decoder) -> Question:
    """Read rows, or an event that carries some. Refused with 415 for a format that is none of these."""
    headers = request.headers
    form = _READ.get(headers.get(b"content-type", JSON))
    if b"ce-specversion" in headers or (form is None and cloudevents.is_one(headers)):
        return cloudevents.ask(request, decoder, data)
    form = form or _of(headers[b"content-type"])
    question = form.ask(request, decoder)
    accept = headers.get(b"accept", ANY)
    return question if accept == ANY else _answered(question, form, accept)


def data(request: Request, decoder: Decoder) -> Question:
    """Read rows that are no event; JSON in the form of KServe's V1 or V2 as well."""
    form = _of(request.headers.get(b"content-type", JSON))
    question = (cloudevents.of_json if form is _PLAIN else form.ask)(request, decoder)
    accept = request.headers.get(b"accept", ANY)
    return question if accept == ANY else _answered(question, form, accept)


def _of(type: bytes) -> Format:
    name = type.partition(b";")[0].strip().lower()
    found = _READ.get(name) or (_PLAIN if name.endswith(b"+json") else None)
    if found is None:
        known = ", ".join(sorted(known.decode() for known in {JSON, *_NAMED}))
        raise Refused(f"Content-Type {name.decode('latin-1')} is not read here", fix=f"send one of {known}", status=415)
    return found


def _answered(question: Question, form: Format, accept: bytes) -> Question:
    """The question, to be answered in the format that the client would like best, if that is another."""
    liked = _liked(accept)
    if liked is not None and liked is not form:
        question.encode, question.arrays = liked.reply, liked.arrays
    return question


@lru_cache(256)
def _liked(accept: bytes) -> Format | None:
    """The format of ours that is named first among the best; None where anything else is liked as much."""
    best, found = 0.0, None
    for part in accept.decode("latin-1").lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        known = _WRITTEN.get(name.encode())
        quality = _quality(parameters)
        if (known or name in ("*/*", "application/*", "text/*")) and quality > best:
            best, found = quality, known
    return found


def _quality(parameters: list[str]) -> float:
    said = next((word.removeprefix("q=") for word in parameters if word.startswith("q=")), "1")
    try:
        return min(float(said), 1.0)
    except ValueError:
        return 0.0
