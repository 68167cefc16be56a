"""What the process of a job knows of itself: what it should do, and where it tells what it sees."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from .. import journal, paths
from ..errors import NotFound, StorageError
from . import identity, logs
from .record import Job, Order
from .store import Store

_EVERY = 1.0
_GRACE = 5.0
_SHOWN = 300


class Context:
    """The control of a job's process. `job` is as it was last looked at; looking is cheap while nothing changed."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, name
        self.store = Store(paths.state(home))
        self.process = identity.own()
        self.folder = self.store.job_folder(name)
        self.job = self._recorded()
        self._told = False
        self._asked: list[Order] = []
        self._new: dict[str, Any] = {}
        self._written = 0.0
        self._untold: tuple[str, str] | None = None  # what a full disk did not take
        signal.signal(signal.SIGTERM, self._terminated)

    def _recorded(self) -> Job:
        """The job once whoever started this process has written down that it did."""
        end = time.monotonic() + _GRACE
        job = self.store.get(self.name)
        while job.process != self.process and time.monotonic() < end:
            time.sleep(0.005)
            job = self.store.get(self.name)
        return job

    def _terminated(self, *_: object) -> None:
        self._told = True

    def look(self) -> Job | None:
        """The job as it is now; None once it was removed."""
        return self._read() if self.store.changed() else self.job

    def _read(self) -> Job | None:
        try:
            self.job, self._asked = self.store.get(self.name), self.store.orders(self.name)
        except NotFound:
            return None
        return self.job

    def stopping(self) -> bool:
        """Whether it was told to stop, by a signal or in the store, or another process has its place."""
        job = self.look()
        return self._told or job is None or job.desired == "stopped" or job.process != self.process

    def told_to_stop(self) -> bool:
        """Whether stopping is what was asked for: a process that only got a signal is started again."""
        job = self.look()
        return job is not None and job.desired == "stopped"

    def paused(self) -> bool:
        """Whether it should wait; the state says so while it does."""
        job = self.look()
        wanted = job is not None and job.desired == "paused"
        if job and wanted != (job.state == "paused") and job.state in ("ready", "blocked", "paused"):
            self.state("paused" if wanted else "ready")
        return wanted

    def facts(self, **facts: Any) -> None:
        """Tell what is seen; kept at most once a second, and with the next state."""
        self._new |= facts
        if time.monotonic() - self._written > _EVERY:
            self._write()

    def state(self, state: str, reason: str = "") -> None:
        """Tell what state it is in, at once; why it is blocked stands in its log too."""
        if state == "blocked" and reason != self.job.reason:
            journal.note(f"{state}: {reason}")
        self._write(state, reason)

    def raised(self, error: Exception) -> None:
        """Tell what ends this process, so that nobody takes it for killed."""
        self._new |= {"raised": {"pid": self.process.pid, "error": f"{type(error).__name__}: {error}"[:_SHOWN]}}
        self._write()

    def _write(self, state: str | None = None, reason: str = "") -> None:
        """What the store does not take, since its disk is full, is told again at a later tick."""
        self._untold = (state, reason) if state else self._untold
        told, why = self._untold or (None, "")
        self._written = time.monotonic()
        try:
            self.store.report(self.name, process=self.process, state=told, reason=why, facts=self._new)
        except StorageError as error:
            journal.note(error)
            return
        self._new, self._untold = {}, None
        self._read()

    def orders(self) -> list[Order]:
        """What it is asked to do and has not answered."""
        self.look()
        return self._asked

    def answer(self, order: Order, refusal: str = "") -> None:
        """That an order was done, or why not."""
        self.store.answer(order.id, not refusal, text=refusal)
        self._asked = [other for other in self._asked if other.id != order.id]

    def tick(self) -> None:
        """See to the log."""
        logs.rotate(self.folder)
        if (self._new or self._untold) and time.monotonic() - self._written > _EVERY:
            self._write()
