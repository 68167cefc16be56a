"""Where a service is to answer -> the sockets that hold its addresses, taken over from whoever served before."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import StorageError
from . import handover

if TYPE_CHECKING:
    from .context import Context

_BACKLOG = 2048
_Make = Callable[[str, int], socket.socket]


def sockets(context: Context) -> list[socket.socket]:
    """One that listens for HTTP and, where the service answers over gRPC too, one that keeps the port of that.

    Those of whoever served before, where they are at the addresses that are asked for; a busy worker cannot give them.
    Else at the port that was asked for, or at the one that it had, or at a free one. StorageError.
    """
    spec, facts = context.job.spec, context.job.facts
    wanted: list[tuple[_Make, int, Any]] = [(listen, spec["port"], facts.get("port"))]
    if spec.get("grpc"):
        wanted.append((keep, 0 if spec["grpc"] is True else spec["grpc"], port_of(facts.get("grpc"))))
    offered = {shared.getsockname()[1]: shared for shared in _offered(context)}
    try:
        return [
            _taken(offered, port, before) or _own(make, spec["host"], port, before) for make, port, before in wanted
        ]
    finally:
        for unwanted in offered.values():
            unwanted.close()


def port_of(address: str | None) -> int | None:
    """The port of `127.0.0.1:8001`."""
    return int(address.rpartition(":")[2]) if address else None


def shown(shared: socket.socket) -> str:
    """The address of a socket: `127.0.0.1:8001`, `[::1]:8001`."""
    address, port = shared.getsockname()[:2]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _offered(context: Context) -> list[socket.socket]:
    spec, facts = context.job.spec, context.job.facts
    if facts.get("host") != spec["host"]:
        return []
    return handover.take([facts.get("door", 0), *facts.get("workers", ())], context.folder)


def _taken(offered: dict[int, socket.socket], port: int, before: Any) -> socket.socket | None:
    """The socket at the port that it had, if that is what is asked for."""
    return offered.pop(before) if before in offered and port in (0, before) else None


def _own(make: _Make, host: str, port: int, before: Any) -> socket.socket:
    if not port and before:
        with suppress(StorageError):
            return make(host, before)
    return make(host, port)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at this address. StorageError, which names it, where it is taken."""
    return _made(host, port, "port", lambda at, family: socket.create_server(at, family=family, backlog=_BACKLOG))


def keep(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for this user's processes, which may each bind it with SO_REUSEPORT. StorageError
    where anybody has it already."""
    return _made(host, port, "grpc", _kept)


def _kept(at: tuple[str, int], family: int) -> socket.socket:
    with socket.create_server(at, family=family) as alone:
        at = alone.getsockname()[:2]
    kept = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind(at)
    return kept


def _made(host: str, port: int, option: str, make: Callable[[tuple[str, int], int], socket.socket]) -> socket.socket:
    try:
        ((family, *_, address), *_) = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _no_address(host) from error
    try:
        return make((str(address[0]), port), family)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRNOTAVAIL:
            raise _no_address(host) from error
        why = os.strerror(number) if number else str(error)
        fix = f"--{option} with another number; without one it gets a free one"
        raise StorageError(f"port {port} of {host} cannot be had: {why}", fix=fix) from error


def _no_address(host: str) -> StorageError:
    return StorageError(f"{host} is no address of this machine", fix="--host 127.0.0.1, or 0.0.0.0 for all of them")
