"""Bodies that are compressed: those of requests, bounded, and those of replies to who takes them so."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

from .refusals import Refused, too_large

if TYPE_CHECKING:
    from .exchange import Headers, Reply

_READS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
_WRITES = {"gzip": 31, "deflate": 15}
PAYS = 8192
"""The bytes of a reply from which on it pays to compress it."""
_LONG = 262_144
_QUICKEST = 1


def inflated(body: bytes, encoding: str, most: int) -> bytes:
    """A body without its Content-Encoding. Refused with 413 where it is larger than `most` bytes, which stops at these,
    with 415 for an encoding that is not known, and where it is none."""
    if encoding not in _READS:
        raise Refused(f"Content-Encoding {encoding} is not known", fix="gzip, deflate or none", status=415)
    inflating = zlib.decompressobj(_READS[encoding])
    try:
        made = inflating.decompress(body, most + 1)
    except zlib.error as error:
        what = f"the body is no {encoding}: {error}"
        raise Refused(what, fix="send it as it is, without Content-Encoding") from error
    if len(made) > most:
        raise too_large(most)
    if not inflating.eof or inflating.unused_data:
        how = "is cut off" if not inflating.eof else "goes on after its end"
        raise Refused(f"the {encoding} of the body {how}", fix="compress the whole body, once")
    return made


async def compress(reply: Reply, headers: Headers) -> None:
    """Compress a reply as the request's Accept-Encoding has it; a very long one in a thread, so that the loop goes
    on."""
    reply.headers += ((b"vary", b"accept-encoding"),)
    encoding = accepted(headers.get(b"accept-encoding", b"").decode("latin-1"))
    if encoding is None:
        return
    long = len(reply.content) >= _LONG
    packed = await asyncio.to_thread(_packed, reply.content, encoding) if long else _packed(reply.content, encoding)
    if len(packed) < len(reply.content):
        reply.content = packed
        reply.headers += ((b"content-encoding", encoding.encode()),)


def accepted(said: str) -> str | None:
    """The encoding that an Accept-Encoding likes most, of those that are known; None where it takes none of them."""
    liked: dict[str, float] = {}
    for part in said.lower().split(","):
        name, _, quality = part.partition(";")
        liked[name.strip()] = _quality(quality)
    scores = {name: liked.get(name, liked.get("*", 0.0)) for name in _WRITES}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 and scores[best] >= liked.get("identity", 0.0) else None


def _quality(said: str) -> float:
    try:
        return float(said.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0


def _packed(content: bytes, encoding: str) -> bytes:
    packing = zlib.compressobj(_QUICKEST, wbits=_WRITES[encoding])
    return packing.compress(content) + packing.flush()
