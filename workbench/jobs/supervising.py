"""What should run and what runs -> the next step: the loop of the supervisor."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .. import journal, paths, text
from ..errors import WorkbenchError
from ..spawn import client
from . import halted, launch, logs
from .ahead import Ahead
from .keeping import Keeping
from .record import Job
from .store import Store
from .telling import Telling
from .watching import Watching
from .webhooks import Webhooks

LOOK = 0.1
STOP_PATIENCE = 30.0
IDLE_SECONDS = 600.0
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 30.0
_STEADY_SECONDS = 60.0
_MOST = {"always": 5, "retry": 3, "never": 0}
_LAST_LINES, _SHOWN_LINES, _SHOWN = 60, 3, 500
_CRASH = "Fatal Python error: "


class Supervisor:
    """The loop. `ended` once it was told to, or a newer Workbench has taken the store over; `there` says whether its
    home is still the one that it began in."""

    def __init__(self, home: Path, telling: Telling | None = None, there: Callable[[], bool] = lambda: True) -> None:
        self.home, self.store, self.there = home, Store(paths.state(home)), there
        self.telling = telling or Telling(self.store)
        self.watching = Watching(self.store)
        self.webhooks = Webhooks(self.store)
        self.ahead, self.keeping = Ahead(self.store), Keeping(self.store)
        self.watched: dict[str, tuple[int, int]] = {}  # name -> pid, pidfd
        self.stopping: dict[str, float] = {}
        self.since_idle = time.monotonic()
        self.ended = False
        self._said: dict[str, str] = {}

    def run(self) -> None:
        """Until it is told to end, its home is gone, or nothing was wanted for ten minutes."""
        signal.signal(signal.SIGTERM, self._end)
        while not self.ended and time.monotonic() - self.since_idle < IDLE_SECONDS and self._goes_on():
            self._safely("what runs", self._look)
            self._safely("what is due", self.store.take_due, time.time())
            self._safely("what follows", self.store.take_followers)
            self._safely("what arrives", self.watching.look)
            self._safely("who calls", self.webhooks.look)
            self._safely("what is begun ahead", self.ahead.look)
            self._safely("what is kept", self.keeping.look)
            self._wait()
        self.watching.end()
        self.webhooks.end()
        self.ahead.end()

    def _goes_on(self) -> bool:
        return self.store.folder.exists() and self.there()

    def _end(self, *_: object) -> None:
        self.ended = True

    def _look(self) -> None:
        jobs = self.store.jobs(over=False)
        self._forget({job.name for job in jobs})
        for job in jobs:
            self._safely(job.name, self._see_to, job)
        for job in self.store.wished():
            self.telling.of(job)
        if jobs or self.store.schedules():
            self.since_idle = time.monotonic()
        self.ended = self.ended or self.store.database.newer

    def _safely(self, name: str, do: Callable[..., object], *given: object) -> None:
        """What goes wrong with one must not keep the others from being looked after; it is said once."""
        error = ""
        try:
            do(*given)
        except WorkbenchError as refusal:
            error = str(refusal)
        except Exception:  # noqa: BLE001
            error = traceback.format_exc()
        if error and error != self._said.get(name):
            journal.note(f"{name}: {error}")
        self._said[name] = error

    def _wait(self) -> None:
        """Until a process ends, somebody writes, or something may be due."""
        ends = select.poll()
        for _, descriptor in self.watched.values():
            ends.register(descriptor, select.POLLIN)
        end = time.monotonic() + 10 * LOOK
        while time.monotonic() < end and not self.ended:
            ended = ends.poll(1000 * LOOK)
            with suppress(WorkbenchError):
                if ended or self.store.changed():
                    return

    def _see_to(self, job: Job) -> None:
        lives = job.process is not None and job.process.alive()
        self._watch(job, lives)
        if lives:
            halted.look(self.store, job)
        job.end_before(STOP_PATIENCE)
        if job.desired == "stopped" and not job.over:
            self._stop(job, lives)
        elif job.over:
            return
        elif job.process is not None and not lives:
            self._died(job)
        elif (not lives or job.launched < job.generation) and not _rests(job):
            self._start(job)
        elif lives and job.restarts and job.state == "ready" and time.time() - job.since > _STEADY_SECONDS:
            self.store.failed_start(job.name, 0, None)

    def _watch(self, job: Job, lives: bool) -> None:
        """Be woken by the end of a process."""
        pid, _ = self.watched.get(job.name, (0, -1))
        if not lives or job.process is None or job.process.pid != pid:
            self._unwatch(job.name)
        if lives and job.process and job.name not in self.watched and hasattr(os, "pidfd_open"):
            with suppress(OSError):
                self.watched[job.name] = (job.process.pid, os.pidfd_open(job.process.pid))

    def _unwatch(self, name: str) -> None:
        if name in self.watched:
            os.close(self.watched.pop(name)[1])

    def _forget(self, alive: set[str]) -> None:
        """What is over, or was removed."""
        for name in self.watched.keys() - alive:
            self._unwatch(name)
        for name in self.stopping.keys() - alive:
            del self.stopping[name]

    def _start(self, job: Job) -> None:
        if not self.store.claim(job.name):
            return
        if job.environment["python"] == sys.executable and client.can_fork():
            client.warm()
        launch.launch(self.store, self.home, job)

    def _died(self, job: Job) -> None:
        """A process ended without a word: try again, later each time, or give up."""
        again = job.restarts + 1
        why = f"its process {_ending(job)}{self._last_words(job)}"
        if again > _MOST[job.restart]:
            after = f" {text.count(again, 'time')}" if again > 1 else ""
            self.store.ended(job.name, job.process, "failed", why.replace("ended", f"ended{after}", 1))
            return
        delay = 0.0 if again == 1 else min(_LONGEST_DELAY, _FIRST_DELAY * 2**again)
        if self.store.ended(job.name, job.process, "starting", why):
            self.store.failed_start(job.name, again, time.time() + delay)
            self.store.event(job.name, f"{why}; started again")
            self._see_to(self.store.get(job.name))

    def _last_words(self, job: Job) -> str:
        lines = [line for line in logs.tail(self.store.job_folder(job.name), _LAST_LINES) if line.strip()]
        return "".join(f"\n{line[:_SHOWN]}" for line in _crash(lines) or lines[-_SHOWN_LINES:])

    def _stop(self, job: Job, lives: bool) -> None:
        """TERM, time to finish what was begun, then KILL."""
        if not lives or job.process is None:
            self.stopping.pop(job.name, None)
            job.end_before()
            self.store.ended(job.name, job.process, "stopped")
        elif job.name not in self.stopping:
            self.stopping[job.name] = time.monotonic() + STOP_PATIENCE
            job.process.signal(signal.SIGTERM)
            job.process.signal(signal.SIGCONT)  # one that was stopped hears nothing
        elif time.monotonic() > self.stopping[job.name]:
            job.process.kill()


def _crash(lines: list[str]) -> list[str]:
    """What a signal did, and the innermost line of code, where the last thing that was written is of one."""
    if not lines or not lines[-1].startswith(('  File "', "Extension modules")):
        return []
    at = max((number for number, line in enumerate(lines) if line.startswith(_CRASH)), default=len(lines))
    return [*lines[at : at + 1], *[line for line in lines[at:] if line.startswith('  File "')][:1]]


def _rests(job: Job) -> bool:
    """Whether its next try is still to come; no longer than a delay, though the clock was put back."""
    return 0.0 < (job.next_try or 0.0) - time.time() <= _LONGEST_DELAY


def _ending(job: Job) -> str:
    """How its process came to an end: by what it raised, if it could say so."""
    raised = job.facts.get("raised", {})
    if job.process and raised.get("pid") == job.process.pid:
        return f"ended with {raised['error']}"
    if halted.halted(job):
        return "ended: it had been stopped by a signal"
    return "ended without a word: killed, or out of memory"
