"""source → micro-batch → predict → sink → commit, until it is told to stop; killed at any moment it loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ...brokers import again, opening
from ...brokers.protocol import of_lane
from ...errors import StorageError, WorkbenchError
from ..control import LOOK, Control
from .batches import Asking, Batch, Unfit
from .letters import Letters
from .seen import Seen
from .sinks import open_all

if TYPE_CHECKING:
    from ...brokers.protocol import Marks, Reader
    from ...data.log import Record
    from ...inference.predictor import Predictor
    from .batches import Dead
    from .sinks import Sink

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_UNTOLD = 3.0
_TURNS = "turns"
"""Under which it is kept how often the stream was told to read on from another place."""
Model = Callable[[], tuple[str, "Predictor"]]
Sought = Callable[[], tuple[str, Callable[[str], None]] | None]
"""The place that it is told to read on from, if it is, and what tells that it does: why not, or nothing."""
T = TypeVar("T")


def run(spec: dict[str, Any], model: Model, control: Control, sought: Sought = lambda: None) -> None:
    """Answer the records of `spec["input"]` for the group `spec["group"]` into `spec["output"]`.

    `model` gives the version at the start of each micro-batch of at most `spec["most"]` records. What the sink has is
    committed, and nothing else; a sink that is down makes it wait. Records that nothing can be answered to go to the
    queue `NAME.GROUP.dead` with the reason; those that the model failed at are asked about `spec["retries"]` times more
    before, each `spec["retry_delay"]` seconds later.
    """
    reader = again.WithAgain(opening.reader(spec["input"], spec["group"], spec["start"]), spec["group"])
    try:
        Loop(spec, reader, model, control, sought).run()
    finally:
        reader.close()


class Loop:
    """One reader of one group."""

    def __init__(self, spec: dict[str, Any], reader: Reader, model: Model, control: Control, sought: Sought) -> None:
        self.spec, self.reader, self.model, self.control, self.sought = spec, reader, model, control, sought
        self.sent: Marks = {}
        self.asking: Asking | None = None
        self.seen = Seen()
        self.dead: Letters | None = None
        self.later: Letters | None = None
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
        for letters in filter(None, (self.dead, self.later)):
            letters.close()
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
        self._seek()
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
        if self.dead is None:
            group = self.spec["group"]
            self.dead = Letters(f"queue:{self.reader.name}.{group}.dead", self.reader.source)
            self.later = Letters(again.place(self.reader.name, group), self.reader.source)
            self._tell_dead()
        sink = self._open_sink()
        has = {lane: sink.position(lane) for lane in self.reader.done}
        ahead = {lane: has for lane, has in has.items() if has is not None and has > self.reader.done[lane]}
        if self._commit(ahead) and ahead:
            self.reader.seek(ahead)
        return True

    def _open_sink(self) -> Sink:
        assert self.dead is not None
        _, predictor = self.model()
        turn = self.dead.log.position(_TURNS)
        closes = self.spec.get("part_rows"), self.spec.get("part_seconds")
        self.sink = open_all(self.spec["output"], self.reader.source, predictor.schema, turn, closes)
        return self.sink

    def _seek(self) -> None:
        """Read on from another place, where it is told so: what comes there is written again."""
        if (asked := self.sought()) is None:
            return
        place, answer = asked
        try:
            self._turn(self.reader.find(place))
        except WorkbenchError as error:
            answer(str(error))
        else:
            answer("")

    def _turn(self, marks: Marks) -> None:
        assert self.dead is not None
        assert self.sink is not None
        self._commit(self.sink.close())
        self.dead.log.append([], source=_TURNS, offset=self.dead.log.position(_TURNS) + 1)
        self._open_sink().rewind(marks)
        self.sent.clear()
        self.reader.rewind(marks)

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
            self.sent[lane] = self.dead.log.position(self._attempts(lane))
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
        assert self.dead is not None
        turn = self.dead.log.position(_TURNS)
        return f"{of_lane(self.reader.source, lane)} attempt{f' {turn}' if turn else ''}"

    def _asked(self, records: list[Record]) -> Batch:
        _, predictor = self.model()
        if self.asking is None or self.asking.predictor is not predictor:
            self.asking = Asking(predictor, self.spec.get("form", "json"))
        return self.asking(records)

    def _written(self, batch: Batch) -> bool:
        """Each step alone is done until it succeeds: what the sink took is not written again for a commit that fails.
        False where it was told to stop before the end."""
        if batch.dead and not self._patiently(lambda: self._bury(batch.dead, batch)):
            return False
        taken = self._patiently(lambda: [self._write(batch)])
        if taken is None or not self._patiently(lambda: self._commit(taken[0])):
            return False
        self.seen.took(batch, taken[0])
        return True

    def _bury(self, dead: list[Dead], batch: Batch) -> bool:
        """To the dead letters; those that the model may answer another time are asked about again, later."""
        assert self.dead is not None
        assert self.later is not None
        done, tries = self.reader.done.get(batch.lane, 0), self.spec.get("retries", 0)
        again = [one for one in dead if one.again and _tries(one.record) < tries]
        for number in sorted({_tries(one.record) for one in again}):
            some = [one for one in again if _tries(one.record) == number]
            self.later.add(some, batch, done, tries=number + 1, due=time.time() + self.spec["retry_delay"])
        if rest := [one for one in dead if one not in again]:
            self.dead.add(rest, batch, done)
        self._tell_dead()
        return True

    def _tell_dead(self) -> None:
        """How many dead letters there ever were, where they lie, and what the newest died of; how often again."""
        assert self.dead is not None
        assert self.later is not None
        self.seen.dead, self.seen.again = self.dead.count, self.later.count
        if self.seen.dead:
            self.control.facts(dead_letters=self.dead.place, died_of=self.dead.newest())

    def _write(self, batch: Batch) -> Marks:
        assert self.sink is not None
        if self.sink.repeats:  # written down before, so that it is sent again as the same batch
            assert self.dead is not None
            self.dead.log.append([], source=self._attempts(batch.lane), offset=batch.last)
        try:
            return self.sink.write(batch)
        except Unfit as error:
            self._bury(error.dead, batch)
            return error.took or self.sink.write(batch.without(error.dead))

    def _settle(self) -> bool:
        """Nothing came for a while: what the sink holds back may be due."""
        assert self.sink is not None
        return self._commit(self.sink.flush())

    def _commit(self, marks: Marks) -> bool:
        done = self.reader.done
        if new := {lane: offset for lane, offset in marks.items() if offset > done.get(lane, -1)}:
            self.reader.commit(new)
            self.seen.kept(new)
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
                self.seen.tries += 1
                self._blocked(error, delay)
                if not self._waited(delay):
                    return None
            else:
                if delay:
                    self.control.state("ready")
                return found

    def _blocked(self, error: StorageError, delay: float) -> None:
        with suppress(StorageError):  # it may be the broker itself that cannot be asked
            self.control.facts(lag=self._lag())
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
        self.seen.tick(records)
        with suppress(StorageError):
            self.control.facts(**self.seen.facts(), lag=self._lag(), offset=self._offset())

    def _lag(self) -> int:
        """How many records were not answered; what the sink holds back is."""
        return max(0, self.reader.lag() - self.seen.held)

    def _offset(self) -> int | str:
        """Up to where all is done in the source; of several lanes, for each."""
        done = {lane: offset for lane, offset in self.reader.done.items() if lane != again.LANE}
        return done.get("", 0) if set(done) <= {""} else " ".join(f"{lane}:{done[lane]}" for lane in sorted(done))


def _tries(record: Record) -> int:
    """How often it was asked about before."""
    return int((record.headers or {}).get("tries", 0)) if record.lane == again.LANE else 0
