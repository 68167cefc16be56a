"""HTTP clients that cost less than the server: the same request again and again over kept connections."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvloop


@dataclass(frozen=True)
class Load:
    """What was answered: how many in how long, and each answer's time in seconds, sorted."""

    requests: int
    seconds: float
    times: list[float]

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def quantile(self, share: float) -> float:
        return self.times[min(len(self.times) - 1, int(share * len(self.times)))]


def request(url: str, body: bytes, token: str = "") -> bytes:
    """The bytes of a POST."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *([f"Authorization: Bearer {token}"] if token else []), "", ""]
    return "\r\n".join(lines).encode() + body


class _Asking(asyncio.Protocol):
    """One connection: the next request goes out when the last is answered."""

    def __init__(self, message: bytes, until: float, times: list[float], done: asyncio.Future[None]) -> None:
        self.message, self.until, self.times, self.done = message, until, times, done
        self.had = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self.asked = time.perf_counter()
        self.transport.write(self.message)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.had += data
        if not whole(self.had):
            return
        now = time.perf_counter()
        self.times.append(now - self.asked)
        self.had = b""
        if now < self.until:
            self._ask()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def whole(answer: bytes) -> bool:
    """Whether all of an answer is there. RuntimeError for another status than 200."""
    head, found, rest = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:300].decode())
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return len(rest) >= length


def load(url: str, body: bytes, *, connections: int, seconds: float, token: str = "") -> Load:
    """Many connections at once."""
    return uvloop.run(_load(url, request(url, body, token), connections, seconds))


async def _load(url: str, message: bytes, connections: int, seconds: float) -> Load:
    parts, loop, times = urlsplit(url), asyncio.get_running_loop(), list[float]()
    start = time.perf_counter()
    ends = [loop.create_future() for _ in range(connections)]
    for done in ends:
        await loop.create_connection(
            lambda done=done: _Asking(message, start + seconds, times, done), parts.hostname, parts.port
        )
    await asyncio.gather(*ends)
    return Load(len(times), time.perf_counter() - start, sorted(times))


def alone(url: str, body: bytes, *, seconds: float, token: str = "") -> Load:
    """One connection without an event loop of its own: nothing but the server's time and the kernel's."""
    parts, message, times = urlsplit(url), request(url, body, token), list[float]()
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = now = time.perf_counter()
        while now < start + seconds:
            asked = time.perf_counter()
            sock.sendall(message)
            had = sock.recv(65536)
            while not whole(had):
                had += sock.recv(65536)
            now = time.perf_counter()
            times.append(now - asked)
    return Load(len(times), now - start, sorted(times))
