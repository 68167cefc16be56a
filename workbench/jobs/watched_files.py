"""The files of a glob, looked at again and again -> those that have arrived whole."""

from __future__ import annotations

import glob
import os
import time
from typing import Any

from .planning import Schedule
from .store import Store
from .watch import Watch

LOOK = 0.5
Marks = dict[str, str]


def marks(pattern: str) -> Marks:
    """The files of a local glob; what tells of each whether it was written since."""
    found = {}
    for file in glob.iglob(pattern, recursive=True):
        try:
            seen = os.stat(file)
        except OSError:  # it has gone meanwhile
            continue
        if os.path.isfile(file):
            found[file] = f"{seen.st_size} {seen.st_mtime_ns}"
    return found


def key(file: str, mark: str) -> str:
    """What a file is known by: written again, it is another one."""
    return f"{file} {mark}"


class Settling:
    """Which of the files that are there have not been written to for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: dict[str, tuple[str, float]] = {}

    def settled(self, found: Marks, now: float) -> list[tuple[str, str]]:
        """Those of the found ones, in the order of their names."""
        before = self._since
        kept = {file: before[file] for file in found if file in before and before[file][0] == found[file]}
        self._since = {file: kept.get(file, (found[file], now)) for file in found}
        return [(file, mark) for file, (mark, since) in sorted(self._since.items()) if now - since >= self.seconds]


class FileWatch(Watch):
    """Starts a run for each file of a glob that has arrived."""

    def __init__(self, store: Store, schedule: Schedule) -> None:
        assert schedule.starts
        self.pattern = schedule.starts["file"]
        self.settling = Settling(schedule.starts["settle"])
        self._seen: set[str] = set()
        super().__init__(store, schedule)

    def look(self) -> None:
        """Again and again; a store is listed by a process with the variables and packages of the schedule."""
        self._seen = self.store.seen(self.schedule.name)
        if "://" in self.pattern:
            self.listen("worker_lister", f"main({self.pattern!r})", f"what lists {self.pattern}")
            return
        while not self.over.is_set():
            self.take(marks(self.pattern), time.monotonic())
            self.over.wait(LOOK)

    def heard(self, said: dict[str, Any]) -> None:
        """What the lister has found."""
        self.take(said["files"], time.monotonic())

    def take(self, found: Marks, now: float) -> None:
        """Start a run for each file that has settled and was not seen."""
        self.tell("")
        for file, mark in self.settling.settled(found, now):
            if (known := key(file, mark)) not in self._seen and not self.over.is_set():
                if run := self.store.arrived(self.schedule.name, known, file=file):
                    self.store.event(self.schedule.name, f"{file} → {run}")
                self._seen.add(known)
