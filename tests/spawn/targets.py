"""What the tests of spawn run in processes of their own."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any


def look(args: dict[str, Any]) -> None:
    """Print all that a process can be told by."""
    import numpy as np
    from threadpoolctl import threadpool_info

    seen = {
        "args": args,
        "env": dict(os.environ),
        "cwd": os.getcwd(),
        "path": sys.path,
        "argv": sys.argv,
        "main": sorted(name for name in vars(sys.modules["__main__"]) if not name.startswith("__")),
        "umask": os.umask(0),
        "random": [random.random(), float(np.random.random())],
        "threads": sorted({library["num_threads"] for library in threadpool_info()}),
        "parent": os.getppid(),
        "session": os.getsid(0) == os.getpid(),
        "zone": time.tzname,
        "loaded": sorted(name for name in sys.modules if "." not in name),
    }
    sys.stdout.write(json.dumps(seen))


def fail(args: dict[str, Any]) -> None:
    raise ValueError(f"no {args['thing']}")


def leave(args: dict[str, Any]) -> None:
    sys.exit(args["status"])


def die(args: dict[str, Any]) -> None:
    sys.stdout.write("the last words\n")
    os.kill(os.getpid(), getattr(signal, args["signal"]))


def crash(args: dict[str, Any]) -> None:
    import ctypes

    ctypes.string_at(0)


def wait_for(args: dict[str, Any]) -> None:
    """Say who runs, with a child of its own, and wait until `stop` exists."""
    child = os.fork()
    if not child:
        signal.pause()
    Path(args["pids"]).with_suffix(".part").write_text(f"{os.getpid()} {child}")
    Path(args["pids"]).with_suffix(".part").rename(args["pids"])
    while not Path(args["stop"]).exists():
        signal.sigtimedwait([signal.SIGUSR1], 0.02)


def meet(args: dict[str, Any]) -> None:
    """End well only if the other one runs at the same time."""
    for mine, other in ((args["mine"], args["other"]), (args["mine"] + "2", args["other"] + "2")):
        Path(mine).touch()
        end = time.monotonic() + 30
        while not Path(other).exists():
            assert time.monotonic() < end
            signal.sigtimedwait([signal.SIGUSR1], 0.01)


def at_exit(args: dict[str, Any]) -> None:
    import atexit
    import threading

    atexit.register(sys.stdout.write, "at exit\n")
    threading.Timer(0.05, sys.stdout.write, ["a thread\n"]).start()


def learn_with_openmp(args: dict[str, Any]) -> None:
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor

    X = np.random.default_rng(0).normal(size=(5000, 5))
    sys.stdout.write(str(HistGradientBoostingRegressor(max_iter=5).fit(X, X[:, 0]).predict(X).shape[0]))
