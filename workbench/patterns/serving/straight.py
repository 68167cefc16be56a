"""A short POST for predictions -> the batcher -> its connection, without a task or a message in between. Most requests
are such; all others go the ways of ASGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ... import journal
from ...errors import WorkbenchError
from . import events, routes
from .compression import PAYS, compress
from .exchange import Reply, Request

if TYPE_CHECKING:
    from .answering import Asking
    from .asked import Answer
    from .endpoint import Endpoint
    from .exchange import Headers
    from .joined import Protocol

MOST_BODY = 65_536  # bytes: of longer ones no more is read than somebody takes
_OTHERS = frozenset((b"content-encoding", b"expect", b"origin", b"prefer", b"transfer-encoding", b"upgrade"))
"""Headers of those who want more than an answer."""

_PLAIN = {"http_version": "1.1", "query_string": b""}


class Way:
    """From the connections of a server to its endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._headers: Any = None  # those that each response has, another list each second
        self._lines = b""

    def taken(self, connection: Protocol) -> Straight | None:
        """The request whose head has come, if it may ask and can go this way; None for who is refused, too."""
        endpoint, headers = self.endpoint, dict(connection.headers)
        if endpoint.draining or not _OTHERS.isdisjoint(headers) or not self._short(headers):
            return None
        try:
            endpoint.access.check_host(headers, {"headers": connection.headers, **_PLAIN})
            caller = endpoint.access.check(headers)
            path = connection.url.decode("latin-1")
            found = routes.FIXED.get(path) or self._found(path, headers)
        except WorkbenchError:
            return None
        if found is None or found.explains or events.wanted(headers):
            return None
        return Straight(self, connection, found, Request(path, headers, b"", caller))

    def _short(self, headers: Headers) -> bool:
        length = headers.get(b"content-length", b"")
        return length.isdigit() and int(length) <= min(MOST_BODY, self.endpoint.limits.max_body)

    def _found(self, path: str, headers: Headers) -> routes.Protocol | None:
        return None if "%" in path or "?" in path else routes.find(path, headers, self.endpoint.at(path))

    def head(self, status: int, headers: Any) -> bytes:
        """The first lines of a response: its status, and the `headers` that each has."""
        if headers is not self._headers:
            self._headers = headers
            self._lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return STATUS_LINE[status] + self._lines


class _Unheard:
    def set(self) -> None:
        """Nobody waits for it."""


class Straight:
    """One request. To uvicorn's protocol it is the present cycle, to its server a task, to the batcher a client, and
    the place where the answer goes."""

    __slots__ = (
        *("way", "connection", "protocol", "request", "asking", "came", "answered", "beside"),
        *("disconnected", "keep_alive", "more_body", "response_complete"),
    )
    message_event = _Unheard()

    def __init__(self, way: Way, connection: Protocol, protocol: routes.Protocol, request: Request) -> None:
        self.way, self.connection, self.protocol, self.request = way, connection, protocol, request
        self.asking: Asking | None = None
        self.beside: asyncio.Task[None] | None = None
        self.came = time.perf_counter()
        self.answered = self.disconnected = self.response_complete = False
        self.keep_alive = self.more_body = True
        connection.tasks.add(self)  # type: ignore[arg-type]
        way.endpoint.metrics.begun()

    def begin(self) -> None:
        """The whole body is there."""
        self.more_body = False
        endpoint, request = self.way.endpoint, self.request
        try:
            asking = self.asking = endpoint.asking(self.protocol.ask, request)
            if asking.question.explains:
                self._beside(self._explained(asking))
            else:
                asking.lane.put(asking.question, asking.served.inputs, asking.due, self, request)
        except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
            self.set_exception(error)

    def done(self) -> bool:
        """Whether the answer is there, or it is known that there will be none."""
        return self.answered

    def set_result(self, answer: Answer) -> None:
        """What the model answered."""
        assert self.asking
        try:
            reply = self.way.endpoint.replied(self.asking, answer)
        except Exception as error:  # noqa: BLE001 likewise
            self.set_exception(error)
        else:
            self._end(reply)

    def set_exception(self, error: Exception) -> None:
        """Why there is no answer."""
        endpoint = self.way.endpoint
        endpoint.lost(self.request, error)
        self._end(endpoint.failed(self.protocol, error, self.request))

    def _end(self, reply: Reply) -> None:
        self.answered = True
        if len(reply.content) < PAYS:
            self._send(reply)
        else:
            self._beside(self._compressed(reply))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """What takes its time."""
        self.beside = self.connection.loop.create_task(work)

    async def _explained(self, asking: Asking) -> None:
        try:
            reply = await self.way.endpoint.explained(asking, self)
        except Exception as error:  # noqa: BLE001 likewise
            self.set_exception(error)
        else:
            self._end(reply)

    async def _compressed(self, reply: Reply) -> None:
        await compress(reply, self.request.headers)
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        """Whatever goes wrong here, those who share its batch get their answers."""
        connection, endpoint, request = self.connection, self.way.endpoint, self.request
        try:
            endpoint.told_of(request.path, request.headers, reply.status, self.came, request.served)
            if not self.disconnected and not connection.transport.is_closing():
                self._write(reply)
        except Exception as error:  # noqa: BLE001 likewise
            journal.note("an answer could not be sent", error)
            connection.transport.abort()
        finally:
            self.response_complete = True
            connection.tasks.discard(self)
            endpoint.metrics.ended()
            del self.request, self.asking  # a connection keeps its last cycle for as long as it is idle

    def _write(self, reply: Reply) -> None:
        endpoint, connection = self.way.endpoint, self.connection
        last = endpoint.draining or not self.keep_alive
        head = self.way.head(reply.status, connection.server_state.default_headers) + endpoint.lines(reply)
        head += b"connection: close\r\n" if last else b""
        connection.respond(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(reply.content), reply.content), last=last)
