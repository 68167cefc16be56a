"""source → micro-batch → predict → sink → commit, until it is told to stop; killed at any moment it loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ...brokers import opening
from ...brokers.protocol import of_lane
from ...data import places
from ...errors import StorageError
from ..control import LOOK, Control
from .batches import Asking, Batch, Unfit
from .sinks import open_sink

if TYPE_CHECKING:
    from ...brokers.protocol import Marks, Reader
    from ...data.log import Log, Record
    from ...inference.predictor import Predictor
    from .batches import Dead
    from .sinks import Sink

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_LETTERS = 100_000
_SMOOTH = 0.3
_UNTOLD = 3.0
Model = Callable[[], tuple[str, "Predictor"]]
T = TypeVar("T")


def run(spec: dict[str, Any], model: Model, control: Control) -> None:
    """Answer the records of `spec["input"]` for the group `spec["group"]` into `spec["output"]`.

    `model` gives the version at the start of each micro-batch of at most `spec["most"]` records. What the sink has is
    committed, and nothing else; a sink that is down makes it wait. Records that nothing can be answered to go to the
    queue `NAME.GROUP.dead` with the reason.
    """
    reader = opening.reader(spec["input"], spec["group"], spec["start"])
    try:
        Loop(spec, reader, model, control).run()
    finally:
        reader.close()


class Loop:
    """One reader of one group."""

    def __init__(self, spec: dict[str, Any], reader: Reader, model: Model, control: Control) -> None:
        self.spec, self.reader, self.model, self.control = spec, reader, model, control
        self.sent: Marks = {}
        self.asking: Asking | None = None
        self.seen = {"records": 0, "dead": 0}
        self.rate, self.since = 0.0, time.monotonic()
        self.dead: Log | None = None
        self.sink: Sink | None = None

    def run(self) -> None:
        """Until it is told to stop; what the sink holds back is written then."""
        if self._patiently(lambda: [self.reader.acquire(self._waiting())]) != [True]:
            return
        if self._patiently(self._open):
            self._tell(0)
            self.control.state("ready")
            while self._waited(0.0) and self._step():
                pass
        if self.sink is not None:
            with suppress(StorageError):  # what it does not take now is read again
                self._commit(self.sink.close())
        if self.dead is not None:
            self.dead.close()
        self._tell(0)

    def _waiting(self) -> Callable[[], bool]:
        """What is done while another process reads for the group: said, if it goes on."""
        untold = [time.monotonic() + _UNTOLD]

        def look() -> bool:
            if untold and time.monotonic() > untold[0]:
                untold.clear()
                what = f"another process reads {self.reader.label} for the group {self.spec['group']}"
                self.control.state("blocked", what)
            self.model()
            return self.control.stopping()

        return look

    def _step(self) -> bool:
        """One micro-batch, or a short wait for one; False where it was told to stop."""
        records = self._patiently(self._next)
        self.model()  # orders are seen to, though nothing comes
        if records:
            batch = self._patiently(lambda: self._asked(records))
            if batch is None or not self._written(batch):
                return False
        elif records is None or not self._patiently(self._settle):
            return False
        self._tell(len(records))
        return True

    def _open(self) -> bool:
        """The sink knows best what it has: read on after that."""
        _, predictor = self.model()
        if self.dead is None:
            self.dead = places.log(f"queue:{self.reader.name}.{self.spec['group']}.dead")
            self._tell_dead()
        self.sink = open_sink(self.spec["output"], self.reader.source, predictor.schema)
        has = {lane: self.sink.position(lane) for lane in self.reader.done}
        ahead = {lane: has for lane, has in has.items() if has is not None and has > self.reader.done[lane]}
        if self._commit(ahead) and ahead:
            self.reader.seek(ahead)
        return True

    def _next(self) -> list[Record]:
        """The next records; those that were sent already to a sink that cannot tell, as the same batch."""
        assert self.sink is not None
        records = self.reader.poll(self.spec["most"], LOOK)
        return self._as_sent(records) if records and self.sink.repeats else records

    def _as_sent(self, records: list[Record]) -> list[Record]:
        """These, no more and no less than were sent at once where they were sent before."""
        assert self.dead is not None
        lane = records[0].lane
        if lane not in self.sent:
            self.sent[lane] = self.dead.position(self._attempts(lane))
        sent = self.sent[lane]
        if records[0].offset > sent:
            return records
        while records[-1].offset < sent and (more := self.reader.poll(self.spec["most"], LOOK)):
            if more[0].lane != lane:
                self.reader.seek({more[0].lane: more[0].offset - 1})
                break
            records = records + more
        if records[-1].offset > sent:
            self.reader.seek({lane: sent})
        return [record for record in records if record.offset <= sent]

    def _attempts(self, lane: str) -> str:
        return f"{of_lane(self.reader.source, lane)} attempt"

    def _asked(self, records: list[Record]) -> Batch:
        _, predictor = self.model()
        if self.asking is None or self.asking.predictor is not predictor:
            self.asking = Asking(predictor)
        return self.asking(records)

    def _written(self, batch: Batch) -> bool:
        """Each step alone is done until it succeeds: what the sink took is not written again for a commit that fails.
        False where it was told to stop before the end."""
        if batch.dead and not self._patiently(lambda: self._bury(batch.dead, batch)):
            return False
        taken = self._patiently(lambda: [self._write(batch)])
        if taken is None or not self._patiently(lambda: self._commit(taken[0])):
            return False
        self.seen["records"] += len(batch.records)
        return True

    def _bury(self, dead: list[Dead], batch: Batch) -> bool:
        """To the dead letters, but for those that are there: a batch may be asked again."""
        assert self.dead is not None
        source = of_lane(self.reader.source, batch.lane)
        before = self.dead.position(source)
        there = self._buried(batch.lane, before) if dead[0].record.offset <= before else set()
        new = [one for one in dead if (one.record.offset, one.record.at) not in there]
        lane = {"lane": batch.lane} if batch.lane else {}
        values = [dead.record.value for dead in new]
        keys = [dead.record.key for dead in new]
        why = [{"error": dead.reason, "offset": dead.record.offset, "at": dead.record.at} | lane for dead in new]
        covered = {"source": source, "offset": batch.last} if batch.last > before else {}
        self.dead.append(values, keys, why, **covered)  # type: ignore[arg-type]
        self._tell_dead()
        return True

    def _buried(self, lane: str, last: int) -> set[tuple[int, float]]:
        """The newest dead letters of a lane, by offset and time: all that lie between what is done and `last`."""
        assert self.dead is not None
        most = min(_LETTERS, 2 * (last - self.reader.done.get(lane, 0)))
        letters = self.dead.read(max(0, self.dead.last - most), most)
        heads = (letter.headers for letter in letters if letter.headers)
        return {(head["offset"], head["at"]) for head in heads if head.get("lane", "") == lane}

    def _tell_dead(self) -> None:
        """How many dead letters there ever were, where they lie, and what the newest died of."""
        assert self.dead is not None
        self.seen["dead"] = last = self.dead.last
        if newest := self.dead.read(last - 1, 1):
            why = (newest[0].headers or {}).get("error", "")
            self.control.facts(dead_letters=f"queue:{self.dead.name}", died_of=why)

    def _write(self, batch: Batch) -> Marks:
        assert self.sink is not None
        if self.sink.repeats:  # written down before, so that it is sent again as the same batch
            assert self.dead is not None
            self.dead.append([], source=self._attempts(batch.lane), offset=batch.last)
        try:
            return self.sink.write(batch)
        except Unfit as error:
            self._bury(error.dead, batch)
            return self.sink.write(batch.without(error.dead))

    def _settle(self) -> bool:
        """Nothing came for a while: what the sink holds back may be due."""
        assert self.sink is not None
        return self._commit(self.sink.flush())

    def _commit(self, marks: Marks) -> bool:
        done = self.reader.done
        if new := {lane: offset for lane, offset in marks.items() if offset > done.get(lane, -1)}:
            self.reader.commit(new)
        return True

    def _patiently(self, what: Callable[[], T]) -> T | None:
        """Do it, again and again while the sink or the disk refuses: nothing is committed meanwhile. None where it was
        told to stop before that."""
        delay = 0.0
        while True:
            try:
                found = what()
            except StorageError as error:
                delay = min(_LONGEST_DELAY, delay * 2 or _FIRST_DELAY)
                self._blocked(error, delay)
                if not self._waited(delay):
                    return None
            else:
                if delay:
                    self.control.state("ready")
                return found

    def _blocked(self, error: StorageError, delay: float) -> None:
        with suppress(StorageError):  # it may be the broker itself that cannot be asked
            self.control.facts(lag=self.reader.lag())
        with suppress(StorageError):  # the disk that is full may be that of what it tells
            self.control.facts(next_try=time.time() + delay)
            fix = f"\n→ {error.fix}" if error.fix else ""
            self.control.state("blocked", f"{error.what} · nothing lost{fix}")

    def _waited(self, seconds: float) -> bool:
        """Wait so long, and while it is paused; False where it was told to stop."""
        end = time.monotonic() + seconds
        while not self.control.stopping():
            paused = self.control.paused()
            if not paused and time.monotonic() >= end:
                return True
            self.model()  # orders do not wait
            self._tell(0)
            time.sleep(LOOK if paused else min(LOOK, max(0.0, end - time.monotonic())))
        return False

    def _tell(self, records: int) -> None:
        now = time.monotonic()
        if now > self.since:
            self.rate += _SMOOTH * (records / (now - self.since) - self.rate)
        self.since = now
        rate = self.rate if self.rate >= 1 else 0.0
        with suppress(StorageError):
            self.control.facts(**self.seen, rate=rate, lag=self.reader.lag(), offset=self._offset())

    def _offset(self) -> int | str:
        """Up to where all is done; of several lanes, for each."""
        done = self.reader.done
        return done.get("", 0) if set(done) <= {""} else " ".join(f"{lane}:{done[lane]}" for lane in sorted(done))
