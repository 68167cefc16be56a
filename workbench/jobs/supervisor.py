"""The supervisor of a home: the process that makes what runs equal to what should run, and starts what is due.

One process holds the lock of the home; nobody needs it to read the store. What runs outlives it: its successor
adopts what lives, by number and start time, and starts again what does not.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .. import notify, paths
from ..errors import StorageError, WorkbenchError
from ..spawn.detach import detach
from ..spawn.environment import clean
from . import identity
from .identity import Identity
from .store import Store
from .supervising import LOOK, STOP_PATIENCE, Supervisor

_MOMENT = 0.5
"""Seconds after which whoever has the lock is another supervisor, and nobody who only looks whether there is one."""


def ensure(home: Path) -> None:
    """See to it that a supervisor runs, and can mail where this process can; returns before it is up. StorageError."""
    state = paths.state(home)
    if _held(state):
        if not notify.can_mail() or _record(state).get("mail", True):
            return
        _end(state, STOP_PATIENCE)
    ours = {name: value for name, value in os.environ.items() if name.startswith("WORKBENCH_")}
    env = clean(threads=1) | ours | {"WORKBENCH_HOME": str(home), "WORKBENCH_STATE": str(state)}
    log = state / "supervisor.log"
    with _writing(state):
        _leave(state).unlink(missing_ok=True)
        detach(f"{__name__}:main", {"home": str(home)}, env=env, cwd=state, output=log, python=sys.executable)


def revive(home: Path) -> None:
    """See to it that a supervisor runs where something should, unless somebody has ended it on purpose, or none can."""
    state = paths.state(home)
    if not _leave(state).exists() and not _held(state) and wanted(store := Store(state)) and not store.database.newer:
        with suppress(StorageError):  # who looks sees all that can be seen
            ensure(home)


def wanted(store: Store) -> list[str]:
    """What a supervisor has to see to."""
    jobs = [job.name for job in store.jobs(over=False)]
    return jobs + [schedule.name for schedule in store.schedules() if not schedule.paused]


def left(home: Path) -> bool:
    """Whether the supervisor was ended on purpose, so that looking does not start one."""
    state = paths.state(home)
    return _leave(state).exists() and not _held(state)


def runs(home: Path) -> bool:
    """Whether there is a supervisor."""
    return _held(paths.state(home))


def shutdown(home: Path, *, jobs: bool = False, patience: float = STOP_PATIENCE + 15) -> None:
    """End the supervisor; with `jobs`, once it has stopped all that runs. StorageError where that cannot be."""
    store = Store(paths.state(home))
    if jobs:
        _stop_all(store, home, patience)
    with _writing(store.folder):
        _leave(store.folder).touch(mode=0o600)
    if not _end(store.folder, patience):
        raise StorageError("the supervisor does not end", fix=f"see {store.folder / 'supervisor.log'}")


def _stop_all(store: Store, home: Path, patience: float) -> None:
    alive = [job.name for job in store.jobs() if not job.over or (job.state == "failed" and not job.gone)]
    for name in alive:
        store.desire(name, "stopped")
    if alive:
        ensure(home)
    if not _until(lambda: all(job.gone for job in store.jobs()), patience):
        left = ", ".join(job.name for job in store.jobs() if not job.gone)
        raise StorageError(f"{left} could not be stopped", fix=f"see {store.folder / 'supervisor.log'}")


def _leave(state: Path) -> Path:
    """A note that the supervisor was ended on purpose."""
    return state / "supervisor.ended"


@contextmanager
def _writing(state: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"nothing can be written in {state}: {error.strerror}"
        raise StorageError(what, fix="see to its owner, rights and space, or set WORKBENCH_STATE") from error


def _end(state: Path, patience: float) -> bool:
    """Tell the supervisor to end, and wait for it; whether it has."""

    def ended() -> bool:
        if process := process_of(state):
            process.signal(signal.SIGTERM)
        return not _held(state)

    return _until(ended, patience)


def _until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK / 4)
    return True


def _lock(state: Path) -> Path:
    return state / "supervisor.lock"


def _held(state: Path) -> bool:
    try:
        descriptor = os.open(_lock(state), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # nobody had one yet, or nobody may
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_lock_of(descriptor: int, state: Path) -> bool:
    """Whether it is still the folder's lock; a home that was removed and made again has another, or none."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(_lock(state)))
    except OSError:
        return False


def _record(state: Path) -> dict[str, Any]:
    """What the supervisor has said of itself; that of one before it, until it has."""
    with suppress(OSError, ValueError):
        said: dict[str, Any] = json.loads((state / "supervisor.json").read_text())
        return said
    return {}


def process_of(state: Path) -> Identity | None:
    """The process of the supervisor, where one runs and has said which it is."""
    said = _record(state).get("process")
    process = Identity(**said) if said else None
    return process if process and process.alive() and _held(state) else None


def main(args: dict[str, Any]) -> None:
    """The life of a supervisor: one per home, the second leaves at once, and one that was ended before it was up."""
    home = Path(args["home"])
    state = paths.state(home)
    if _leave(state).exists():
        return
    mine = os.open(_lock(state), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _until(lambda: _taken(mine), _MOMENT) or _leave(state).exists():  # since then
        return
    new = state / ".supervisor.json.new"
    new.write_text(json.dumps({"process": identity.own().to_json(), "mail": notify.can_mail()}))
    os.replace(new, state / "supervisor.json")
    own = Supervisor(home, there=lambda: _is_lock_of(mine, state))
    own.run()
    os.close(mine)
    if not own.ended and _lock(state).exists():  # somebody may have relied on it while it left
        with suppress(WorkbenchError):
            revive(home)
