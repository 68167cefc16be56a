"""Sockets -> the process that follows their owner: connections that wait in one that listens are never reset.

Each process that serves them listens under a name of its own in the abstract namespace of Unix sockets, and gives
the descriptors to any process of the same user that asks for the sockets of the same job: `key` is the job's folder,
for numbers of processes are given again. Where there is no such namespace nothing is offered.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")
_PATIENCE = 2.0
_MOST = 4


class Offer:
    """What gives `shared` to those who ask; `fileno` becomes readable when somebody does."""

    def __init__(self, shared: Sequence[socket.socket], key: Path) -> None:
        self.shared = shared
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(_name(key, os.getpid()))
        self.listener.listen(8)
        self.listener.setblocking(False)

    def fileno(self) -> int:
        return self.listener.fileno()

    def give(self) -> None:
        """Answer one who asks."""
        try:
            asker, _ = self.listener.accept()
        except BlockingIOError:
            return
        with asker:
            if _user(asker) == os.getuid():
                socket.send_fds(asker, [b"s"], [one.fileno() for one in self.shared])

    def close(self) -> None:
        self.listener.close()


def offer(shared: Sequence[socket.socket], key: Path) -> Offer | None:
    """Offer the sockets to whoever follows; None where the platform cannot."""
    return Offer(shared, key) if sys.platform == "linux" else None


def take(pids: Iterable[int], key: Path) -> list[socket.socket]:
    """The sockets of the first of these processes that offers any."""
    if sys.platform != "linux":
        return []
    for pid in pids:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(_PATIENCE)
            try:
                asking.connect(_name(key, pid))
                if _user(asking) != os.getuid():
                    continue
                _, descriptors, _, _ = socket.recv_fds(asking, 1, _MOST)
            except OSError:
                continue
        if descriptors:
            return [socket.socket(fileno=descriptor) for descriptor in descriptors]
    return []


def _name(key: Path, pid: int) -> str:
    return f"\0workbench-{os.getuid()}-{pid}-{hashlib.sha256(os.fsencode(key.absolute())).hexdigest()[:16]}"


def _user(other: socket.socket) -> int:
    _, user, _ = _CREDENTIALS.unpack(other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(user)
