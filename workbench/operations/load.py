"""The same requests again and again over kept connections -> how many were answered, and how quickly.

By hand over sockets, in the thread that calls it: it costs less than any server, needs no event loop, and ends at once
when it is interrupted.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

from ..errors import JobFailed

_PATIENCE = 10.0
_SPIN = 0.002
_LOOK = 0.05
_PART = 262_144
_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE
OK = 200


@dataclass(frozen=True)
class Load:
    """What was answered with 200, and in which times, sorted, in seconds; how many were `broken`, by status or by what
    happened to their connection; `busy` is the share of its time that this client worked: below 1, the server was the
    limit."""

    seconds: float
    times: Sequence[float]
    broken: Counter[str]
    busy: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """The time within which that share was answered; infinite without answers."""
        return self.times[min(len(self.times) - 1, int(share * len(self.times)))] if self.times else float("inf")


def request(url: str, body: bytes, token: str = "", kind: str = "application/json") -> bytes:
    """The bytes of a POST."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Type: {kind}"]
    lines += [f"Content-Length: {len(body)}", *([f"Authorization: Bearer {token}"] if token else []), "", ""]
    return "\r\n".join(lines).encode() + body


def load(url: str, messages: Sequence[bytes], *, connections: int, seconds: float, rate: float | None = None) -> Load:
    """Send `messages` in turn. Each connection sends the next when its last is answered; or at a fixed `rate` a second,
    whatever is answered, and the time of an answer counts from when its request was due, so that a server which stops
    for a while is not spared those that would have come. JobFailed where nothing listens."""
    asking = _Asking(url, messages)
    try:
        for _ in range(connections):
            asking.connect()
        return asking.run(seconds, rate)
    finally:
        asking.close()


def once(url: str, message: bytes) -> int:
    """The status of one answer; 0 where none comes."""
    asking = _Asking(url, [message])
    try:
        asking.connect()
        asking.run(0.0, None, least=1)
        return OK if asking.times else next((int(said) for said in asking.broken if said.isdecimal()), 0)
    finally:
        asking.close()


@dataclass(slots=True, eq=False)
class _Connection:
    sock: socket.socket
    asks: bool = False
    due: float = 0.0
    out: bytes = b""
    had: bytes = b""


class _Asking:
    """The connections to one address, those that are free, and what came of their requests."""

    def __init__(self, url: str, messages: Sequence[bytes]) -> None:
        parts = urlsplit(url)
        self.tls = _trusting() if parts.scheme == "https" else None
        self.address = (parts.hostname or "", parts.port or (443 if self.tls else 80))
        self.messages = cycle(messages)
        self.selector = selectors.DefaultSelector()
        self.free = deque[_Connection]()
        self.asked = self.sent = 0
        self.times, self.broken = list[float](), Counter[str]()

    def connect(self) -> None:
        """One more connection. JobFailed where nothing listens."""
        try:
            sock = socket.create_connection(self.address, timeout=_PATIENCE)
            sock = self.tls.wrap_socket(sock) if self.tls else sock
        except OSError as error:
            what = f"nothing answers at {self.address[0]}:{self.address[1]}: {error}"
            raise JobFailed(what, fix="see what runs: %workbench deployments") from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        connection = _Connection(sock)
        self.selector.register(sock, selectors.EVENT_READ, connection)
        self.free.append(connection)

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            key.data.sock.close()
        self.selector.close()

    def run(self, seconds: float, rate: float | None, least: int = 0) -> Load:
        worked, start = time.process_time(), time.perf_counter()
        end = start + seconds
        for _ in range(least):
            self._ask(self.free.popleft(), start)
        while (now := time.perf_counter()) < end + _PATIENCE:
            wait = self._when_due(start, end, rate) if rate else self._at_once(end)
            if wait is None and not self.asked:
                break
            self._hear(_LOOK if wait is None else wait)
        if self.asked:
            self.broken["no answer"] += self.asked
        return Load(now - start, sorted(self.times), self.broken, (time.process_time() - worked) / (now - start))

    def _at_once(self, end: float) -> float | None:
        """Let all that are free ask; how long to wait for answers then, None when it is over."""
        while (now := time.perf_counter()) < end and self.free:
            self._ask(self.free.popleft(), now)
        return _LOOK if now < end else None

    def _when_due(self, start: float, end: float, rate: float) -> float | None:
        """Ask what is due as far as a connection is free; likewise. The kernel waits in milliseconds: close to the next
        it is not asked to."""
        while (due := start + self.sent / rate) <= time.perf_counter() and due < end and self.free:
            self._ask(self.free.popleft(), due)
            self.sent += 1
        if due >= end:
            return None
        return max(0.0, due - time.perf_counter() - _SPIN) if self.free else _LOOK

    def _ask(self, connection: _Connection, due: float) -> None:
        connection.asks, connection.due, connection.out = True, due, next(self.messages)
        self.asked += 1
        self._push(connection)

    def _push(self, connection: _Connection) -> None:
        """Send what the kernel takes now; the rest when it takes more."""
        sent = 0
        with suppress(OSError):  # it takes no more now; that it is broken is found when it is read
            sent = connection.sock.send(connection.out)
        whole, connection.out = sent == len(connection.out), connection.out[sent:]
        if not whole:
            self.selector.modify(connection.sock, _BOTH, connection)

    def _hear(self, patience: float) -> None:
        for key, events in self.selector.select(patience):
            connection = key.data
            if events & selectors.EVENT_WRITE:
                self.selector.modify(connection.sock, selectors.EVENT_READ, connection)
                self._push(connection)
            if events & selectors.EVENT_READ:
                self._read(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            part = connection.sock.recv(_PART)
            while self.tls and connection.sock.pending():  # type: ignore[attr-defined]
                part += connection.sock.recv(_PART)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            part = b""
        if not part:
            self._lost(connection)
            return
        connection.had += part
        if connection.asks and (status := answered(connection.had)):
            self._answered(connection, status)

    def _answered(self, connection: _Connection, status: int) -> None:
        if status == OK:
            self.times.append(time.perf_counter() - connection.due)
        else:
            self.broken[str(status)] += 1
        connection.asks, connection.had = False, b""
        self.asked -= 1
        self.free.append(connection)

    def _lost(self, connection: _Connection) -> None:
        """The server has closed it: another takes its place."""
        if connection.asks:
            self.broken["connection lost"] += 1
            self.asked -= 1
        else:
            self.free.remove(connection)
        self.selector.unregister(connection.sock)
        connection.sock.close()
        self.connect()


def _trusting() -> ssl.SSLContext:
    """A service of ours says by itself who it is: its certificate need not be one that others trust."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def answered(had: bytes) -> int:
    """The status of a response that is there as a whole, else 0."""
    end = had.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head = had[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        stop = head.find(b"\r\n", at + 2)
        whole = len(had) >= end + 4 + int(head[at + 17 : stop if stop > 0 else end])
    else:
        whole = b"transfer-encoding: chunked" not in head or had.endswith(b"\r\n0\r\n\r\n")
    return int(head[9:12]) if whole else 0
