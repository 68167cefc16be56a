"""Runs a function in a process of its own: a fork of the pre-warmed process where there is one, else a fresh one."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .child import ONE_THREAD

_ROOT = str(Path(__file__).parents[2])
_START = "import sys; sys.path.append({root!r}); from workbench.spawn import {module}; {module}.main()"
_lock = threading.Lock()
_warm: _Warm | None = None


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit `status` (0 is well), the name of the `signal` that killed it, and its `output`."""

    status: int
    signal: str | None
    output: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status == 0 and self.signal is None


def run(
    target: str,
    args: Mapping[str, Any],
    *,
    env: Mapping[str, str],
    cwd: Path,
    path: tuple[str, ...] = (),
    preload: tuple[str, ...] = (),
    timeout: float | None = None,
    fresh: bool = False,
) -> Ended:
    """Call `target` (`package.module:function`) with the dict `args` in a new process and wait for its end.

    The process has exactly the variables `env`, the folder `cwd` and `path` after the interpreter's own import
    path. `preload` names modules worth importing ahead. TimeoutError after `timeout` seconds; the process is then
    gone, as it is after KeyboardInterrupt.
    """
    request = {
        "target": target,
        "args": dict(args),
        "env": dict(env),
        "cwd": str(cwd),
        "path": list(path),
        "preload": list(preload),
        "umask": _umask(),
    }
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        status = None if fresh else _run_warm(request, output, timeout)
        if status is None:
            status = _run_fresh(request, output, timeout)
        output.seek(0)
        text = output.read().decode(errors="replace")
    name = signal.Signals(-status).name if status < 0 else None
    return Ended(status, name, text, time.monotonic() - start)


def warm() -> None:
    """Start the pre-warmed process in the background, where the platform can fork; returns at once."""
    _warmed()


class _Warm:
    """The pre-warmed process of this process, and the socket that keeps it alive."""

    def __init__(self, key: object) -> None:
        self.key, self._owner = key, os.getpid()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-c", _START.format(root=_ROOT, module="warm")],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_warm_env(),
                cwd=os.sep,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def close(self) -> None:
        self._control.close()
        if self._owner == os.getpid():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)

    def send(self, request: dict[str, Any], output: int) -> socket.socket:
        """Hand the request over; what happens is told on the socket that comes back."""
        mine, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno(), output])
        return mine


def _warmed() -> _Warm | None:
    """The pre-warmed process, started or replaced as needed; None where the platform cannot fork safely."""
    global _warm
    if sys.platform != "linux" or os.environ.get("WORKBENCH_WARM") == "0":
        return None
    with _lock:
        key = _key()
        if _warm and (not _warm.alive or _warm.key != key):
            _warm.close()
            _warm = None
        _warm = _warm or _Warm(key)
        return _warm


def _key() -> object:
    """What the imports of a pre-warmed process depend on: the interpreter and the folders of its import path."""
    folders = {p: os.stat(p).st_mtime_ns for p in sys.path if p and os.path.isdir(p) and _packages(p)}
    return sys.executable, sys.version, tuple(sorted(folders.items()))


def _packages(folder: str) -> bool:
    return "site-packages" in folder or "dist-packages" in folder


def _warm_env() -> dict[str, str]:
    """One thread for numerics, and nothing of the notebook's that changes what is imported."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT")}
    return {**kept, **ONE_THREAD, "JE_ARROW_MALLOC_CONF": "background_thread:false"}


def _run_warm(request: dict[str, Any], output: IO[bytes], timeout: float | None) -> int | None:
    """The exit status; None where there is no pre-warmed process or it died or would not fork."""
    warm = _warmed()
    if warm is None:
        return None
    try:
        with warm.send(request, output.fileno()) as report:
            return _followed(report, timeout)
    except (BrokenPipeError, ConnectionError):
        return None


def _followed(report: socket.socket, timeout: float | None) -> int | None:
    pid = None
    try:
        for message in _messages(report, timeout):
            if "status" in message:
                return message["status"]
            if "threads" in message:
                return None
            pid = message["pid"]
    except BaseException:
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        raise
    return -signal.SIGKILL if pid else None


def _messages(report: socket.socket, timeout: float | None) -> Iterator[dict[str, int]]:
    end = None if timeout is None else time.monotonic() + timeout
    pending = b""
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        if not select.select([report], [], [], left)[0]:
            raise TimeoutError(f"the process did not end within {timeout:g} s")
        data = report.recv(4096)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        yield from map(json.loads, lines)


def _run_fresh(request: dict[str, Any], output: IO[bytes], timeout: float | None) -> int:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", "-c", _START.format(root=_ROOT, module="child"), json.dumps(request)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=request["env"],
        cwd=request["cwd"],
        start_new_session=True,
    )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"the process did not end within {timeout:g} s") from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
