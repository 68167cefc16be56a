"""The embedded log, read for a group as any broker is."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..data import log_groups, places
from ..data.log_groups import Group
from ..errors import StorageError

if TYPE_CHECKING:
    from ..data.log import Record
    from .protocol import Marks

_TRIM_EVERY = 60.0


class EmbeddedReader:
    """The reader of a group of a `queue:NAME`: the only one, by a lock that ends with its process."""

    changes = 0

    def __init__(self, place: str, group: str, start: str) -> None:
        self.log = places.log(place)
        try:
            self.group = Group(self.log, group, start=start)
        except BaseException:
            self.log.close()
            raise
        self.name, self.label = self.log.name, f"queue {self.log.name}"
        self.source = f"{self.log.name}/{group}/{self.log.identity}"
        self.done: Marks = {}
        self._trimmed = time.monotonic()

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Wait until no other process reads for this group; False where it was told to stop meanwhile."""
        if not self.group.acquire(stopping):
            return False
        self.done = {"": self.group.position}
        return True

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records, as soon as there are any."""
        if time.monotonic() - self._trimmed > _TRIM_EVERY:
            self._trimmed = time.monotonic()
            with suppress(StorageError):  # tried again a minute later
                self.log.trim()
        return self.group.poll(most, timeout)

    def commit(self, marks: Marks) -> None:
        """All up to there is done."""
        self.group.commit(marks[""])
        self.done[""] = marks[""]

    def seek(self, marks: Marks) -> None:
        """Read on after this offset."""
        self.group.seek(marks[""])

    def find(self, place: str) -> Marks:
        """After which record a place is. UsageError."""
        return {"": log_groups.place(self.log, place)}

    def rewind(self, marks: Marks) -> None:
        """Read on after this, and count what is up to there as done."""
        self.commit(marks)
        self.seek(marks)

    def lag(self) -> int:
        """How many records are not done."""
        return self.group.lag(self.done[""])

    def close(self) -> None:
        """Let another process read for the group."""
        self.group.release()
        self.log.close()
