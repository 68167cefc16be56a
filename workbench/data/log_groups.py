"""A group of readers of a log: one reads at a time, from where the last had done everything."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from ..errors import StorageError, UsageError
from ..moments import moment
from .log_file import check_name, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .log import Log, Record

_SHORTEST, _LONGEST = 0.001, 0.02


class Group:
    """The reader of a group. A lock that ends with its process makes it the only one; `generation` counts them, and
    one that was followed by another can commit nothing more."""

    def __init__(self, log: Log, name: str, *, start: str = "start") -> None:
        check_name(name, "group")
        self.log, self.name = log, name
        file = log.folder / f"{log.name}~{name}.lock"
        try:
            self._lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise refusal(log.name, file, error) from error
        self.position, self.generation = 0, 0
        self._start = start

    def acquire(self, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wait until no other process reads for this group; False where it was told to stop meanwhile."""
        while True:
            try:
                # a lock of the process: what it forked does not hold it on when it is killed
                fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if stopping():
                    return False
                time.sleep(_LONGEST)
        with self.log.write() as connection:
            found = connection.execute("select offset, generation from groups where name = ?", (self.name,)).fetchone()
            offset, generation = found or (place(self.log, self._start), 0)
            connection.execute("insert or replace into groups values (?, ?, ?)", (self.name, offset, generation + 1))
        self.position, self.generation = offset, generation + 1
        return True

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records, as soon as there are any; none when the time, in seconds, is up."""
        end, wait = time.monotonic() + timeout, _SHORTEST
        found = self.log.read(self.position, most)
        if not found and timeout:
            seen = self.log.changed()
            found = self.log.read(self.position, most)  # what came between the two
        while not found and time.monotonic() < end:
            time.sleep(wait)
            wait = min(_LONGEST, wait * 1.5)
            if (now := self.log.changed()) != seen:
                seen, found = now, self.log.read(self.position, most)
        if found:
            self.position = found[-1].offset
        elif not self.log.there():
            raise UsageError(f"queue {self.log.name} was removed while it was read", fix="start what reads it again")
        return found

    def commit(self, offset: int) -> None:
        """All up to this offset is done. StorageError where another process reads for the group by now."""
        with self.log.write() as connection:
            query = "update groups set offset = ? where name = ? and generation = ?"
            known = connection.execute(query, (offset, self.name, self.generation)).rowcount
        if not known:
            what = f"another process reads queue {self.log.name} for the group {self.name}"
            raise StorageError(what, fix="end one of the two, or give one a group of its own")

    def seek(self, offset: int) -> None:
        """Read on from here, without counting anything as done."""
        self.position = offset

    def lag(self, done: int) -> int:
        """How many records came after that offset."""
        return max(0, self.log.last - done)

    def release(self) -> None:
        """Let another process read for the group."""
        os.close(self._lock)


def place(log: Log, said: str) -> int:
    """`start`, `end`, a number or a time -> the offset after which to read. UsageError."""
    if said == "start":
        return log.first
    if said == "end":
        return log.last
    if not (said.isascii() and said.isdigit()):
        later = log.query("select offset from records where at >= ? limit 1", moment(said, "place in a queue"))
        return int(later[0][0]) - 1 if later else log.last
    if int(said) > log.last:
        raise UsageError(f"queue {log.name} ends at offset {log.last}, before {said}", fix="start, end or an offset")
    return int(said)
