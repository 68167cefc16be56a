"""A child that was stopped by a signal, and a port -> nobody waits there for what it does not answer: its connections
are ended, and it takes no other. It listens anew once it goes on, as it is told to."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from contextlib import suppress

_PIDFD_GETFD = 438  # on every processor that Linux has had since


def cut(pid: int, port: int) -> None:
    """End what the child has at this port; nothing happens where the system does not allow that."""
    if sys.platform != "linux":
        return
    with suppress(OSError):
        process = os.pidfd_open(pid)
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                    _end(process, int(name), port)
        finally:
            os.close(process)


def _end(process: int, descriptor: int, port: int) -> None:
    taken = ctypes.CDLL(None).syscall(_PIDFD_GETFD, process, descriptor, 0)
    if taken < 0:
        return
    with socket.socket(fileno=taken) as found, suppress(OSError):
        if _is_at(found, port):
            found.shutdown(socket.SHUT_RDWR)


def _is_at(found: socket.socket, port: int) -> bool:
    """Whether it is a connection there, or listens; what only keeps the port is left."""
    if found.family not in (socket.AF_INET, socket.AF_INET6) or found.getsockname()[1] != port:
        return False
    return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) or found.getpeername())
