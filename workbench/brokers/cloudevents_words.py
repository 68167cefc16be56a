"""CloudEvents 1.0 over HTTP, in headers, as an object or as a list of objects, and the records that they are.

As https://github.com/cloudevents/spec has them: the HTTP binding, the JSON format and its batches.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import orjson

from ..errors import BadInput

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
TYPE = "io.workbench.prediction"
_NEEDED = ("id", "source", "type")
_FIX = "send CloudEvents 1.0: ce-specversion, ce-id, ce-source and ce-type in the headers, or the same in JSON"
_AS_IT_IS = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


class Event(NamedTuple):
    """What is put on the queue of one event: its data, its key, its attributes as headers, and when it happened."""

    value: bytes
    key: str | None
    headers: dict[str, Any]
    at: float


def events_of(headers: Mapping[str, str], body: bytes) -> list[Event]:
    """The events of a request. BadInput for what is none."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == BATCH:
        said = _json(body)
        if type(said) is not list:
            raise BadInput("a batch of events is a list", fix=_FIX)
        return [_of_object(one) for one in said]
    if kind == STRUCTURED:
        return [_of_object(_json(body))]
    found = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    return [_event(found | ({"datacontenttype": kind} if kind else {}), body)]


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"the event is no JSON: {error}", fix=_FIX) from error


def _of_object(said: Any) -> Event:
    if type(said) is not dict:
        raise BadInput("an event is an object", fix=_FIX)
    attributes = {name: value for name, value in said.items() if name not in ("data", "data_base64")}
    if "data_base64" in said:
        try:
            return _event(attributes, base64.b64decode(said["data_base64"], validate=True))
        except (TypeError, ValueError, binascii.Error) as error:
            raise BadInput("data_base64 is no base64", fix="give JSON as data") from error
    data = said.get("data")
    is_json = str(said.get("datacontenttype") or "application/json").partition(";")[0].endswith("json")
    return _event(attributes, data.encode() if type(data) is str and not is_json else orjson.dumps(data))


def _event(attributes: dict[str, Any], value: bytes) -> Event:
    if attributes.get("specversion") != "1.0":
        raise BadInput(f"the event is of version {attributes.get('specversion')!r}", fix=_FIX)
    if lacks := next((name for name in _NEEDED if not attributes.get(name)), None):
        raise BadInput(f"the event has no {lacks}", fix=_FIX)
    key = attributes.get("partitionkey") or attributes.get("subject")
    headers = {f"ce-{name}": value for name, value in attributes.items() if name != "specversion"}
    return Event(value, None if key is None else str(key), headers, _happened(attributes.get("time")))


def _happened(said: Any) -> float:
    """The time of an event; that at which it came, where it has none."""
    try:
        found = dt.datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return time.time()
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


def attributes_of(
    id: str, source: str, key: str | None, headers: Mapping[str, Any] | None, at: float | None = None
) -> dict[str, str]:
    """Those of an event that is sent: its id is the same whenever it is sent again; its subject and time are those of
    the event that it answers."""
    happened = dt.datetime.fromtimestamp(time.time() if at is None else at, dt.UTC)
    when = happened.isoformat(timespec="milliseconds")
    found = {"specversion": "1.0", "id": id, "source": f"/workbench/{quote(source)}", "type": TYPE}
    found |= {"time": when.replace("+00:00", "Z")}
    if key is not None:
        found["partitionkey"] = key
    answered = headers or {}
    found |= {"subject": str(answered["ce-subject"])} if "ce-subject" in answered else {}
    return found | ({"causationid": str(answered["ce-id"])} if "ce-id" in answered else {})


def in_headers(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes of an event whose data is the body."""
    return {f"ce-{name}": quote(value, _AS_IT_IS) for name, value in attributes.items()}


def in_object(attributes: Mapping[str, str], value: bytes) -> dict[str, Any]:
    """An event as one object."""
    return {**attributes, "datacontenttype": "application/json", "data": orjson.Fragment(value)}
