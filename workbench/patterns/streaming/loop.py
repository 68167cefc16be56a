"""source → micro-batch → predict → sink → commit, until it is told to stop; killed at any moment it loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...data import places
from ...data.log_groups import Group
from ...errors import StorageError
from ..control import LOOK, Control
from .batches import Asking, Batch
from .sinks import open_sink

if TYPE_CHECKING:
    from ...data.log import Log
    from ...inference.predictor import Predictor
    from .sinks import Sink

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_TRIM_EVERY = 60.0
_SMOOTH = 0.3
Model = Callable[[], tuple[str, "Predictor"]]


def run(spec: dict[str, Any], model: Model, control: Control) -> None:
    """Answer the records of `spec["input"]` for the group `spec["group"]` into `spec["output"]`.

    `model` gives the version at the start of each micro-batch of at most `spec["most"]` records. What the sink has is
    committed, and nothing else; a sink that is down makes it wait. Records that nothing can be answered to go to the
    queue `NAME.GROUP.dead` with the reason.
    """
    log = places.log(spec["input"])
    group = Group(log, spec["group"], start=spec["start"])
    if not group.acquire(control.stopping):
        return
    try:
        Loop(spec, log, group, model, control).run()
    finally:
        group.release()
        log.close()


class Loop:
    """One reader of one group, from the moment that it is the only one."""

    def __init__(self, spec: dict[str, Any], log: Log, group: Group, model: Model, control: Control) -> None:
        self.spec, self.log, self.group, self.model, self.control = spec, log, group, model, control
        self.source = f"{log.name}.{group.name}"
        self.dead = places.log(f"queue:{self.source}.dead")
        self.done = group.position
        self.asking: Asking | None = None
        self.seen = {"records": 0, "dead": 0}
        self.rate, self.since = 0.0, time.monotonic()
        self.trimmed = time.monotonic()
        self.sink: Sink | None = None

    def run(self) -> None:
        """Until it is told to stop; what the sink holds back is written then."""
        self._patiently(self._open)
        self._tell(0)
        self.control.state("ready")
        while not self.control.stopping():
            if self.control.paused():
                time.sleep(LOOK)
                continue
            records = self.group.poll(self.spec["most"], LOOK)
            self.model()  # orders are seen to, though nothing comes
            if records:
                batch = self._asked(records)
                self._patiently(lambda batch=batch: self._write(batch))  # type: ignore[misc]
            elif self.sink is not None:
                self._patiently(self._settle)
            self._tell(len(records))
            self._trim()
        if self.sink is not None:
            with suppress(StorageError):  # what it does not take now is read again
                self._commit(self.sink.close())

    def _asked(self, records: list[Any]) -> Batch:
        _, predictor = self.model()
        if self.asking is None or self.asking.predictor is not predictor:
            self.asking = Asking(predictor)
        return self.asking(records)

    def _open(self) -> None:
        """The sink knows best what it has: read on after that."""
        _, predictor = self.model()
        self.sink = open_sink(self.spec["output"], self.source, predictor.schema)
        had = self.sink.position()
        if had is not None and had > self.done:
            self._commit(had)
        self.group.seek(self.done)

    def _write(self, batch: Batch) -> None:
        assert self.sink is not None
        if batch.dead:
            self._bury(batch)
        self._commit(self.sink.write(batch))
        self.seen["records"] += len(batch.records)

    def _bury(self, batch: Batch) -> None:
        values = [dead.record.value for dead in batch.dead]
        keys = [dead.record.key for dead in batch.dead]
        why = [{"error": dead.reason, "offset": dead.record.offset, "at": dead.record.at} for dead in batch.dead]
        before = self.dead.position(self.source)
        self.dead.append(values, keys, why, source=self.source, offset=batch.last)
        self.seen["dead"] += len(values) if batch.last > before else 0

    def _settle(self) -> None:
        """Nothing came for a while: what the sink holds back may be due."""
        assert self.sink is not None
        self._commit(self.sink.flush())

    def _commit(self, offset: int | None) -> None:
        if offset is not None and offset > self.done:
            self.group.commit(offset)
            self.done = offset

    def _patiently(self, what: Callable[[], None]) -> None:
        """Do it, again and again while the sink or the disk refuses, or until it is told to stop: nothing is committed
        meanwhile."""
        delay = 0.0
        while True:
            try:
                what()
            except StorageError as error:
                delay = min(_LONGEST_DELAY, delay * 2 or _FIRST_DELAY)
                lag = self.group.lag(self.done)
                self.control.facts(lag=lag)
                self.control.state("blocked", f"{error.what} · lag {lag}, nothing lost · next try in {delay:g} s")
                if not self._waited(delay):
                    return
            else:
                if delay:
                    self.control.state("ready")
                return

    def _waited(self, seconds: float) -> bool:
        """False where it was told to stop meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.control.stopping():
                return False
            time.sleep(min(LOOK, max(0.0, end - time.monotonic())))
        return True

    def _tell(self, records: int) -> None:
        now = time.monotonic()
        if now > self.since:
            self.rate += _SMOOTH * (records / (now - self.since) - self.rate)
        self.since = now
        rate = self.rate if self.rate >= 1 else 0.0
        self.control.facts(**self.seen, rate=rate, lag=self.group.lag(self.done), offset=self.done)

    def _trim(self) -> None:
        if time.monotonic() - self.trimmed > _TRIM_EVERY:
            self.trimmed = time.monotonic()
            self.log.trim()
