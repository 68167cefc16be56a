"""A function's name and its arguments -> what came of it in a process of its own.

`run` forks the pre-warmed process where `warm` has started one and it can be trusted to behave like a fresh process;
else it starts a fresh one. Both call the same code, so that nothing but the time differs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import NotFound
from .child import Request
from .owner import NotForked, Owned, command

_MOST_OUTPUT = 1_000_000
_MOST_FAILURES = 3


@dataclass(frozen=True)
class Ended:
    """How a process ended: `status` 0, what it exited with (1: it raised, `output` ends with its traceback), or minus
    the number of the signal that `signal` names. `output` is what it wrote to stdout and stderr, its last megabyte."""

    status: int
    signal: str | None
    output: str
    seconds: float
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.status == 0


def run(
    target: str,
    args: dict[str, Any],
    *,
    env: dict[str, str],
    cwd: Path,
    preload: Iterable[str] = (),
    timeout: float | None = None,
    fresh: bool = False,
) -> Ended:
    """Call `module:function` with the dict `args`, as JSON carries it, in a process of its own, and wait for its end.

    env: its variables, all of them. preload: installed modules that it will import. timeout: seconds until it is
    killed, `timed_out` then. fresh: not from the pre-warmed process.
    An interrupt kills it, and what it started.
    """
    if not cwd.is_dir():
        raise NotFound(f"there is no folder {cwd} to run in", fix=f"mkdir -p {cwd}")
    modules = [name for name in preload if name not in _the.unforkable]
    request = Request(target=target, args=args, env=env, cwd=str(cwd), umask=umask(), preload=modules)
    start = time.monotonic()
    end = None if timeout is None else start + timeout
    with tempfile.TemporaryFile() as output:
        try:
            owned = None if fresh else _the.current(env)
            status = _fork(owned, request, output, end) if owned else _fresh(request, output, end)
        except TimeoutError:
            status = None
        return _ended(status, output, time.monotonic() - start)


def warm(preload: Iterable[str] = ()) -> None:
    """Start the pre-warmed process, or let it import more; returns at once.

    Nothing happens where none can be, or where WORKBENCH_WARM is 0.
    """
    if can_fork() and os.environ.get("WORKBENCH_WARM") != "0":
        _the.start()
        if owned := _the.owned:
            owned.load([name for name in preload if name not in _the.unforkable])


def cool() -> None:
    """End the pre-warmed process; `run` starts fresh ones until the next `warm`.

    For tests, which leave no process behind; elsewhere it ends with the process that started it.
    """
    with _the.lock:
        _the.asked = False
        _the.retire()


def can_fork() -> bool:
    """Whether this platform can fork a pre-warmed process. On macOS forks of numeric libraries crash."""
    return sys.platform == "linux"


def forkable(env: dict[str, str]) -> Owned | None:
    """The pre-warmed process, if there is one whose forks could not be told from fresh processes."""
    return _the.current(env) if _the.owned else None


def not_forked(owned: Owned, error: NotForked, preload: list[str]) -> None:
    """It could not fork: the modules that it had to import are left to the forks from now on."""
    _the.failed(owned, error, preload)


def warm_pid() -> int | None:
    """The pre-warmed process, if there is one, once its imports are done: tests tell by it which processes are its
    forks, and wait for its end."""
    if _the.owned is None:
        return None
    _the.owned.wait()
    return _the.owned.process.pid


class _The:
    """The one pre-warmed process of this process."""

    def __init__(self) -> None:
        self.owned: Owned | None = None
        self.asked = False
        self.failures = 0
        self.unforkable: set[str] = set()
        self.retired: list[Owned] = []
        self.lock = threading.Lock()

    def start(self) -> None:
        with self.lock:
            self.asked = True
            self._renew()

    def current(self, env: dict[str, str]) -> Owned | None:
        """A process to fork for these variables, a new one if packages were installed since it started."""
        with self.lock:
            self._renew()
            return self.owned if self.owned and self.owned.fits(env) else None

    def failed(self, owned: Owned, error: NotForked, preload: list[str]) -> None:
        """It could not fork: the modules that it had to import are left to the forks from now on."""
        with self.lock:
            self.unforkable.update([error.module] if error.module else preload)
            self.failures += not error.module
            if self.owned is owned:
                self.retire()
                self._renew()

    def retire(self) -> None:
        if self.owned:
            self.owned.retire()
            self.retired.append(self.owned)
            self.owned = None

    def _renew(self) -> None:
        if self.owned and not self.owned.current():
            self.retire()
        if self.owned is None and self.asked and self.failures < _MOST_FAILURES:
            self.owned = Owned()
        self.retired = [owned for owned in self.retired if owned.process.poll() is None]

    def forget(self) -> None:
        for owned in (self.owned, *self.retired):
            if owned:
                owned.forget()
        self.__init__()  # type: ignore[misc]


_the = _The()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_the.forget)


def _fork(owned: Owned, request: Request, output: BinaryIO, end: float | None) -> int | None:
    try:
        owned.wait(end)
        return owned.run(request, output.fileno(), end)
    except NotForked as error:
        _the.failed(owned, error, request["preload"])
        return _fresh(request, output, end)


def _fresh(request: Request, output: BinaryIO, end: float | None) -> int | None:
    process = subprocess.Popen(
        command("child", "fresh()"),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        env=request["env"],
        cwd=request["cwd"],
        start_new_session=True,
    )
    assert process.stdin
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        return process.wait(None if end is None else max(0.0, end - time.monotonic()))
    except BrokenPipeError:
        return process.wait()
    except subprocess.TimeoutExpired:
        return None
    finally:
        _kill(process)
        process.stdin.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The process, and what it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass  # all of them have ended
    process.wait()


def _ended(status: int | None, output: BinaryIO, seconds: float) -> Ended:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _MOST_OUTPUT))
    text = output.read().decode("utf-8", "replace")
    if status is None:
        return Ended(-9, "SIGKILL", text, seconds, timed_out=True)
    return Ended(status, _signal_name(-status) if status < 0 else None, text, seconds)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def umask() -> int:
    """This process's umask, without changing it as `os.umask` would for a moment; -1 where it cannot be read."""
    try:
        with open("/proc/self/status") as lines:
            return int(next(line.split()[1] for line in lines if line.startswith("Umask")), 8)
    except (OSError, StopIteration):
        return -1
