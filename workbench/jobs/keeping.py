"""Runs that are over -> those that stay: the last so many, or those of so long; of the others nothing is left."""

from __future__ import annotations

import shutil
import time

from .. import text
from ..errors import UsageError
from ..moments import seconds
from .pages import job_of
from .record import OVER, Job
from .store import Store

USUAL = "1000"
"""What stays of a schedule's runs where nothing else is said."""
_LOOK = 5.0
_AT_ONCE = 50
_TOLD_LOOK = 3600.0
_TOLD_AGAIN = 30 * 86400.0  # for so long a message that comes again is known


def check(said: str) -> None:
    """UsageError for what is neither a number of runs nor a time."""
    if said.isdecimal() and int(said) > 0:
        return
    try:
        seconds(said)
    except UsageError:
        raise UsageError(f"{said!r} is neither a number of runs nor a time", fix="as in 50 or 30d") from None


def beyond(store: Store, said: str, schedule: str | None, most: int = -1) -> list[Job]:
    """The runs of a schedule, or all, that do not stay: `said` is how many do, or for how long. The last one of a
    schedule stays, and whatever still has a process."""
    own, of = ("schedule = ?", [schedule]) if schedule else ("name like 'run/%'", [])
    over = f"select * from jobs where {own} and state in {OVER}"
    if said.isdecimal():
        rows = store.database.read(f"{over} order by rowid desc limit ? offset ?", *of, most, int(said))
    else:
        last = f"and name is not (select name from jobs where {own} order by rowid desc limit 1)" if schedule else ""
        query = f"{over} and since < ? {last} order by rowid limit ?"
        rows = store.database.read(query, *of, time.time() - seconds(said), *(of if schedule else []), most)
    return [job for job in map(job_of, rows) if job.gone]


def forget(store: Store, job: Job) -> None:
    """Remove a run with its log, its executed notebook where that lies beside it, and what it handed back."""
    shutil.rmtree(store.folder_of(job.name), ignore_errors=True)
    store.remove(job.name)


class Keeping:
    """Lets go of the runs of schedules that do not stay, some at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._looked = self._forgot = 0.0

    def look(self) -> None:
        """Every few seconds."""
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        for schedule in self.store.schedules():
            gone = beyond(self.store, schedule.keep or USUAL, schedule.name, _AT_ONCE)
            for job in gone:
                forget(self.store, job)
            if gone:
                self.store.event(schedule.name, f"{text.count(len(gone), 'run')} let go of, up to {gone[0].name}")
        if time.time() - self._forgot > _TOLD_LOOK:
            self._forgot = time.time()
            self.store.forget_told(time.time() - _TOLD_AGAIN)
