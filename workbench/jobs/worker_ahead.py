"""A process that has imported what runs of notebooks need, with a kernel that is up -> the run that it is given."""

from __future__ import annotations

import json
import os
import select
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import logs, worker, worker_run
from .ahead import GIVEN, SECONDS
from .store import Store


def main(args: dict[str, Any]) -> None:
    """Wait for a run; nobody gives it one in time, and it ends."""
    folder = Path(args["folder"])
    kernel = _kernel(Path(args["of"]), folder.parent)
    pipe = folder / f"{os.getpid()}.pipe"
    os.mkfifo(new := folder / f"{os.getpid()}.new", 0o600)
    reader = os.open(new, os.O_RDONLY | os.O_NONBLOCK)
    new.rename(pipe)
    if not (given := _given(reader)):
        pipe.unlink(missing_ok=True)
        kernel.end()
        return
    with suppress(OSError):
        (taken := pipe.with_suffix(".taken")).rename(taken.with_suffix(GIVEN))
    _write_to(given)
    worker_run.AHEAD.append(kernel)
    try:
        worker.main(given)
    finally:
        for left in worker_run.AHEAD:
            left.end()


def _kernel(of: Path, scratch: Path) -> Any:
    """A kernel that is up, and the modules that run a notebook in it."""
    import asyncio
    from importlib import import_module

    from ..patterns.batch.kernel import Kernel

    kernel = Kernel(of, scratch)
    for name in ("papermill", "nbformat", "workbench.patterns.batch.notebook"):
        import_module(name)
    asyncio.run(kernel.up())
    return kernel


def _given(reader: int) -> dict[str, Any] | None:
    ready, _, _ = select.select([reader], [], [], SECONDS)
    return json.loads(os.read(reader, 1 << 16)) if ready else None


def _write_to(given: dict[str, Any]) -> None:
    """From now on what is written goes to the log of the run."""
    from .. import paths

    log = logs.path(Store(paths.state(Path(given["home"]))).job_folder(given["name"]))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(descriptor, number)
    os.close(descriptor)
