"""A group of readers of a log: one reads at a time, from where the last had done everything."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .log import Log, Record

_SHORTEST, _LONGEST = 0.001, 0.02


class Group:
    """The reader of a group. A lock that ends with its process makes it the only one; `generation` counts them."""

    def __init__(self, log: Log, name: str, *, start: str = "start") -> None:
        self.log, self.name = log, name
        self._lock = os.open(log.folder / f"{log.name}.{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.position, self.generation = 0, 0
        self._start = start

    def acquire(self, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wait until no other process reads for this group; False where it was told to stop meanwhile."""
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopping():
                    return False
                time.sleep(_LONGEST)
        with self.log.write() as connection:
            found = connection.execute("select offset, generation from groups where name = ?", (self.name,)).fetchone()
            offset, generation = found or (self._first(), 0)
            connection.execute("insert or replace into groups values (?, ?, ?)", (self.name, offset, generation + 1))
        self.position, self.generation = offset, generation + 1
        return True

    def _first(self) -> int:
        return place(self.log, self._start)

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records, as soon as there are any; none when the time, in seconds, is up."""
        end, wait = time.monotonic() + timeout, _SHORTEST
        found = self.log.read(self.position, most)
        seen = self.log.changed() if not found else 0
        while not found and time.monotonic() < end:
            time.sleep(wait)
            wait = min(_LONGEST, wait * 1.5)
            if (now := self.log.changed()) != seen:
                seen, found = now, self.log.read(self.position, most)
        if found:
            self.position = found[-1].offset
        return found

    def commit(self, offset: int) -> None:
        """All up to this offset is done."""
        with self.log.write() as connection:
            connection.execute("update groups set offset = ? where name = ?", (offset, self.name))

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
    """`start`, `end` or a number -> the offset after which to read. UsageError."""
    if said == "start":
        return log.first
    if said == "end":
        return log.last
    if said.isdigit():
        return int(said)
    raise UsageError(f"{said!r} is no place in a queue", fix="start, end or an offset")
