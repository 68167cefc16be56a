"""A function's name and its arguments -> a process of its own that calls it and outlives whoever asked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from ..errors import NotFound
from . import client
from .child import Request, answer, no_input
from .owner import NotForked, command

_PATIENCE = 60.0


def detach(
    target: str,
    args: dict[str, Any],
    *,
    env: dict[str, str],
    cwd: Path,
    output: Path,
    preload: Iterable[str] = (),
    python: str = sys.executable,
) -> int:
    """Start `module:function` with the dict `args`, as JSON carries it, in a session of its own; its number.

    It comes from this process's pre-warmed process where there is one that fits, else it is a fresh process of the
    interpreter `python`. env: its variables, all of them. output: the file that its stdout and stderr are added to.
    preload: installed modules that it will import. NotFound where there is no such folder or interpreter.
    """
    check(cwd, python)
    request = Request(target=target, args=args, env=env, cwd=str(cwd), umask=client.umask(), preload=list(preload))
    with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        if python == sys.executable and (owned := client.forkable(env)):
            try:
                return owned.detach(request, log.fileno())
            except NotForked as error:
                client.not_forked(owned, error, request["preload"])
        return _fresh(request, log.fileno(), python)


def check(cwd: Path, python: str) -> None:
    """NotFound where there is no such folder or interpreter."""
    if not cwd.is_dir():
        raise NotFound(f"there is no folder {cwd} to run in", fix=f"mkdir -p {cwd}, or ask for it again elsewhere")
    if not os.access(python, os.X_OK):
        fix = "make the environment again at that place, or ask for it again from another one"
        raise NotFound(f"{python} is not there any more: its environment was deleted", fix=fix)


def _fresh(request: Request, output: int, python: str) -> int:
    mine, theirs = socket.socketpair()
    with mine:
        with theirs:
            process = _started(request, output, python, theirs.fileno())
        try:
            process.communicate(json.dumps(request).encode() + b"\n", timeout=_PATIENCE)
        except subprocess.TimeoutExpired:  # whoever looks after all that runs must not wait for one for ever
            process.kill()
            process.wait()
            raise _does_not_start(python, f"said nothing in {_PATIENCE:g} s") from None
        said = mine.recv(64)
    if not said:
        raise _does_not_start(python, f"ended with {process.returncode}")
    return int(said)


def _started(request: Request, output: int, python: str, asker: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command("detach", f"begin({asker})", python),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=request["env"],
            cwd=request["cwd"],
            pass_fds=[asker],
        )
    except OSError as error:
        raise _does_not_start(python, str(error.strerror)) from error


def _does_not_start(python: str, why: str) -> NotFound:
    return NotFound(
        f"{python} does not start: {why}", fix=f"{python} -c pass shows it; else ask for it from another one"
    )


def begin(asker: int) -> NoReturn:
    """The life of a fresh process: it leaves at once the one that was asked for, an orphan."""
    request: Request = json.loads(sys.stdin.readline())
    if pid := os.fork():
        os.write(asker, str(pid).encode())
        os._exit(0)
    os.close(asker)
    os.setsid()
    no_input()
    answer(request)
