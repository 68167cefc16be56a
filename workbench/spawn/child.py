"""A request -> the function that it names, called in this process under the variables and in the folder of the request.

A fork of the pre-warmed process and a fresh process both end up in `answer`, so a function cannot tell them apart.
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import importlib
import json
import os
import random
import sys
import tempfile
import threading
import time
import traceback
import types
from typing import Any, NoReturn, TypedDict

from .environment import thread_count

_PR_SET_PDEATHSIG = 1


class Request(TypedDict):
    """What to run, and where. `umask` is -1 where it could not be read."""

    target: str
    args: dict[str, Any]
    env: dict[str, str]
    cwd: str
    umask: int
    preload: list[str]


def fresh() -> NoReturn:
    """The life of a fresh process: the request is the first line of its input, which its owner holds open."""
    life = os.dup(0)
    end_with_owner(os.getppid(), life)
    request: Request = json.loads(sys.stdin.readline())
    no_input()
    answer(request)


def forked(request: Request) -> NoReturn:
    """The life of a fork: it takes over what a fresh process would have started with."""
    gc.enable()
    os.environ.clear()
    os.environ.update(request["env"])
    if request["umask"] >= 0:
        os.umask(request["umask"])
    os.chdir(request["cwd"])
    added = [part for part in request["env"].get("PYTHONPATH", "").split(os.pathsep) if part]
    sys.path[:0] = [os.path.abspath(part) for part in added]
    importlib.invalidate_caches()
    time.tzset()
    tempfile.tempdir = None  # found from the variables of the pre-warmed process
    reseed()
    _set_threads(thread_count(request["env"]))
    answer(request)


def answer(request: Request) -> NoReturn:
    """Call the function and end the process: status 0, or 1 with the traceback on stderr."""
    faulthandler.enable()  # a crash names the line
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.argv = [request["target"]]
    # Pickles and child processes of the model must not find our own names in `__main__`.
    hidden, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
    status = _call(request)
    del hidden
    _end(status)


def _call(request: Request) -> int:
    try:
        module, _, name = request["target"].partition(":")
        getattr(importlib.import_module(module), name)(request["args"])
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(status: int) -> NoReturn:
    """As the interpreter ends, without taking modules apart: their destructors may crash when all is done."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def reseed() -> None:
    """Forks of one process would draw the same numbers."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def _set_threads(count: int) -> None:
    """The pre-warmed process loaded its libraries with one thread each."""
    if count == 1:
        return
    from threadpoolctl import threadpool_limits

    threadpool_limits(count)
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].set_cpu_count(count)


def no_input() -> None:
    """Descriptor 0 reads nothing from now on."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def end_with_owner(owner: int, life: int | None = None) -> None:
    """End this process when its parent dies, however that dies; `life` is a pipe that the parent holds open."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != owner:
            os._exit(1)
    elif life is not None:
        threading.Thread(target=_watch, args=(life,), daemon=True).start()


def _watch(life: int) -> None:
    while os.read(life, 4096):
        pass
    os._exit(1)
