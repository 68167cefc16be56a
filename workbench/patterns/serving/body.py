"""The body of a request -> its bytes, bounded, and JSON out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from .compression import inflated
from .refusals import Gone, Refused, too_large

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .exchange import Headers

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


def json(body: bytes) -> Any:
    """What the body says. Refused with where it stops to be JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        what = "the body is empty" if not body else f"the body is not JSON: {error}"
        at = body[error.pos :].lstrip(b"-")
        missing = at.startswith((b"NaN", b"Infinity"))
        raise Refused(what, fix="write a missing value as null: JSON has no NaN" if missing else _FIX) from error
