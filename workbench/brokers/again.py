"""A reader, and a queue beside it of records that are given once more: they are a lane of their own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from .embedded import EmbeddedReader

if TYPE_CHECKING:
    from ..data.log import Record
    from .protocol import Marks, Reader

LANE = "again"
_TRY_EVERY = 1.0


def place(name: str, group: str) -> str:
    """The queue beside what a group reads."""
    return f"queue:{name}.{group}.again"


class WithAgain:
    """Gives what lies beside first, each record once its time has come: its header `due`, if it has one, says when, and
    after how many seconds. Longer than these it is not held back, whatever becomes of the clock."""

    def __init__(self, reader: Reader, group: str) -> None:
        self.reader, self.beside = reader, EmbeddedReader(place(reader.name, group), group, "start")
        self.name, self.label = reader.name, reader.label
        self._waiting: deque[tuple[float, Record]] = deque()
        self._tried = -_TRY_EVERY

    @property
    def source(self) -> str:
        return self.reader.source

    @property
    def done(self) -> Marks:
        return self.reader.done | {LANE: self.beside.done[""]} if self.beside.done else self.reader.done

    @property
    def changes(self) -> int:
        return self.reader.changes

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Begin, as soon as nobody else reads. What lies beside one of several members of a group gives."""
        return self.reader.acquire(stopping) and (self._own() or True)

    def _own(self) -> bool:
        """Whether what lies beside is for this one to give; tried again where another did until now."""
        if not self.beside.done and time.monotonic() - self._tried > _TRY_EVERY:
            self.beside.acquire(lambda: True)
            self._tried = time.monotonic()
        return bool(self.beside.done)

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records of one lane."""
        return self._due(most) or self.reader.poll(most, timeout)

    def _due(self, most: int) -> list[Record]:
        if not self._own():
            return []
        if not self._waiting:
            self._waiting.extend((_due(one), one) for one in self.beside.poll(most, 0))
        now, found = time.monotonic(), list["Record"]()
        while self._waiting and len(found) < most and self._waiting[0][0] <= now:
            found.append(self._waiting.popleft()[1]._replace(lane=LANE))
        return found

    def commit(self, marks: Marks) -> None:
        """All up to there is done."""
        if rest := {lane: mark for lane, mark in marks.items() if lane != LANE}:
            self.reader.commit(rest)
        if LANE in marks:
            self.beside.commit({"": marks[LANE]})

    def seek(self, marks: Marks) -> None:
        """Read on after these."""
        if rest := {lane: mark for lane, mark in marks.items() if lane != LANE}:
            self.reader.seek(rest)
        if LANE in marks:
            self._waiting.clear()
            self.beside.seek({"": marks[LANE]})

    def find(self, place: str) -> Marks:
        """After which records of the source a place is. UsageError."""
        return self.reader.find(place)

    def rewind(self, marks: Marks) -> None:
        """Read on in the source after these."""
        self.reader.rewind(marks)

    def lag(self) -> int:
        """How many records are not done."""
        return self.reader.lag() + (self.beside.lag() if self.beside.done else 0)

    def close(self) -> None:
        """Let another read for the group."""
        self.beside.close()
        self.reader.close()


def _due(record: Record) -> float:
    at, seconds = (record.headers or {}).get("due", (0.0, 0.0))
    left: float = min(at - time.time(), seconds)
    return time.monotonic() + left
