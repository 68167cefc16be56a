"""The files of a glob, looked at again and again -> those that have arrived whole."""

from __future__ import annotations

import glob
import json
import os
import subprocess
import threading
import time
from pathlib import Path

from .. import journal
from ..errors import JobFailed, WorkbenchError
from ..spawn.owner import command
from . import launch
from .planning import Schedule
from .store import Store

LOOK = 0.5
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
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


class Watching:
    """Looks for the files of each schedule that waits for some, in a thread of its own: a store that hangs holds up
    nobody else."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._watches: dict[str, Watch] = {}

    def look(self) -> None:
        """See to it that there is one watch for each schedule that waits for files."""
        wanted = {s.name: s for s in self.store.schedules() if s.starts and "file" in s.starts and not s.paused}
        for name, watch in list(self._watches.items()):
            if name not in wanted or not watch.same(wanted[name]) or not watch.thread.is_alive():
                watch.over.set()
                del self._watches[name]
        for name, schedule in wanted.items():
            if name not in self._watches:
                self._watches[name] = Watch(self.store, schedule)

    def end(self) -> None:
        """Look no more."""
        for watch in self._watches.values():
            watch.over.set()


class Watch:
    """The watch of one schedule."""

    def __init__(self, store: Store, schedule: Schedule) -> None:
        assert schedule.starts
        self.store, self.schedule = store, schedule
        self.pattern = schedule.starts["file"]
        self.settling = Settling(schedule.starts["settle"])
        self.over = threading.Event()
        self._seen: set[str] = set()
        self._said = ""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def same(self, schedule: Schedule) -> bool:
        """Whether it looks for what the schedule waits for now, and as it should."""
        return (self.schedule.starts, self.schedule.environment) == (schedule.starts, schedule.environment)

    def _run(self) -> None:
        """Until it is over; what goes wrong is an event, and is tried again, later each time."""
        pause = _FIRST_PAUSE
        while not self.over.is_set():
            try:
                self._seen = self.store.seen(self.schedule.name)
                self._look()
            except Exception as error:  # noqa: BLE001 whatever a file system raises, it is looked at again
                self._tell(str(error).strip().split("\n")[0] if isinstance(error, WorkbenchError) else repr(error))
            self.over.wait(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    def _look(self) -> None:
        if "://" in self.pattern:
            self._listen()
            return
        while not self.over.is_set():
            self.take(marks(self.pattern), time.monotonic())
            self.over.wait(LOOK)

    def _listen(self) -> None:
        """What a process with the variables and packages of the schedule lists; it ends with this one."""
        environment = self.schedule.environment
        lister = subprocess.Popen(
            command("worker_lister", f"main({self.pattern!r})", environment["python"], __package__),
            env=environment["variables"] | launch.variables(environment["env_file"]),
            cwd=Path(environment["folder"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert lister.stdout
        with lister:
            try:
                for line in lister.stdout:
                    if self.over.is_set():
                        break
                    said = json.loads(line)
                    if "error" in said:
                        raise JobFailed(said["error"], fix="see to the place, and to the variables of --env-file")
                    self.take(said["files"], time.monotonic())
                else:
                    fix = "see supervisor.log for what it wrote last"
                    raise JobFailed(f"what lists {self.pattern} ended with {lister.wait()}", fix=fix)
            finally:
                lister.kill()

    def take(self, found: Marks, now: float) -> None:
        """Start a run for each file that has settled and was not seen."""
        self._tell("")
        for file, mark in self.settling.settled(found, now):
            if (known := key(file, mark)) not in self._seen and not self.over.is_set():
                if run := self.store.arrived(self.schedule.name, known, file=file):
                    self.store.event(self.schedule.name, f"{file} → {run}")
                self._seen.add(known)

    def _tell(self, trouble: str) -> None:
        """That its place cannot be looked at, or can be again, once each time."""
        if trouble != self._said:
            self._said = trouble
            try:
                self.store.event(self.schedule.name, trouble or "looks again", trouble=trouble)
            except WorkbenchError as error:
                journal.note(error)
