"""Counters and a histogram of times in a file that is mapped into memory: one slot per process, read by anybody."""

from __future__ import annotations

import mmap
import time
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

FIELDS = (
    "requests",
    "failures",
    "rows",
    "batches",
    "seconds",
    "model_seconds",
    "waiting",
    "refused",
    "calling",
    "last",
)
_FIRST, _STEPS, _BUCKETS = 1e-5, 4, 96
BOUNDS = tuple(_FIRST * 2 ** (i / _STEPS) for i in range(_BUCKETS))
"""The upper bounds of the histogram's buckets in seconds: 10 µs to 140 s, four to each doubling."""

_WIDTH = len(FIELDS) + _BUCKETS + 1
_BYTES = 8


class Metrics:
    """The figures of one process: slot `slot` of `slots` in the file. Written without locks, by that process alone."""

    def __init__(self, path: Path, slot: int, slots: int) -> None:
        size = _WIDTH * _BYTES * slots
        with path.open("a+b") as file:
            file.write(bytes(max(0, size - file.tell())))  # a hole in it would be a SIGBUS when the disk is full
            file.flush()  # it is mapped as long as it is, not as it will be
            self._map = mmap.mmap(file.fileno(), size)
        start = slot * _WIDTH
        self._all = memoryview(self._map).cast("d")
        self._own = self._all[start : start + _WIDTH]
        self.waits(0)  # whoever had the slot before may have died with requests that waited, in a call
        self._own[8] = 0

    def waits(self, requests: int) -> None:
        """So many requests wait for the model now."""
        self._own[6] = requests

    def answered(self, seconds: float, status: int) -> None:
        """One request was answered with this status, so long after its first byte."""
        own = self._own
        own[0] += 1
        if status >= 400:
            own[1] += 1
            own[7] += status < 500
        own[4] += seconds
        own[len(FIELDS) + bisect_left(BOUNDS, seconds)] += 1

    def calls(self) -> None:
        """The model begins with a batch."""
        self._own[8] = self._own[9] = time.time()

    def predicted(self, rows: int, seconds: float) -> None:
        """One batch was answered by the model."""
        own = self._own
        own[2] += rows
        own[3] += 1
        own[5] += seconds
        own[8] = 0

    def all(self) -> Figures:
        """What all processes of the file have counted."""
        return _sums(self._all)


@dataclass(frozen=True)
class Figures:
    """What all processes of a deployment have counted since they started; times in seconds. Of the failures, `refused`
    are what clients did wrong, or too many of them; `calling` is when the longest call of a model now began, `last`
    when the last one did, or 0."""

    requests: int
    failures: int
    rows: int
    batches: int
    seconds: float
    model_seconds: float
    waiting: int
    refused: int
    calling: float
    last: float
    buckets: tuple[int, ...]

    def quantile(self, share: float) -> float | None:
        """The time within which that share of the requests was answered, to a fifth; None without requests."""
        wanted, seen = share * sum(self.buckets), 0
        if not sum(self.buckets):
            return None
        for i, count in enumerate(self.buckets):
            seen += count
            if seen >= wanted:
                return BOUNDS[min(i, _BUCKETS - 1)]
        return BOUNDS[-1]

    @property
    def p50(self) -> float | None:
        return self.quantile(0.5)

    @property
    def p99(self) -> float | None:
        return self.quantile(0.99)


def read(path: Path) -> Figures:
    """The sum over all processes of the file."""
    return _sums(memoryview(path.read_bytes()).cast("d"))


def _sums(values: memoryview[float]) -> Figures:
    slots = len(values) // _WIDTH
    sums = [sum(values[slot * _WIDTH + i] for slot in range(slots)) for i in range(_WIDTH)]
    counts = [int(value) for value in sums]
    requests, failures, rows, batches, _, _, waiting, refused, _, _ = counts[: len(FIELDS)]
    began = [at for slot in range(slots) if (at := values[slot * _WIDTH + 8])]
    last = max((values[slot * _WIDTH + 9] for slot in range(slots)), default=0.0)
    calling, buckets = min(began, default=0.0), tuple(counts[len(FIELDS) :])
    return Figures(requests, failures, rows, batches, sums[4], sums[5], waiting, refused, calling, last, buckets)
