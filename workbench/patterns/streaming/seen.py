"""What passes a stream -> figures: how many, how fast, how long from event to sink, in batches of what size."""

from __future__ import annotations

import time
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...brokers.protocol import Marks
    from .batches import Batch

_SMOOTH = 0.3
_LATELY = 256
_PER_BATCH = 8
_LOOK = 0.5
"""Seconds after which latencies are put in order again, while records pass."""


class Seen:
    """Counts since it began; rate, latency and batch size of the last batches."""

    def __init__(self) -> None:
        self.records, self.dead, self.again, self.tries = 0, 0, 0, 0
        self.rate, self._since = 0.0, time.monotonic()
        self._waits: deque[list[float]] = deque(maxlen=_LATELY)
        self._sizes: deque[int] = deque(maxlen=_LATELY)
        self._ordered: dict[str, float] = {}
        self._due = 0.0
        self._held: dict[str, tuple[int, int]] = {}  # of each lane, up to where, and how many the sink holds back

    def took(self, batch: Batch, done: Marks) -> None:
        """A sink took a batch; `done` is what it has for good."""
        count = len(batch.records)
        self.records += count
        self._sizes.append(count + len(batch.dead))
        now, step = time.time(), max(1, count // _PER_BATCH)
        if batch.records:
            some = [*batch.records[::step], batch.records[-1]]
            self._waits.append([max(0.0, now - record.at) for record in some])
        before = self._held.get(batch.lane, (0, 0))[1]
        self._held[batch.lane] = batch.last, before + count + len(batch.dead)
        self.kept(done)

    def kept(self, done: Marks) -> None:
        """The sink has all up to there for good."""
        for lane, upto in done.items():
            if upto >= self._held.get(lane, (0, 0))[0]:
                self._held.pop(lane, None)

    @property
    def held(self) -> int:
        """How many answers the sink holds back: those of a part that is not closed yet."""
        return sum(count for _, count in self._held.values())

    def tick(self, records: int) -> None:
        """So many records passed since the last time."""
        now = time.monotonic()
        if now > self._since:
            self.rate += _SMOOTH * (records / (now - self._since) - self.rate)
        self._since = now

    def _latencies(self) -> dict[str, float]:
        """As they were lately: to put them in order takes longer than to read a batch."""
        if time.monotonic() >= self._due and (waits := sorted(chain.from_iterable(self._waits))):
            self._due = time.monotonic() + _LOOK
            self._ordered = {"p50": waits[len(waits) // 2], "p99": waits[min(len(waits) - 1, len(waits) * 99 // 100)]}
        return self._ordered

    def facts(self) -> dict[str, Any]:
        """The figures; times in seconds."""
        found: dict[str, Any] = {"records": self.records, "dead": self.dead, "again": self.again, "tries": self.tries}
        found |= {"rate": self.rate if self.rate >= 1 else 0.0, "held": self.held} | self._latencies()
        if self._sizes:
            found["batch"] = sum(self._sizes) / len(self._sizes)
        return found
