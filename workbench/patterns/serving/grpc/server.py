"""A gRPC server of one worker, beside its HTTP: on the same loop, at a port that all workers of a service share.

gRPC cannot take a socket that listens: each worker binds the port anew, which their door keeps for them, and the system
spreads connections over those who do.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import ssl
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc

from ....errors import StorageError
from .. import certificates
from .health import Health
from .inference import Inference
from .messages import services
from .reflection import Reflection

if TYPE_CHECKING:
    from ..answering import Answering

_AGE = 4.0  # seconds; jittered by a tenth
_LATEST = 1.1 * _AGE + 0.2
_SLOW_PATIENCE = 20.0
_LAST = 1.0
_ACCEPTING = 0.1
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux, which the module socket does not name
_LOOK = 0.05


class Server:
    """Answers calls for `endpoint` from `start` on. After `drain` is set it takes no connection; those that it has are
    told to move on and are left when their calls are answered. `drained` returns then."""

    def __init__(self, endpoint: Answering, drain: asyncio.Event) -> None:
        self.endpoint, self.drain = endpoint, drain
        self.inference = Inference(endpoint, drain)
        self.port = 0
        self._server = self._made()

    def _made(self) -> grpc.aio.Server:
        server = grpc.aio.server(options=_options(self.endpoint.limits.max_body))
        server.add_generic_rpc_handlers([_handler(name, of) for name, of in self._services()])
        return server

    def _services(self) -> Iterator[tuple[str, Any]]:
        for name in services():
            package, _, service = name.rpartition(".")
            if service == "Health":
                yield name, Health(self.endpoint, self.drain)
            else:
                yield name, self.inference if package == "inference" else Reflection(self.endpoint, package)

    async def start(self, address: str, tls: Sequence[str] | None = None) -> None:
        """Listen at `127.0.0.1:8001`; with `tls`, a certificate's file and its key's, encrypted. StorageError."""
        self._at = address, tls
        try:
            if tls is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, _credentials(tls))
        except (RuntimeError, OSError) as error:
            fix = "--grpc with another port, or without one to get a free one"
            raise StorageError(f"gRPC cannot listen at {address}: {error}", fix=fix) from error
        await self._server.start()

    async def listen_again(self) -> None:
        """This process had been stopped by a signal, and may listen no more: who came was told so by another."""
        if self.drain.is_set() or any(_sockets(self.port, listening=True)):
            return
        before, self._server = self._server, self._made()
        await self.start(*self._at)
        await before.stop(_LAST)

    async def drained(self) -> None:
        """Until `drain` is set and no call is left. Connections are renewed every few seconds anyway, each at a moment
        when none of its calls is under way: a server that is told to stop would cancel those that arrive just then."""
        await self.drain.wait()
        _let_nobody_in(self.port)
        await asyncio.sleep(_ACCEPTING)
        _stop_listening(self.port)
        await self._until(lambda: not any(_sockets(self.port)), _LATEST)
        await self._until(lambda: not self.inference.streams, _SLOW_PATIENCE)
        await self._until(lambda: not self.endpoint.calls)
        await self._server.stop(_LAST)

    async def _until(self, done: Any, patience: float = float("inf")) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while not done() and loop.time() < end:
            await asyncio.sleep(_LOOK)


def _credentials(files: Sequence[str]) -> grpc.ServerCredentials:
    """What the files hold, read again for new connections."""

    def now() -> Any:
        try:
            cert, key = certificates.read(files)
        except (ssl.SSLError, OSError):
            return None  # it is replaced just now, or by what cannot be used: what was shown is shown on
        return grpc.ssl_server_certificate_configuration([(key, cert)])

    cert, key = certificates.read(files)
    first = grpc.ssl_server_certificate_configuration([(key, cert)])
    return grpc.dynamic_ssl_server_credentials(first, now)


def _options(max_body: int) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", max_body),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_connection_age_ms", round(_AGE * 1000)),
        ("grpc.http2.max_ping_strikes", 0),  # clients that look often whether it is there are welcome
    ]


def _handler(name: str, of: Any) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(name, of.handlers())


def _let_nobody_in(port: int) -> None:
    """Drop who comes from now on: they come again, to others. Those who came are accepted before listening ends, which
    would reset them."""
    if sys.platform != "linux":
        return
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # of the Berkeley packet filter: return 0
    program = struct.pack("HP", 1, ctypes.addressof(nothing))
    for found in _sockets(port, listening=True):
        with suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)


def _stop_listening(port: int) -> None:
    """Take no further connection: the server itself can only do so by stopping."""
    for found in _sockets(port, listening=True):
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


def _sockets(port: int, *, listening: bool = False) -> Iterator[socket.socket]:
    """This process's sockets at the port: those that listen, or its connections."""
    for name in os.listdir("/dev/fd"):
        try:
            found = socket.socket(fileno=int(name))
        except OSError:
            continue  # no socket, or the listing's own
        try:
            if _is_at(port, found, listening=listening):
                yield found
        finally:
            found.detach()  # it is not ours to close


def _is_at(port: int, found: socket.socket, *, listening: bool) -> bool:
    if found.family not in (socket.AF_INET, socket.AF_INET6) or found.getsockname()[1] != port:
        return False
    if listening:
        return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    with suppress(OSError):
        return bool(found.getpeername())
    return False
