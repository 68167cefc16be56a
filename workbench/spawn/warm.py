"""Requests on a socket -> forks of this process, which has only imported.

Its owner holds the other end: when that closes, every fork is killed and this process ends. A process that
has more than one thread is never forked, since locks that its other threads hold would stay locked for ever.
"""

from __future__ import annotations

import ctypes  # noqa: F401  (each fork needs it)
import gc
import importlib
import importlib.util
import json
import os
import selectors
import signal
import site
import socket
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .child import Request, end_with_owner, forked, no_input
from .environment import installed

_BASE = ("numpy", "pandas", "pyarrow", "pyarrow.parquet", "threadpoolctl")
# Their threads, or the state that they keep of this process, do not survive a fork.
_NEVER = frozenset(("zmq", "grpc", "polars", "tensorflow", "jax", "ray", "pyspark", "IPython", "ipykernel", "tornado"))
_OWN = __package__.partition(".")[0]
_LOOK_AT_OWNER = 2.0


@dataclass
class _Job:
    owner: socket.socket
    pid: int


def main(owner: int) -> NoReturn:
    """The process: its socket is descriptor 0."""
    commands = socket.socket(fileno=os.dup(0))
    no_input()
    gc.disable()  # what a collection frees are holes, which each fork fills with pages of its own
    # Looked at before the imports, so that what is installed meanwhile is seen.
    hello = {"places": places(), "installed": installed(places())}
    warm = Warm(commands, owner)
    warm.load(list(_BASE))
    commands.send(json.dumps(hello).encode())
    if request := warm.serve():
        forked(request)
    os._exit(0)


class Warm:
    """The pre-warmed process's loop: one job per fork, each with a socket of its own to its owner."""

    def __init__(self, commands: socket.socket, owner: int) -> None:
        self.commands, self.owner = commands, owner
        self.jobs: list[_Job] = []
        self.retiring = False
        self.gone = False
        self.guilty = ""
        self.selector = selectors.DefaultSelector()
        self.selector.register(commands, selectors.EVENT_READ, None)
        self.ended, wake = socket.socketpair()
        for end in (self.ended, wake):
            end.setblocking(False)
        self.wake = wake
        self.selector.register(self.ended, selectors.EVENT_READ, None)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def serve(self) -> Request | None:
        """Answer until the owner is gone; in a fork, its request."""
        while not (self.retiring and not self.jobs):
            for key, _ in self.selector.select(_LOOK_AT_OWNER):
                if key.fileobj is self.commands:
                    if request := self._command():
                        return request
                elif key.fileobj is self.ended:
                    self.ended.recv(4096)
                else:
                    self.selector.unregister(key.fileobj)
                    _kill(key.data)  # its owner says so, or is gone
            self._reap()
            if self.gone or os.getppid() != self.owner:
                break
        for job in self.jobs:
            _kill(job)
        return None

    def load(self, names: list[str]) -> None:
        """Import what forks would import, until a module starts a thread: it is `guilty`, nothing is forked then."""
        new = [name for name in names if name not in sys.modules and _may_be_loaded(name)]
        for name in new:
            try:
                importlib.import_module(name)
            except Exception:  # the fork that needs it says why
                continue
            if threads() > 1:
                self.guilty = name
                return
        if new:
            gc.freeze()

    def _command(self) -> Request | None:
        word, descriptors, _, _ = socket.recv_fds(self.commands, 1 << 20, 2)
        if word[:1] == b"l":
            self.load(json.loads(word[1:]))
        elif word in (b"r", b"d"):
            owner, output = socket.socket(fileno=descriptors[0]), descriptors[1]
            request = self._start(owner, output, detached=word == b"d")
            os.close(output)
            return request
        else:
            self.selector.unregister(self.commands)
            self.retiring = True
            self.gone = not word
        return None

    def _start(self, owner: socket.socket, output: int, *, detached: bool) -> Request | None:
        with owner.makefile("rb") as lines:
            line = lines.readline()
        if not line.endswith(b"\n"):
            owner.close()
            return None
        request: Request = json.loads(line)
        self.load(request["preload"])
        if self.guilty or threads() > 1:
            _tell(owner, refused=self.guilty)
            owner.close()
            return None
        if detached:
            return request if self._leave(output, owner) else None
        here = os.getpid()
        pid = os.fork()
        if not pid:
            self._become(output, owner, here)
            return request
        _tell(owner, pid=pid)
        job = _Job(owner, pid)
        self.jobs.append(job)
        self.selector.register(owner, selectors.EVENT_READ, job)
        return None

    def _leave(self, output: int, owner: socket.socket) -> bool:
        """Fork an orphan, which is no job of ours; whether this is it."""
        if between := os.fork():
            os.waitpid(between, 0)
            owner.close()
            return False
        if pid := os.fork():
            _tell(owner, pid=pid)
            os._exit(0)
        self._become(output, owner)
        return True

    def _become(self, output: int, owner: socket.socket, parent: int | None = None) -> None:
        """In the fork: hold nothing of the pre-warmed process, and end with it if it is its parent."""
        os.setsid()
        if parent is not None:
            end_with_owner(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.selector.close()
        for end in (self.commands, self.ended, self.wake, owner, *(job.owner for job in self.jobs)):
            end.close()
        os.dup2(output, 1)
        os.dup2(output, 2)

    def _reap(self) -> None:
        for job in list(self.jobs):
            if os.waitid(os.P_PID, job.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                _kill(job)  # what it started; its number is its own until it is waited for
                _, status = os.waitpid(job.pid, 0)
                self.jobs.remove(job)
                if job.owner.fileno() in self.selector.get_map():
                    self.selector.unregister(job.owner)
                _tell(job.owner, status=os.waitstatus_to_exitcode(status))
                job.owner.close()


def threads() -> int:
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def places() -> list[str]:
    """The folders of `sys.path` that packages are installed in, and the standard library's."""
    into = {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib")}
    return [folder for folder in sys.path if folder in into]


def _may_be_loaded(name: str) -> bool:
    """Installed modules, and our own: others change without our seeing it, as editable installs do."""
    top = name.partition(".")[0]
    if top == _OWN:
        return True
    if top in _NEVER:
        return False
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    origin = Path(found.origin) if found and found.origin else None
    return origin is not None and any(origin.is_relative_to(place) for place in places())


def _tell(owner: socket.socket, **message: Any) -> None:
    try:
        owner.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        pass  # it asked and went away


def _kill(job: _Job) -> None:
    try:
        os.killpg(job.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        os.kill(job.pid, signal.SIGKILL)  # before its setsid; not reaped yet, so the number is still its own
