"""The pre-warmed process: it has imported the heavy packages and forks a child per request.

It only imports. A process that has computed with OpenMP threads, say, hangs when its fork computes, so it
never forks once it has a second thread; the client then starts a fresh process. It ends, with all its
children, when the socket that its owner holds closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from .child import become, call, reseed

HEAVY = ("numpy", "pandas", "pyarrow", "pyarrow.parquet")
_PR_SET_PDEATHSIG = 1
_MAX_REQUEST = 1 << 20


def main() -> None:
    """Serve requests from the socket on standard input until it closes."""
    control = socket.socket(fileno=os.dup(0))
    children: dict[int, socket.socket] = {}
    wake, wake_in = os.pipe()
    os.set_blocking(wake_in, False)
    signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import(HEAVY)
    with contextlib.suppress(ConnectionError):
        while True:
            ready, _, _ = select.select([control, wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                _reap(children)
            if control in ready and not _serve(control, children):
                break
    for pid in children:
        _kill(pid)


def _serve(control: socket.socket, children: dict[int, socket.socket]) -> bool:
    data, fds, _, _ = socket.recv_fds(control, _MAX_REQUEST, 2)
    if not data:
        return False
    request = json.loads(data)
    report, output = socket.socket(fileno=fds[0]), fds[1]
    _import(tuple(request["preload"]))
    if _threads() > 1:
        _tell(report, {"threads": _threads()})
        report.close()
    else:
        pid = _fork(request, control, output)
        children[pid] = report
        _tell(report, {"pid": pid})
    os.close(output)
    return True


def _import(modules: tuple[str, ...]) -> None:
    """What cannot be imported here the child will report, in its own words."""
    for module in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(module)


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(os.listdir(tasks)) if tasks.exists() else 1


def _fork(request: dict[str, Any], control: socket.socket, output: int) -> int:
    gc.collect()
    gc.freeze()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _settle(control, output)
        become(request)
        reseed()
        call(request)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(status)


def _settle(control: socket.socket, output: int) -> None:
    """A session of its own, the owner's output file, no descriptor of the parent, and no life after it."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    control.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 256)


def _reap(children: dict[int, socket.socket]) -> None:
    for pid in list(children):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            report = children.pop(pid)
            _tell(report, {"status": os.waitstatus_to_exitcode(status)})
            report.close()


def _tell(report: socket.socket, message: dict[str, int]) -> None:
    with contextlib.suppress(OSError):
        report.sendall(json.dumps(message).encode() + b"\n")


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
