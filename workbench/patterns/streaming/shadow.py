"""What the live version has answered -> a process beside the stream that asks a shadow about the same records and
compares. The stream never waits for it: what there is no room for is dropped, and counted."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import orjson

from ... import journal
from ...spawn.branch import branch
from ...spawn.child import end_with_owner
from .batches import Share
from .crew import routed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...data.log import Record
    from .batches import Batch
    from .crew import Bundle
    from .routed import Routed

MOST = 8
"""Micro-batches that wait for it at most."""
_CLOSE = 1e-9
_NICE = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_LOOK = 0.1
Outcomes = tuple[int, int, int, int]
"""To how many records its answer was equal, was different, or failed; how many it was not asked about."""


class Shadow:
    """Asks the version of a bundle. A process that ended has failed at what it was asked about, and is followed by
    another after a pause, which grows."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._waiting: Queue[Batch] = Queue(MOST)
        self._shares: deque[Share] = deque()
        self._closed = Event()
        self._pipe: Any = None
        self._pid, self._pause, self._rests_until = 0, 0.0, 0.0
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def offer(self, batch: Batch) -> None:
        """Let it be asked about what was answered just now, some time."""
        try:
            self._waiting.put_nowait(batch)
        except Full:
            self._count(0, 0.0, (0, 0, 0, len(batch.lines)))

    def said(self) -> Iterator[Share]:
        """What became of what it was offered, since this was asked last."""
        while self._shares:
            yield self._shares.popleft()

    def close(self) -> None:
        """What waits is let go. Nobody waits for it to end."""
        self._closed.set()

    def _work(self) -> None:
        while not self._closed.is_set():
            with suppress(Empty):
                self._ask(self._waiting.get(timeout=_LOOK))
        self._end()

    def _ask(self, batch: Batch) -> None:
        count = len(batch.lines)
        if time.monotonic() < self._rests_until:
            self._count(0, 0.0, (0, 0, 0, count))
            return
        try:
            if not self._pid:
                self._begin()
            self._pipe.send((batch.records, batch.lines))
            seconds, outcomes = self._heard()
        except (EOFError, OSError):
            self._rest()
            self._count(count, 0.0, (0, 0, count, 0))
        else:
            self._pause = 0.0
            self._count(count, seconds, outcomes)

    def _count(self, asked: int, seconds: float, outcomes: Outcomes) -> None:
        failed = outcomes[2]
        self._shares.append(Share(self.bundle.table, asked - failed, failed, seconds, outcomes))

    def _begin(self) -> None:
        self._pipe, theirs = Pipe()
        with theirs:
            args = {**self.bundle.to_json(), "apart": False, "pipe": theirs.fileno(), "owner": os.getpid()}
            self._pid = branch(f"{__name__}:work", args, fds=[theirs.fileno()], fresh=True)
        self._heard()

    def _heard(self) -> Any:
        """What the process says, however long that takes it. EOFError where it has ended, or nobody is to wait."""
        while not self._pipe.poll(_LOOK):
            if self._closed.is_set():
                raise EOFError
        return self._pipe.recv()

    def _rest(self) -> None:
        self._end()
        if self._closed.is_set():
            return
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause or _FIRST_PAUSE)
        self._rests_until = time.monotonic() + self._pause
        journal.note(f"the process of the shadow {self.bundle.table} ended; another follows it in {self._pause:g} s")

    def _end(self) -> None:
        pid, self._pid = self._pid, 0
        if pid:
            self._pipe.close()
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
            os.waitpid(pid, 0)


def work(args: dict[str, Any]) -> None:
    """The life of the process; the live version goes first where there are too few processors for both."""
    end_with_owner(args["owner"])
    os.nice(_NICE)
    asking, pipe = routed(args), Connection(args["pipe"])
    with suppress(EOFError, BrokenPipeError):
        pipe.send(None)
        while True:
            pipe.send(_compared(asking, *pipe.recv()))


def _compared(asking: Routed, records: list[Record], lines: list[bytes]) -> tuple[float, Outcomes]:
    """In how many seconds it answered, and how its answers are beside those that were given."""
    began = time.perf_counter()
    batch = asking(records)
    seconds = time.perf_counter() - began
    said = {record.offset: line for record, line in zip(batch.records, batch.lines, strict=True)}
    pairs = [(line, said.get(record.offset)) for record, line in zip(records, lines, strict=True)]
    equal = sum(their is not None and _alike(line, their) for line, their in pairs)
    failing = sum(their is None for _, their in pairs)
    return seconds, (equal, len(pairs) - equal - failing, failing, 0)


def _alike(a: bytes, b: bytes) -> bool:
    """Whether two answers are the same, numbers within rounding."""
    if a == b:
        return True
    first, second = orjson.loads(a), orjson.loads(b)
    return list(first) == list(second) and all(map(_same, first.values(), second.values()))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=_CLOSE)
    return bool(a == b)
