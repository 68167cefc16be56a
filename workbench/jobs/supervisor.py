"""The supervisor of a home: makes what runs equal to what should run, and starts what is due.

One process holds the lock of the home; nobody needs it to read the store. What runs outlives it: its successor
adopts what lives, by number and start time, and starts again what does not.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import journal, paths, text
from ..errors import StorageError, WorkbenchError
from ..spawn import client
from ..spawn.detach import detach
from ..spawn.environment import clean
from . import launch, logs
from .record import Job
from .store import Store

LOOK = 0.1
STOP_PATIENCE = 30.0
IDLE_SECONDS = 600.0
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 30.0
_STEADY_SECONDS = 60.0
_MOST = {"always": 5, "retry": 3, "never": 0}
_LAST_LINES, _SHOWN_LINES = 60, 3
_CRASH = "Fatal Python error: "


def ensure(home: Path) -> None:
    """See to it that a supervisor runs; returns before it is up."""
    state = paths.state(home)
    if _held(state):
        return
    _leave(state).unlink(missing_ok=True)
    ours = {name: value for name, value in os.environ.items() if name.startswith("WORKBENCH_")}
    env = clean(threads=1) | ours | {"WORKBENCH_HOME": str(home), "WORKBENCH_STATE": str(state)}
    log = state / "supervisor.log"
    detach(f"{__name__}:main", {"home": str(home)}, env=env, cwd=state, output=log, python=sys.executable)


def revive(home: Path) -> None:
    """See to it that a supervisor runs where something should, unless somebody has ended it on purpose."""
    state = paths.state(home)
    if _leave(state).exists() or _held(state):
        return
    store = Store(state)
    if any(not job.over for job in store.jobs()) or any(not schedule.paused for schedule in store.schedules()):
        ensure(home)


def _leave(state: Path) -> Path:
    """A note that the supervisor was ended on purpose."""
    return state / "supervisor.ended"


def shutdown(home: Path, *, jobs: bool = False, patience: float = STOP_PATIENCE + 15) -> None:
    """End the supervisor; with `jobs`, once it has stopped all that runs. StorageError where it does not end."""
    store = Store(paths.state(home))
    if jobs:
        for job in store.jobs():
            if not job.over:
                store.desire(job.name, "stopped")
        ensure(home)
        _until(lambda: all(job.over for job in store.jobs()), patience)
    _leave(store.folder).touch(mode=0o600)
    with suppress(OSError, ValueError):
        if _held(store.folder):
            os.kill(int((store.folder / "supervisor.pid").read_text()), signal.SIGTERM)
    if not _until(lambda: not _held(store.folder), patience):
        raise StorageError("the supervisor does not end", fix=f"see {store.folder / 'supervisor.log'}")


def _until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK / 4)
    return True


def _lock(state: Path) -> int:
    return os.open(state / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def runs(home: Path) -> bool:
    """Whether there is a supervisor."""
    return _held(paths.state(home))


def _held(state: Path) -> bool:
    descriptor = _lock(state)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def main(args: dict[str, Any]) -> None:
    """The life of a supervisor: one per home, the second leaves at once."""
    home = Path(args["home"])
    state = paths.state(home)
    mine = _lock(state)
    try:
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    (state / "supervisor.pid").write_text(str(os.getpid()))
    Supervisor(home).run()


class Supervisor:
    """The loop. `tell` is told, as (where, what), of what has failed for good."""

    def __init__(self, home: Path, tell: Callable[[str, str, str], None] | None = None) -> None:
        self.home, self.tell = home, tell or _tell
        self.store = Store(paths.state(home))
        self.watched: dict[str, tuple[int, int]] = {}  # name -> pid, pidfd
        self.stopping: dict[str, float] = {}
        self.since_idle = time.monotonic()
        self.ended = False

    def run(self) -> None:
        """Until it is told to end, or nothing was wanted for ten minutes."""
        signal.signal(signal.SIGTERM, self._end)
        while not self.ended and not self._idle():
            try:
                for job in self.store.jobs():
                    self._see_to(job)
                self.store.take_due(time.time())
            except WorkbenchError as error:
                journal.note(error)
            self._wait()

    def _end(self, *_: object) -> None:
        self.ended = True

    def _wait(self) -> None:
        """Until a process ends, somebody writes, or something may be due."""
        end = time.monotonic() + 10 * LOOK
        while time.monotonic() < end and not self.ended:
            descriptors = [descriptor for _, descriptor in self.watched.values()]
            ready, _, _ = select.select(descriptors, [], [], LOOK)
            with suppress(WorkbenchError):
                if ready or self.store.changed():
                    return

    def _idle(self) -> bool:
        with suppress(WorkbenchError):
            if self.store.schedules() or any(not job.over for job in self.store.jobs()):
                self.since_idle = time.monotonic()
        return time.monotonic() - self.since_idle > IDLE_SECONDS

    def _see_to(self, job: Job) -> None:
        lives = job.process is not None and job.process.alive()
        self._watch(job, lives)
        if job.desired == "stopped" and not job.over:
            self._stop(job, lives)
        elif job.over:
            return
        elif job.process is not None and not lives:
            self._died(job)
        elif (not lives or job.launched < job.generation) and (job.next_try or 0) <= time.time():
            self._start(job)
        elif lives and job.restarts and job.state == "ready" and time.time() - job.since > _STEADY_SECONDS:
            self.store.failed_start(job.name, 0, None)

    def _watch(self, job: Job, lives: bool) -> None:
        """Be woken by the end of a process."""
        pid, descriptor = self.watched.get(job.name, (0, -1))
        if descriptor >= 0 and (not lives or job.process is None or job.process.pid != pid):
            os.close(descriptor)
            del self.watched[job.name]
        if lives and job.process and job.name not in self.watched and hasattr(os, "pidfd_open"):
            with suppress(OSError):
                self.watched[job.name] = (job.process.pid, os.pidfd_open(job.process.pid))

    def _start(self, job: Job) -> None:
        if not self.store.claim(job.name):
            return
        if job.environment["python"] == sys.executable and client.can_fork():
            client.warm()
        if launch.launch(self.store, self.home, job) is None:
            self._failed(self.store.get(job.name))

    def _died(self, job: Job) -> None:
        """A process ended without a word: try again, later each time, or give up."""
        again = job.restarts + 1
        why = f"its process ended without a word: killed, or out of memory{self._last_words(job)}"
        if again > _MOST[job.restart]:
            after = f" {text.count(again, 'time')}" if again > 1 else ""
            if self.store.ended(job.name, job.process, "failed", why.replace("ended", f"ended{after}", 1)):
                self._failed(self.store.get(job.name))
            return
        delay = 0.0 if again == 1 else min(_LONGEST_DELAY, _FIRST_DELAY * 2**again)
        if self.store.ended(job.name, job.process, "starting", why):
            self.store.failed_start(job.name, again, time.time() + delay)
            self.store.event(job.name, f"{why}; started again")
            self._see_to(self.store.get(job.name))

    def _last_words(self, job: Job) -> str:
        lines = [line for line in logs.tail(self.store.job_folder(job.name), _LAST_LINES) if line.strip()]
        return "".join(f"\n{line}" for line in _crash(lines) or lines[-_SHOWN_LINES:])

    def _failed(self, job: Job) -> None:
        self.store.event(job.name, f"failed: {job.reason}")
        if job.notify:
            try:
                self.tell(job.notify, f"{job.name} failed", job.reason)
            except Exception as error:  # noqa: BLE001 whoever cannot be told must not end the supervisor
                journal.note(f"{job.notify} could not be told: {error}")

    def _stop(self, job: Job, lives: bool) -> None:
        """TERM, time to finish what was begun, then KILL."""
        if not lives or job.process is None:
            self.stopping.pop(job.name, None)
            self.store.ended(job.name, job.process, "stopped")
        elif job.name not in self.stopping:
            self.stopping[job.name] = time.monotonic() + STOP_PATIENCE
            job.process.signal(signal.SIGTERM)
        elif time.monotonic() > self.stopping[job.name]:
            job.process.kill()


def _crash(lines: list[str]) -> list[str]:
    """What a signal did, and the innermost line of code, where the last thing that was written is of one."""
    if not lines or not lines[-1].startswith(('  File "', "Extension modules")):
        return []
    at = max((number for number, line in enumerate(lines) if line.startswith(_CRASH)), default=len(lines))
    return [*lines[at : at + 1], *[line for line in lines[at:] if line.startswith('  File "')][:1]]


def _tell(where: str, subject: str, what: str) -> None:
    """A mail, or a POST of JSON."""
    if where.startswith(("http://", "https://")):
        import httpx

        httpx.post(where, json={"text": f"{subject}: {what}", "subject": subject}, timeout=10).raise_for_status()
        return
    from .. import notify

    notify.mail(where, subject, what, [])
