"""That something has failed -> whoever wanted to know it: told once, while the supervisor looks after the others."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from .. import journal, notify
from ..errors import WorkbenchError
from . import launch
from .record import Job
from .store import Store

_PAUSES = (2.0, 20.0, 120.0)
Send = Callable[[str, str, str, Mapping[str, str]], None]


class Telling:
    """Tells of each failure once, whichever supervisor saw it: that it was told is kept as an event."""

    def __init__(self, store: Store, send: Send = notify.tell) -> None:
        self.store, self.send = store, send
        self._begun: set[tuple[str, float]] = set()

    def of(self, job: Job) -> None:
        """Tell of a job that has failed, unless that was done or has begun; returns at once."""
        if job.state != "failed" or not job.notify or (job.name, job.since) in self._begun:
            return
        self._begun.add((job.name, job.since))
        if not any(event.details.get("failure") == job.since for event in self.store.events(job.name, job.since)):
            threading.Thread(target=self._tell, args=(job, job.notify), daemon=True).start()

    def _tell(self, job: Job, where: str) -> None:
        shown = urlsplit(where).hostname or where  # the path of a hook is often its secret
        error = self._sent(job, where)
        try:
            said = f"{shown} could not be told: {error}" if error else f"{shown} was told"
            self.store.event(job.name, said, failure=job.since)
        except WorkbenchError as refusal:
            journal.note(refusal)

    def _sent(self, job: Job, where: str) -> Exception | None:
        """What went wrong, every time."""
        error: Exception | None = None
        for pause in (0.0, *_PAUSES):
            time.sleep(pause)
            try:
                settings = os.environ | launch.variables(job.environment["env_file"])
                self.send(where, f"{job.name} failed", job.reason.replace("%workbench", "workbench"), settings)
            except Exception as raised:  # noqa: BLE001 whoever cannot be told must not end the supervisor
                error = raised
                journal.note(f"{job.name}: {type(raised).__name__} while telling: {raised}")
            else:
                return None
        return error
