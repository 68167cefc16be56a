"""CloudEvents over HTTP: an event that carries rows -> an event that carries their answer, in the mode of the request.

As the HTTP protocol binding 1.0.2 and the JSON format of https://github.com/cloudevents/spec have it. The answer's
type and source are those of KServe, so that triggers written for it go on filtering.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import orjson

from ....data.encoding import dumps
from .. import body
from ..exchange import JSON, Reply, Request
from ..refusals import Refused
from . import forms, plain, v1, v2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ....data.decoding import Decoder
    from ..asked import Answer
    from ..exchange import Ask, Headers, Question

_TYPE = "io.kserve.inference.response"
_PREFIX = b"application/cloudevents"
_STRUCTURED = b"application/cloudevents+json"
_NEEDED = ("id", "source", "type")
_SHOWN = "as in ce-specversion: 1.0, ce-id: 7, ce-source: /orders, ce-type: order.placed"
_AS_IT_IS = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_ESCAPED = re.compile(r"\\(.)")


def is_one(headers: Headers) -> bool:
    """Whether a request is an event."""
    return b"ce-specversion" in headers or headers.get(b"content-type", b"").lower().startswith(_PREFIX)


def ask(request: Request, decoder: Decoder, data: Ask) -> Question:
    """Read an event, its data by `data`. Refused where it is none, or of a mode or version that is not taken."""
    structured = request.headers.get(b"content-type", b"").lower().startswith(_PREFIX)
    event, inner = _structured(request) if structured else _binary(request)
    if event.get("specversion") != "1.0":
        raise Refused(f"the event is of version {event.get('specversion')!r}", fix="send CloudEvents 1.0")
    if lacks := next((name for name in _NEEDED if not event.get(name) or type(event[name]) is not str), None):
        raise Refused(f"the event has no {lacks}", fix=_SHOWN)
    question = data(inner, decoder)
    write, answered = question.encode, _in_structure if structured else _in_headers
    question.encode = lambda answer: answered(write(answer), _attributes(event, answer))
    return question


def of_json(request: Request, decoder: Decoder) -> Question:
    """Read the JSON of an event: as V2 or V1 have it, or plain."""
    said = body.json(request.content)
    form = forms.given(said, decoder.schema)
    if form is None:
        return plain.of(said, decoder)
    tensors = form == "inputs" and type(said[form]) is list and all(_is_tensor(found) for found in said[form])
    return v2.ask(request, decoder) if tensors else v1.of(said, decoder)


def _is_tensor(found: Any) -> bool:
    return type(found) is dict and {"name", "shape", "datatype"} <= found.keys()


def _binary(request: Request) -> tuple[dict[str, str], Request]:
    found = {name[3:].decode(): _decoded(value) for name, value in request.headers.items() if name[:3] == b"ce-"}
    return found, request


def _decoded(value: bytes) -> str:
    text = value.decode("latin-1").strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1])
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        what = f"a header of the event, {text[:60]!r}, is not UTF-8 once its percent signs are decoded"
        raise Refused(what, fix="encode each byte of its UTF-8 as %xy") from error


def _structured(request: Request) -> tuple[dict[str, Any], Request]:
    """The event in a body, and the request that its data would be."""
    kind = request.headers[b"content-type"].partition(b";")[0].strip().lower()
    if kind not in (_PREFIX, _STRUCTURED):
        fix = "send events one at a time, as application/cloudevents+json or with their attributes as ce- headers"
        raise Refused(f"Content-Type {kind.decode('latin-1')} is not taken here", fix=fix, status=415)
    event = body.json(request.content)
    if type(event) is not dict:
        raise Refused("the event is no object", fix='as in {"specversion": "1.0", "id": "7", …, "data": {…}}')
    inner = event.get("datacontenttype") or "application/json"
    if type(inner) is not str:
        raise Refused("the event's datacontenttype is no text", fix="as in application/json, or leave it out")
    headers = request.headers | {b"content-type": inner.encode()}
    return event, Request(request.path, headers, _carried(event, inner))


def _carried(event: dict[str, Any], kind: str) -> bytes:
    """The data of an event as bytes of its type."""
    if (packed := event.get("data_base64")) is not None:
        try:
            return base64.b64decode(packed, validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise Refused("data_base64 is not base64", fix="give the data as JSON, under data") from error
    found = event.get("data")
    is_json = kind.partition(";")[0].strip().lower().endswith(("/json", "+json"))
    return found.encode() if type(found) is str and not is_json else dumps(found)


def _attributes(event: Mapping[str, Any], answer: Answer) -> dict[str, str]:
    """Those of the answer. It has the same id whenever the same event is delivered again."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    found = {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{event['source']} {event['id']}")),
        "source": f"io.kserve.inference.{quote(answer.served.name)}",
        "type": _TYPE,
        "time": now.replace("+00:00", "Z"),
        "causationid": event["id"],
    }
    kept = {name: event[name] for name in ("subject", "correlationid") if type(event.get(name)) is str and event[name]}
    return found | kept


def _in_headers(reply: Reply, attributes: dict[str, str]) -> Reply:
    reply.headers += tuple((f"ce-{name}".encode(), quote(v, _AS_IT_IS).encode()) for name, v in attributes.items())
    return reply


def _in_structure(reply: Reply, attributes: dict[str, str]) -> Reply:
    event: dict[str, Any] = attributes | {"datacontenttype": reply.type.decode()}
    if reply.type == JSON:
        event["data"] = orjson.Fragment(reply.content)
    elif reply.type.startswith((b"text/", b"application/x-", b"application/nd", b"application/jsonl")):
        event["data"] = reply.content.decode()
    else:
        event["data_base64"] = base64.b64encode(reply.content).decode()
    return Reply(dumps(event), _STRUCTURED, reply.headers, reply.status)
