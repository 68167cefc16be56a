"""The owner's side of the pre-warmed process: start it, ask it for forks, notice that it is out of date."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .child import Request
from .environment import clean, installed, needs_a_fresh_start

_ROOT = str(Path(__file__).parents[2])
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # Arrow's allocator would start one
_PATIENCE_AFTER_KILL = 5.0


class NotForked(Exception):
    """Nothing was run: the pre-warmed process is gone, or has threads. `module` brought them, if one did."""

    def __init__(self, module: str = "") -> None:
        super().__init__(module)
        self.module = module


def command(module: str, call: str, python: str = sys.executable, room: str = __package__) -> list[str]:
    """An interpreter calling a function of this folder, or another, whether Workbench is installed or not."""
    lines = (
        f"import sys; root = {_ROOT!r}; add = root not in sys.path",
        "if add: sys.path.insert(0, root)",
        f"from {room} import {module}",
        "if add: sys.path.remove(root)",
        f"{module}.{call}",
    )
    return [python, "-P", "-c", "\n".join(lines)]


class Owned:
    """A pre-warmed process. It ends when it is retired, and when this process ends, however that happens."""

    def __init__(self) -> None:
        self.env = clean(threads=1)
        self._commands, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                command("warm", f"main({os.getpid()})"),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self.env | NO_THREADS,
                cwd="/",
                start_new_session=True,  # an interrupted kernel interrupts its whole process group
            )
        self._hello: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def fits(self, env: dict[str, str]) -> bool:
        """Whether a fork under these variables could not be told from a fresh process."""
        return not needs_a_fresh_start(env, self.env)

    def current(self) -> bool:
        """Whether it runs and holds the modules that are installed now."""
        hello = self._hello
        return self.process.poll() is None and (hello is None or hello["installed"] == installed(hello["places"]))

    def wait(self, end: float | None = None) -> None:
        """Until its imports are done."""
        with self._lock:
            if self._hello is None:
                packet = _receive(self._commands, end)
                if not packet:
                    raise NotForked
                self._hello = json.loads(packet)

    def load(self, modules: list[str]) -> None:
        """Import these too; returns at once."""
        try:
            self._commands.send(b"l" + json.dumps(modules).encode())
        except OSError:
            pass  # it is gone, as `current` will say

    def run(self, request: Request, output: int, end: float | None) -> int | None:
        """The exit code of a fork that ran the request (negative: a signal), None when the time was up."""
        mine, theirs = socket.socketpair()
        with mine:
            try:
                with theirs:
                    socket.send_fds(self._commands, [b"r"], [theirs.fileno(), output])
                mine.sendall(json.dumps(request).encode() + b"\n")
                first = _answer(mine, end)
            except TimeoutError:
                return None
            except OSError:
                raise NotForked from None
            if first is None or "refused" in first:
                raise NotForked(first["refused"] if first else "")
            return self._status(mine, end)

    def detach(self, request: Request, output: int) -> int:
        """The number of a fork that runs the request, and outlives this process and its owner."""
        mine, theirs = socket.socketpair()
        with mine:
            try:
                with theirs:
                    socket.send_fds(self._commands, [b"d"], [theirs.fileno(), output])
                mine.sendall(json.dumps(request).encode() + b"\n")
                first = _answer(mine, None)
            except OSError:
                raise NotForked from None
        if first is None or "refused" in first:
            raise NotForked(first["refused"] if first else "")
        return int(first["pid"])

    def _status(self, mine: socket.socket, end: float | None) -> int | None:
        try:
            last = _answer(mine, end)
        except BaseException as error:
            mine.shutdown(socket.SHUT_WR)  # means: kill it
            _receive(mine, time.monotonic() + _PATIENCE_AFTER_KILL)
            if isinstance(error, TimeoutError):
                return None
            raise
        return int(last["status"]) if last else -9  # without its parent a fork is killed

    def retire(self) -> None:
        """It ends when its forks have ended."""
        try:
            self._commands.send(b"q")
        except OSError:
            pass
        self._commands.close()

    def forget(self) -> None:
        """In a fork of its owner: do not keep it alive, do not wait for it."""
        self._commands.close()
        self.process.returncode = 0


def _answer(mine: socket.socket, end: float | None) -> dict[str, Any] | None:
    """One line from the socket, None when the other side is gone."""
    line = b""
    while not line.endswith(b"\n"):
        part = _receive(mine, end, 1)
        if not part:
            return None
        line += part
    answer: dict[str, Any] = json.loads(line)
    return answer


def _receive(mine: socket.socket, end: float | None, most: int = 1 << 20) -> bytes:
    """Bytes, none when the other side is gone; TimeoutError when the time is up."""
    if end is not None and end <= time.monotonic():
        raise TimeoutError
    mine.settimeout(None if end is None else end - time.monotonic())
    try:
        return mine.recv(most)
    except ConnectionResetError:
        return b""
