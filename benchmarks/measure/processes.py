"""What the kernel counts for processes: their children, processor time and memory of their own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from contextlib import suppress
from subprocess import Popen, TimeoutExpired

import psutil

_PATIENCE = 10.0


def family(pid: int) -> list[int]:
    """A process and all that it parents."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def cpu(pids: list[int]) -> float:
    """Seconds of processor time, of the user and of the kernel, since they began."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def own_memory(pids: list[int]) -> int:
    """Bytes that would be free if they ended: what they share with others is not counted."""
    return sum(psutil.Process(pid).memory_full_info().uss for pid in pids)


def memory(pids: list[int]) -> int:
    """Bytes that they have; what they share with others is divided among all that do."""
    return sum(psutil.Process(pid).memory_full_info().pss for pid in pids)


def free_port() -> int:
    """A port that nobody has, and that no connection is given before it is taken: systems give those from 32768 on."""
    while True:
        with socket.socket() as sock, suppress(OSError):
            sock.bind(("127.0.0.1", 20_000 + secrets.randbelow(12_000)))
            return int(sock.getsockname()[1])


def end(process: Popen[bytes]) -> None:
    """End a process that leads a session of its own, and all of that session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutExpired):
            process.wait(_PATIENCE)
