"""The body of a request -> its bytes, bounded, and JSON out of them."""

from __future__ import annotations

import json as stdlib_json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from .compression import inflated
from .refusals import Gone, Refused, too_large

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .exchange import Headers

_DEEPEST = 1024
"""What orjson reads; it says so itself, but less well."""
_FIX = 'send a record, {"name": value, …}, a list of records, or columns, {"name": [values], …}'


async def read(receive: Callable[[], Awaitable[Any]], headers: Headers, most: int) -> bytes:
    """All of the body. Refused with 413 as soon as it is known to be larger than `most` bytes."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > most:
        raise too_large(most)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(receive, body, most)
    if len(body) > most:
        raise too_large(most)
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
    return body if encoding == "identity" else inflated(body, encoding, most)


async def _rest(receive: Callable[[], Awaitable[Any]], first: bytes, most: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > most:
            raise too_large(most)
    return b"".join(parts)


def json(body: bytes, *, nan: bool = False, fix: str = _FIX) -> Any:
    """What the body says; with `nan` also where numbers are NaN and Infinity, as Python writes them. Refused with where
    it stops to be JSON; `fix` shows what it should be."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if nan and _stops_at_nan(error, body):
            with suppress(ValueError, RecursionError):
                return stdlib_json.loads(body)
        raise not_json(error, body, "the body", fix) from error


def not_json(error: orjson.JSONDecodeError, text: bytes, place: str, fix: str = _FIX) -> Refused:
    """The refusal of a text that is no JSON, of what is called `place`."""
    if not text:
        return Refused(f"{place} is empty", fix=fix)
    if "depth limit" in str(error):
        return Refused(f"{place} is nested deeper than {_DEEPEST} levels", fix=fix)
    missing = _stops_at_nan(error, text)
    null = "write a missing value as null: JSON has no NaN"
    return Refused(f"{place} is not JSON: {error}", fix=null if missing else fix)


def _stops_at_nan(error: orjson.JSONDecodeError, text: bytes) -> bool:
    at = text.decode(errors="replace")[error.pos :].lstrip("-")
    return at.startswith(("NaN", "Infinity"))
