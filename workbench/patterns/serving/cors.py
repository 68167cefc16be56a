"""An endpoint -> the same for pages of the sites that may ask it: they are told so, as browsers want it (CORS).

Cookies never count for them: a page of another site shows the token, or the service asks for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .endpoint import Endpoint, Receive, Send
    from .exchange import Headers, Pairs

_HEADERS = (
    b"authorization, content-type, content-encoding, accept, prefer, x-request-timeout, "
    b"inference-header-content-length, ce-id, ce-source, ce-specversion, ce-type, ce-time"
)
_TAKEN = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE"),
    (b"access-control-allow-headers", _HEADERS),
    (b"access-control-max-age", b"600"),
)
_SHOWN = (
    b"x-request-id, x-workbench-model, x-workbench-version, retry-after, inference-header-content-length, location, "
    b"ce-id, ce-source, ce-specversion, ce-type, ce-time, ce-causationid"
)


class Cors:
    """Answers what browsers ask before a request, to anybody, and lets them show the answers to those pages."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.access = endpoint, endpoint.access

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        origin = headers.get(b"origin")
        if origin is None or not self.access.allows(origin):
            await self.endpoint(scope, receive, send)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": [*_allowed(origin), *_TAKEN]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self.endpoint(scope, receive, _telling(send, _allowed(origin)))


def _allowed(origin: bytes) -> Pairs:
    return ((b"access-control-allow-origin", origin), (b"vary", b"Origin"), (b"access-control-expose-headers", _SHOWN))


def _telling(send: Send, further: Pairs) -> Send:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *further]
        await send(message)

    return sending
