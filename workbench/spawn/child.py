"""What a spawned process does first, forked or fresh: it becomes what the request says, then calls the target."""

from __future__ import annotations

import importlib
import os
import random
import sys
import time
from typing import Any

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


def become(request: dict[str, Any]) -> None:
    """Take the request's variables, folder, import path and umask."""
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    sys.path[:] = [*(p for p in sys.path if p), *(p for p in request["path"] if p not in sys.path)]


def reseed() -> None:
    """A fork shares the random state of its parent; each child must have its own."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def call(request: dict[str, Any]) -> None:
    """Call the target, `package.module:function`, with the request's arguments."""
    module, _, function = request["target"].partition(":")
    getattr(importlib.import_module(module), function)(**request["args"])


def main() -> None:
    """The start of a fresh process; the request stands in its first argument."""
    import json

    request = json.loads(sys.argv[1])
    become(request)
    call(request)
