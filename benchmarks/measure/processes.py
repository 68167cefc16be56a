"""What the kernel counts for processes: their children, processor time and memory of their own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import psutil


def family(pid: int) -> list[int]:
    """A process and all that it parents."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def cpu(pids: list[int]) -> float:
    """Seconds of processor time, of the user and of the kernel, since they began."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def own_memory(pids: list[int]) -> int:
    """Bytes that would be free if they ended: what they share with others is not counted."""
    return sum(psutil.Process(pid).memory_full_info().uss for pid in pids)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def server(command: list[str], port: int, folder: Path) -> Iterator[int]:
    """A server's process number, from when its port is open until the end of the block."""
    with Popen(command, cwd=folder) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.01)
            yield process.pid
        finally:
            process.terminate()
