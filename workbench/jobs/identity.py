"""A number of a process -> which process it is: numbers are given again, and other machines have their own."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Identity:
    """One process of one boot of one machine (or container); `started` tells it from a later one of that number."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: str

    def alive(self) -> bool:
        """Whether it runs, here. What has ended and is only not waited for counts as dead."""
        return self == of(self.pid)

    @property
    def stopped(self) -> bool:
        """Whether a signal keeps it from going on, until another lets it."""
        return _status(self.pid) in ("T", "stopped") and self.alive()

    @property
    def here(self) -> bool:
        """Whether this boot of this machine started it."""
        return (self.host, self.boot, self.namespace) == _place()

    def signal(self, number: int, *, group: bool = False) -> bool:
        """Send a signal to it, or to its process group, if it is still the same; whether it was."""
        if not self.alive():
            return False
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group and hasattr(os, "killpg") else os.kill)(self.pid, number)
        return True

    def kill(self) -> bool:
        """End it and its process group at once."""
        return self.signal(getattr(signal, "SIGKILL", signal.SIGTERM), group=True)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def of(pid: int) -> Identity | None:
    """The process of this number; None where there is none, or it has ended."""
    started = _started(pid)
    return Identity(*_place(), pid, started) if started else None


def own() -> Identity:
    """This process."""
    found = of(os.getpid())
    assert found
    return found


@functools.cache
def _place() -> tuple[str, str, str]:
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), "/proc/self/ns/pid"
    if sys.platform != "linux":
        import psutil

        return socket.gethostname(), str(round(psutil.boot_time())), ""
    return socket.gethostname(), boot.read_text().strip(), os.readlink(namespace)


def _fields(pid: int) -> list[str]:
    """What Linux says of a process after its name; nothing of what is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _status(pid: int) -> str:
    """What it does, in the system's words; empty for what is gone."""
    if sys.platform == "linux":
        return next(iter(_fields(pid)), "")
    import psutil

    try:
        return str(psutil.Process(pid).status())
    except psutil.Error:
        return ""


def _started(pid: int) -> str:
    """When it was started, as the system counts; empty for what is gone or a zombie."""
    if sys.platform == "linux":
        fields = _fields(pid)
        return fields[19] if fields and fields[0] not in "ZX" else ""
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return ""
