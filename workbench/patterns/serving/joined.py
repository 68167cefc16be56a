"""HTTP/1.1 as uvicorn speaks it: the head of a response and its body in one write, and bounds for slow or endless
clients."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ...data.encoding import dumps

MOST_HEAD = 65_536  # bytes of a request's line and headers
PATIENCE = 60.0  # seconds for them, for the next piece of a body, and for an answer to be taken
_NOTHING = bytearray()
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


class Whole:
    """Writes whole responses: what uvicorn makes of two messages, looking through their headers one by one."""

    def __init__(self) -> None:
        self._headers: Any = None  # those that each response has, another list each second
        self._lines = b""

    def write(self, cycle: Any, head: bytes, body: bytes) -> bool:
        """Answer a request with 200, these further lines of a head, and a body. False where it must be sent as usual:
        its client is gone, does not read, or wants the connection closed."""
        if type(cycle) is not RequestResponseCycle or cycle.disconnected or cycle.response_started:
            return False
        if not cycle.keep_alive or cycle.flow.write_paused:
            return False
        if cycle.default_headers is not self._headers:
            self._headers = cycle.default_headers
            self._lines = b"".join(b"%b: %b\r\n" % header for header in self._headers)
        cycle.response_started, cycle.waiting_for_100_continue = True, False
        joined: Any = cycle.transport
        joined.write_whole(
            b"HTTP/1.1 200 OK\r\n%b%bcontent-length: %d\r\n\r\n%b" % (self._lines, head, len(body), body)
        )
        cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True


def whole_body(receive: Any) -> bytes | None:
    """The body of a request, if all of it has come before anybody asked; else it is to be received."""
    cycle = getattr(receive, "__self__", None)
    if type(cycle) is not RequestResponseCycle or cycle.more_body or cycle.disconnected:
        return None
    body, cycle.body = bytes(cycle.body), _NOTHING
    return body


def end_unread(receive: Any) -> None:
    """Let the answer close the connection of who waits to be told to go on, and never is: whether a body follows on
    it, or the next request, cannot be known."""
    cycle = getattr(receive, "__self__", None)
    if type(cycle) is RequestResponseCycle and cycle.waiting_for_100_continue and cycle.more_body:
        cycle.keep_alive = False


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol over a `Joined` transport."""

    head, in_head, came = 0, True, 0.0

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

    def on_message_begin(self) -> None:
        HttpToolsProtocol.on_message_begin(self)
        self.head, self.in_head, self.came = 0, True, self.loop.time()

    def on_headers_complete(self) -> None:
        self.in_head = False
        HttpToolsProtocol.on_headers_complete(self)

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
