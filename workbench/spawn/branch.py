"""A function's name and its arguments -> a child of this process that calls it: a fork where that is safe."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any, NoReturn

from .child import Request, answer, reseed
from .client import can_fork
from .owner import NO_THREADS, command
from .warm import threads


def branch(target: str, args: dict[str, Any], *, fds: list[int], fresh: bool = False) -> int:
    """Start `module:function` with the dict `args` in a child that keeps the descriptors `fds` open; its pid.

    The caller waits for it. It is a fork of this process if this process has one thread, so that what was imported
    is shared; it must not have predicted. Else, and where that is asked for, it is a `fresh` process of the same
    interpreter.
    """
    request = Request(target=target, args=args, env=dict(os.environ), cwd=os.getcwd(), umask=-1, preload=[])
    if fresh or not can_fork() or threads() > 1:
        return _fresh(request, fds)
    gc.freeze()  # a collection in the fork, which writes into all that it looks at, leaves the pages shared
    pid = os.fork()
    if not pid:
        _let_go(fds)
        reseed()
        answer(request)
    return pid


def _let_go(kept: list[int]) -> None:
    """In the fork: no descriptor and no signal of its parent's, as in a fresh process."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor not in kept:
            with suppress(OSError):  # the listing's own
                os.close(descriptor)


def _fresh(request: Request, fds: list[int]) -> int:
    env = dict(os.environ) | NO_THREADS
    process = subprocess.Popen(command("branch", "begin()"), stdin=subprocess.PIPE, pass_fds=fds, env=env)
    assert process.stdin
    with process.stdin as given:
        given.write(json.dumps(request).encode() + b"\n")
    process.returncode = 0  # the caller waits for it, by its number
    return process.pid


def begin() -> NoReturn:
    """The life of a fresh child: its request is its input."""
    answer(json.loads(sys.stdin.readline()))
