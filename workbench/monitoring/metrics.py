"""Counters, and histograms of times, in a file that is mapped into memory: one slot per process, read by anybody."""

from __future__ import annotations

import fcntl
import mmap
import time
from array import array
from bisect import bisect_left
from itertools import accumulate
from operator import add
from pathlib import Path
from typing import Literal, get_args

STAGES = ("queue", "decode", "model", "encode")
"""Where the time of a request goes. Queue is what the other three are not: it waits for them."""

_FIRST, _STEPS, _BUCKETS = 1e-5, 4, 96
BOUNDS = tuple(_FIRST * 2 ** (i / _STEPS) for i in range(_BUCKETS))
"""The upper bounds of the histograms of times in seconds: 10 µs to 140 s, four to each doubling."""
SIZES = tuple(2**i for i in range(20))
"""The upper bounds of the histogram of the rows of a call."""

_TIMES = ("answered", *STAGES)
_GAUGES = ("waiting", "calling", "in_flight", "version", "last")
_BLOCK = {
    **dict.fromkeys(_GAUGES, 1),  # as it is now; all others only grow
    **dict.fromkeys(("rows", "calls", "calling_seconds", "cpu", "at"), 1),
    **{f"{name}_seconds": 1 for name in _TIMES},
    **dict.fromkeys(_TIMES, _BUCKETS + 1),
    "sizes": len(SIZES) + 1,
    "statuses": 500,
}
NOW = len(_GAUGES)
WIDTH = sum(_BLOCK.values())
AT = dict(zip(_BLOCK, accumulate(_BLOCK.values(), initial=0), strict=False))
"""Where each figure, or the first of many, stands in a block."""
BLOCKS = ("now", "lately", "before")
"""The blocks of a slot: what was counted now, of no version that answers; what in all until one and two moments ago."""
Outcome = Literal["equal", "different", "failing", "dropped"]
OUTCOMES = get_args(Outcome)
"""What became of a copy of a request that a shadow was asked: its answer is compared, or there is none."""
_ARM = {**dict.fromkeys(("table", "of", "failed", "times_seconds", *OUTCOMES), 1), "times": _BUCKETS + 1}
ARM = dict(zip(_ARM, accumulate(_ARM.values(), initial=0), strict=False))
ARM_WIDTH = sum(_ARM.values())
ARMS = 8
"""Then, of each version of the routing table: the table's number, the version, what failed, and times of answers."""
OF_VERSIONS = WIDTH * len(BLOCKS) + ARM_WIDTH * ARMS
"""Where the blocks of a slot begin in which each version that answers is counted by itself."""
SLOT = OF_VERSIONS + WIDTH * ARMS
NOT_ITS_FAULT = (429, 499)
"""Refusals that say nothing of a version: too many waited, or the client went away."""
_MOMENT = 30.0

_WAITING, _CALLING, _IN_FLIGHT, _VERSION, _LAST = range(NOW)
_ROWS, _CALLS, _CALLING_SECONDS, _CPU, _NOW = (AT[name] for name in ("rows", "calls", "calling_seconds", "cpu", "at"))
_STATUSES = AT["statuses"] - 100
_SIZES = AT["sizes"]
_SECONDS = AT["answered_seconds"]
_HISTOGRAMS = AT["answered"]
_LONG = _BUCKETS + 1


class Metrics:
    """The figures of one process: slot `slot` of `slots` in the file. Written without locks, by that process alone."""

    def __init__(self, path: Path, slot: int, slots: int) -> None:
        self.folder, size = path.parent, SLOT * 8 * slots
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # all workers of a deployment begin at once
            file.write(bytes(max(0, size - file.seek(0, 2))))  # a hole in it would be a SIGBUS when the disk is full
            file.flush()  # it is mapped as long as it is, not as it will be
            fcntl.flock(file, fcntl.LOCK_UN)  # the map keeps the file open
            self._map = mmap.mmap(file.fileno(), size)
        self.values = memoryview(self._map).cast("d")
        starts = (SLOT * slot + WIDTH * number for number in range(len(BLOCKS)))
        self._own, self._lately, self._before = (self.values[at : at + WIDTH] for at in starts)
        arms = (SLOT * slot + WIDTH * len(BLOCKS) + ARM_WIDTH * number for number in range(ARMS))
        self._arms = [self.values[at : at + ARM_WIDTH] for at in arms]
        self._arm: dict[int, memoryview[float]] = {}
        blocks = (SLOT * slot + OF_VERSIONS + WIDTH * number for number in range(ARMS))
        self._of_versions = [self.values[at : at + WIDTH] for at in blocks]
        self._of: dict[int, memoryview[float]] = {}
        self._live = self._own  # where is counted what no version is to blame for
        for gauge in (_WAITING, _CALLING, _IN_FLIGHT):  # whoever had the slot before may have died in a call
            self._own[gauge] = 0
        self._process_time = time.process_time()
        self._own[_NOW] = time.time()
        self._lately[:] = self._before[:] = self._all()

    def _all(self) -> memoryview[float]:
        """What was counted of all versions."""
        return memoryview(array("d", map(sum, zip(self._own, *self._of_versions, strict=True))))

    def route(self, number: int, versions: list[int]) -> None:
        """By the table of this number these versions answer from here on, the first of them where nothing else is said.
        What each has done since the table stands is counted too, unless the process before this one has begun that."""
        self._count_apart(versions)
        self._own[_VERSION] = versions[0]
        self._arm = dict(zip(versions, self._arms, strict=False)) if len(versions) > 1 else {}
        for version, arm in self._arm.items():
            if (arm[0], arm[1]) != (number, version):
                arm[0] = 0  # whoever reads meanwhile takes it for none
                arm[2:] = memoryview(bytes(8 * (ARM_WIDTH - 2))).cast("d")
                arm[1], arm[0] = version, number

    def _count_apart(self, versions: list[int]) -> None:
        """Each in a block of its own, as far as there are some; what others have counted remains in all."""
        for block in self._of_versions:
            if block[_VERSION] and block[_VERSION] not in versions:
                block[_VERSION] = 0
                self._own[NOW:] = memoryview(array("d", map(add, self._own[NOW:], block[NOW:])))
                block[:] = memoryview(bytes(8 * WIDTH)).cast("d")
        free = [block for block in self._of_versions if not block[_VERSION]]
        self._of = {int(block[_VERSION]): block for block in self._of_versions if block[_VERSION]}
        for version, block in zip((v for v in versions if v not in self._of), free, strict=False):
            block[_VERSION], self._of[version] = version, block
        self._live = self._of.get(versions[0], self._own)

    def failed(self, version: int, status: int) -> None:
        """A request for this version was refused or failed with this status."""
        if status not in NOT_ITS_FAULT and (arm := self._arm.get(version)):
            arm[ARM["failed"]] += 1

    def shadowed(self, version: int, outcome: Outcome) -> None:
        """This version was asked a copy of a request, as the shadow of another."""
        if arm := self._arm.get(version):
            arm[ARM[outcome]] += 1

    def answered_all(
        self, version: int, answered: int, failed: int, seconds: float, outcomes: tuple[int, ...] = ()
    ) -> None:
        """This version answered so many at once, in so many seconds, and failed at others; of a shadow, as often each
        of `OUTCOMES` came. Counted for its table alone."""
        if arm := self._arm.get(version):
            arm[ARM["failed"]] += failed
            arm[ARM["times_seconds"]] += seconds * answered
            arm[ARM["times"] + bisect_left(BOUNDS, seconds)] += answered
            for outcome, count in zip(OUTCOMES, outcomes, strict=False):
                arm[ARM[outcome]] += count

    def beat(self) -> None:
        """To be called about each second: how busy the process is, and what has been counted so far."""
        own, spent, now = self._own, time.process_time(), time.time()
        own[_CPU] += spent - self._process_time
        own[_NOW], self._process_time = now, spent
        if not 0 <= now - self._lately[_NOW] < _MOMENT:  # a clock may be put back
            self._before[:] = self._lately
            self._lately[:] = self._all()

    def waits(self, requests: int) -> None:
        """So many requests wait for the model now."""
        self._own[_WAITING] = requests

    def begun(self) -> None:
        """A request has come."""
        self._own[_IN_FLIGHT] += 1

    def ended(self) -> None:
        """It has its answer, or its client is gone."""
        self._own[_IN_FLIGHT] -= 1

    def answered(self, status: int, version: int = 0) -> None:
        """A request was answered with this status, from 100 to 599, by this version, if by one."""
        self._of.get(version, self._live)[_STATUSES + status] += 1

    def took(self, seconds: float, decode: float, model: float, encode: float, version: int = 0) -> None:
        """What this version of the model answered took so long in all, from when the whole request was there, and so
        long of it in each stage."""
        if arm := self._arm.get(version):
            arm[ARM["times_seconds"]] += seconds
            arm[ARM["times"] + bisect_left(BOUNDS, seconds)] += 1
        own = self._of.get(version, self._live)
        at, bucket = _SECONDS, _HISTOGRAMS
        for spent in (seconds, max(0.0, seconds - decode - model - encode), decode, model, encode):
            own[at] += spent
            own[bucket + bisect_left(BOUNDS, spent)] += 1
            at += 1
            bucket += _LONG

    def calls(self, version: int = 0) -> None:
        """The model begins with a batch."""
        self._own[_CALLING] = self._of.get(version, self._live)[_LAST] = time.time()

    def called(self, rows: int, version: int = 0) -> None:
        """One call of this version of the model answered so many rows."""
        own = self._of.get(version, self._live)
        own[_ROWS] += rows
        own[_CALLS] += 1
        own[_SIZES + min((rows - 1).bit_length(), len(SIZES))] += 1

    def rests(self, seconds: float) -> None:
        """The model has answered its batch, in so long."""
        own = self._own
        own[_CALLING_SECONDS] += seconds
        own[_CALLING] = 0
