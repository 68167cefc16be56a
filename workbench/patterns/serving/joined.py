"""HTTP/1.1 as uvicorn speaks it: requests that can go straight to the batcher do, the head of a response and its body
are one write, and slow or endless clients have bounds."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ...data.encoding import dumps
from .refusals import Gone
from .straight import Straight, Way

MOST_HEAD = 65_536  # bytes of a request's line and headers
PATIENCE = 60.0  # seconds for them, for the next piece of a body, and for an answer to be taken
_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


class Joined:
    """A transport that keeps a response's head back until its body comes: a system call less for each answer, and
    the client wakes up once."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: Any) -> None:
        self._transport, self._head = transport, b""

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100 "):
            self._head = data
            return
        self._transport.write(data)

    def write_whole(self, data: bytes) -> None:
        """Write a response's head and body, after which nothing is kept back."""
        self._transport.write(data)

    def flush(self) -> None:
        """Write what was kept back."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        closing: bool = self._transport.is_closing()
        return closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def end_unread(receive: Any) -> None:
    """Let the answer close the connection of who waits to be told to go on, and never is: whether a body follows on
    it, or the next request, cannot be known."""
    cycle = getattr(receive, "__self__", None)
    if type(cycle) is RequestResponseCycle and cycle.waiting_for_100_continue and cycle.more_body:
        cycle.keep_alive = False


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol over a `Joined` transport, with a way around it."""

    head, in_head, came = 0, True, 0.0

    def __init__(self, *args: Any, way: Way, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.way = way

    def connection_made(self, transport: Any) -> None:
        super().connection_made(Joined(transport))  # type: ignore[arg-type]
        self.came = self.loop.time()

    def data_received(self, data: bytes) -> None:
        if not self.in_head:
            self.came = self.loop.time()  # of a head all must come in time, of a body the next piece
        HttpToolsProtocol.data_received(self, data)
        if self.in_head:
            self.head += len(data)
            if self.head > MOST_HEAD:
                self.refuse(431, f"the headers are larger than {MOST_HEAD} bytes", "send shorter ones")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        cycle: Any = self.cycle
        if type(cycle) is Straight and cycle.more_body:
            cycle.set_exception(Gone())

    def on_message_begin(self) -> None:
        self.url, self.headers, self.expect_100_continue = b"", [], False  # the scope is made for whom it is wanted
        self.head, self.in_head, self.came = 0, True, self.loop.time()

    def on_headers_complete(self) -> None:
        self.in_head = False
        straight: Any = self.way.taken(self) if self._is_plain() else None
        if straight:
            self.cycle = straight
        else:
            self._as_usual()

    def _is_plain(self) -> bool:
        """Whether this is a POST of who stays, takes what is sent, and waits for nothing else."""
        if (self.cycle and not self.cycle.response_complete) or self.flow.write_paused:
            return False
        parser = self.parser
        post: bool = parser.get_method() == b"POST" and parser.get_http_version() == "1.1"
        return post and parser.should_keep_alive()

    def _as_usual(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        HttpToolsProtocol.on_message_begin(self)
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        cycle: Any = self.cycle
        if type(cycle) is Straight:
            cycle.request.content += body
        else:
            HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        if type(cycle) is Straight:
            cycle.begin()
        else:
            HttpToolsProtocol.on_message_complete(self)

    def respond(self, response: bytes, *, last: bool) -> None:
        """Send a whole response to who waits for it; after the `last` one the connection is closed."""
        self.transport.write_whole(response)  # type: ignore[attr-defined]
        if last:
            self.transport.close()
        self.on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self.refuse(400, "this is no HTTP request that can be read", "HTTP/1.1, as curl sends it")

    def refuse(self, status: int, what: str, fix: str) -> None:
        """Answer what never became a request, and close the connection."""
        body = dumps({"error": what, "fix": fix})
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, _REASONS[status], len(body)) + body)
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.came = self.loop.time()

    def waits_for_its_client(self) -> bool:
        """Whether the rest of a request has not come, or an answer is not taken."""
        return bool(self.cycle and self.cycle.more_body) or bool(self.flow and self.flow.write_paused)

    def end_the_slow(self, now: float) -> None:
        """Close it where its client has let it wait for too long in the middle of a request or an answer."""
        if now - self.came < PATIENCE:
            return
        if self.in_head and (self.cycle is None or self.cycle.response_complete):
            self.refuse(408, f"the request did not come within {PATIENCE:.0f} s", "send it at once")
        elif self.waits_for_its_client():
            self.transport.abort()
        elif now - self.came >= self.timeout_keep_alive and self.cycle and self.cycle.response_complete:
            self.transport.close()

    def on_response_complete(self) -> None:
        self.transport.flush()  # type: ignore[attr-defined]
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self.came = self.loop.time()  # who looks for the slow closes it, instead of a timer for each answer
