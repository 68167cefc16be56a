"""A server that answers over HTTP/1.1 as badly as it is told: a body that is a number of milliseconds is waited for."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Odd(socketserver.ThreadingTCPServer):
    """Counts the requests that came; `stalls` is a number of seconds that all answers wait for, from the next on."""

    daemon_threads = allow_reuse_address = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.came, self.bytes, self.stalls = 0, 0, 0.0
        self.open = threading.Event()
        self.open.set()
        self.lock = threading.Lock()
        self.clock: Any = time

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/predict"

    def stall(self) -> None:
        """The first to ask holds all up, once."""
        with self.lock:
            seconds, self.stalls = self.stalls, 0.0
            if seconds:
                self.clock.sleep(seconds)


class _Answering(socketserver.StreamRequestHandler):
    server: Odd

    def handle(self) -> None:
        while (body := self._body()) is not None:
            self.server.came += 1
            self.server.bytes += len(body)
            self.server.stall()
            if body == b"leave":
                return
            if body == b"never":
                self.server.open.wait()
            self.wfile.write(ANSWERS.get(body, ANSWERS[b"ok"]))

    def _body(self) -> bytes | None:
        length = None
        while (line := self.rfile.readline()) not in (b"", b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return None if length is None else self.rfile.read(length)


ANSWERS = {
    b"ok": b"HTTP/1.1 200 OK\r\ncontent-type: x\r\nContent-Length: 2\r\n\r\nok",
    b"busy": b"HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n",
    b"chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}


@contextmanager
def odd() -> Iterator[Any]:
    """The server, until the end of the block."""
    with Odd() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.open.set()
            server.shutdown()
            thread.join()
