"""The sockets of a service whose workers were all stopped from outside -> a process that says so, with 503 or
UNAVAILABLE, to whoever asks, until one of them goes on."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..spawn.branch import branch
from . import addresses
from .cutting import cut

if TYPE_CHECKING:
    from .children import Children
    from .context import Context

_PATIENCE = 5.0
_MOST = 1 << 16


class StandIn:
    """What answers HTTP over the first of `shared`, and gRPC at the port of the second, in place of workers that
    cannot."""

    def __init__(self, context: Context, shared: list[socket.socket]) -> None:
        self.context, self.shared = context, shared[0]
        self._grpc = next((addresses.shown(kept) for kept in shared[1:]), None)
        self._channel: socket.socket | None = None
        self._pid = 0
        self._cut: set[int] = set()

    def look(self, children: Children, *, leaving: bool = False) -> None:
        """Begin, or end, if need be. Each worker takes calls over sockets of its own: where it was stopped they are
        ended, and it listens anew once it goes on."""
        stopped = {child.pid: child for child in children.values() if child.stopped}
        for pid in stopped.keys() - self._cut if self._grpc else ():
            cut(pid, addresses.port_of(self._grpc) or 0)
            stopped[pid].tell(do="listen")
        self._cut = set(stopped)
        if children.stuck and not leaving and self._channel is None:
            self._begin()
        elif leaving or not children.stuck:
            self.end()

    def _begin(self) -> None:
        self.context.store.database.close()
        self._channel, theirs = socket.socketpair()
        with theirs:
            fds = [theirs.fileno(), self.shared.fileno()]
            args = {"name": self.context.name, "channel": fds[0], "socket": fds[1], "grpc": self._grpc}
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
    calls = await _over_grpc(args) if args["grpc"] else None
    server = await asyncio.start_server(answered, sock=shared, ssl=_tls(args["tls"]), limit=_MOST)
    said, writer = await asyncio.open_connection(sock=channel)
    await said.read()
    server.close()
    if calls:
        await calls.stop(None)
    writer.close()
    if asked:
        await asyncio.wait(asked, timeout=_PATIENCE)


@dataclass
class _Each:
    """Gives each call, of whatever name, to the same handler."""

    handler: Any

    def service(self, _: Any) -> Any:
        return self.handler


async def _over_grpc(args: dict[str, Any]) -> Any:
    """Answer each call; what is to be stopped in the end. Its port is shared, as the workers share it."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it is read at the import
    import grpc

    what, fix = _words(args["name"])

    async def refused(_: Any, call: Any) -> None:
        await call.abort(grpc.StatusCode.UNAVAILABLE, f"{what}\n→ {fix}")

    server = grpc.aio.server(
        handlers=[_Each(grpc.stream_stream_rpc_method_handler(refused))], options=[("grpc.so_reuseport", 1)]
    )
    if args["tls"]:
        cert, key = (Path(file).read_bytes() for file in args["tls"])
        server.add_secure_port(args["grpc"], grpc.ssl_server_credentials([(key, cert)]))
    else:
        server.add_insecure_port(args["grpc"])
    await server.start()
    return server


def _words(name: str) -> tuple[str, str]:
    """What is wrong, and the next step."""
    fix = f"try again in some seconds; workbench status {name} says why"
    return f"{name} does not answer now: its process was stopped", fix


def _tls(files: list[str] | None) -> ssl.SSLContext | None:
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


async def _told(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request; what is left of it is read, since who writes into a closed connection loses the answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    what, fix = _words(name)
    body = json.dumps({"error": what, "fix": fix}).encode()
    lines = b"content-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    said = b"HTTP/1.1 503 Service Unavailable\r\n%bcontent-length: %d\r\n\r\n" % (lines, len(body))
    writer.write(said if head.startswith(b"HEAD ") else said + body)
    await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    while await reader.read(_MOST):
        pass
