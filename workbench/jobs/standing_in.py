"""The sockets of a service whose workers were all stopped from outside -> a process that says so, with 503, to whoever
asks, until one of them goes on."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..spawn.branch import branch

if TYPE_CHECKING:
    from .context import Context

_PATIENCE = 5.0
_MOST = 1 << 16


class StandIn:
    """What answers HTTP over `shared` in place of workers that cannot."""

    def __init__(self, context: Context, shared: socket.socket) -> None:
        self.context, self.shared = context, shared
        self._channel: socket.socket | None = None
        self._pid = 0

    def look(self, *, needed: bool) -> None:
        """Begin, or end, if need be."""
        if needed and self._channel is None:
            self._begin()
        elif not needed:
            self.end()

    def _begin(self) -> None:
        self.context.store.database.close()
        self._channel, theirs = socket.socketpair()
        with theirs:
            fds = [theirs.fileno(), self.shared.fileno()]
            args = {"name": self.context.name, "channel": fds[0], "socket": fds[1]}
            tls = self.context.job.spec.get("tls")
            self._pid = branch(f"{__name__}:work", args | {"tls": tls}, fds=fds)

    def end(self) -> None:
        """Once this returns it takes no connection any more; those that it has are answered."""
        if self._channel is not None:
            with self._channel as channel, suppress(OSError):
                channel.settimeout(_PATIENCE)
                channel.shutdown(socket.SHUT_WR)
                channel.recv(1)
            self._channel = None
        if self._pid and os.waitpid(self._pid, os.WNOHANG)[0]:
            self._pid = 0


def work(args: dict[str, Any]) -> None:
    """The life of the process: it ends when the other end of its channel does."""
    asyncio.run(_answer(args))


async def _answer(args: dict[str, Any]) -> None:
    asked: set[asyncio.Task[Any]] = set()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.add(task := asyncio.current_task())  # type: ignore[arg-type]
        with suppress(OSError, asyncio.LimitOverrunError, asyncio.IncompleteReadError, TimeoutError):
            await asyncio.wait_for(_told(args["name"], reader, writer), _PATIENCE)
        writer.close()
        asked.discard(task)

    channel, shared = (socket.socket(fileno=args[one]) for one in ("channel", "socket"))
    server = await asyncio.start_server(answered, sock=shared, ssl=_tls(args["tls"]), limit=_MOST)
    said, writer = await asyncio.open_connection(sock=channel)
    await said.read()
    server.close()
    writer.close()
    if asked:
        await asyncio.wait(asked, timeout=_PATIENCE)


def _tls(files: list[str] | None) -> ssl.SSLContext | None:
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


async def _told(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request; what is left of it is read, since who writes into a closed connection loses the answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    fix = f"try again in some seconds; workbench status {name} says why"
    body = json.dumps({"error": f"{name} does not answer now: its process was stopped", "fix": fix}).encode()
    lines = b"content-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    said = b"HTTP/1.1 503 Service Unavailable\r\n%bcontent-length: %d\r\n\r\n" % (lines, len(body))
    writer.write(said if head.startswith(b"HEAD ") else said + body)
    await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    while await reader.read(_MOST):
        pass
