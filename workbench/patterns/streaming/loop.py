"""source → micro-batch → predict → sink → commit, until it is told to stop; killed at any moment it loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...brokers import again, opening
from ...brokers.protocol import of_lane
from ...errors import StorageError, WorkbenchError
from ..control import LOOK, Control
from .batches import Batch, Unfit
from .columns import Columns
from .here import Here
from .letters import Letters
from .overdue import Overdue
from .patience import Patience
from .sinks import open_all

if TYPE_CHECKING:
    from ...brokers.protocol import Marks, Reader
    from ...data.log import Record
    from .batches import Dead
    from .here import Asker
    from .house import House
    from .routed import Route
    from .sinks import Sink

_SOON = 0.01
_UNTOLD = 3.0
_TURNS = "turns"
"""Under which it is kept how often the stream was told to read on from another place."""


def run(spec: dict[str, Any], house: House, control: Control) -> None:
    """Answer the records of `spec["input"]` for the group `spec["group"]` into `spec["output"]`.

    `house` gives the versions at the start of each micro-batch of at most `spec["most"]` records. What the sink has is
    committed, and nothing else; a sink that is down makes it wait. Records that nothing can be answered to go to the
    queue `NAME.GROUP.dead` with the reason; those that the model failed at are asked about `spec["retries"]` times more
    before, each `spec["retry_delay"]` seconds later.
    """
    reader = again.WithAgain(opening.reader(spec["input"], spec["group"], spec["start"]), spec["group"])
    try:
        Loop(spec, reader, house, control).run()
    finally:
        reader.close()


class Loop:
    """One reader of one group."""

    def __init__(self, spec: dict[str, Any], reader: Reader, house: House, control: Control) -> None:
        self.spec, self.reader, self.house, self.control = spec, reader, house, control
        self.columns = Columns(spec.get("key_as"), spec.get("time_as"))
        self.sent: Marks = {}
        self.asker: Asker | None = None
        self.changes = reader.changes
        self.patience = Patience(reader, house, control)
        self.seen = self.patience.seen
        self.overdue = Overdue(self.patience)
        self.dead: Letters | None = None
        self.later: Letters | None = None
        self.sink: Sink | None = None

    def run(self) -> None:
        """Until it is told to stop; what the sink holds back is written then."""
        if self.patience.until(lambda: [self.reader.acquire(self._waiting())]) != [True]:
            return
        if self.patience.until(self._open):
            self.patience.tell(0)
            self.control.state("ready")
            while self.patience.waited(0.0) and self._step():
                pass
        if self.sink is not None:
            with suppress(StorageError):  # what it does not take now is read again
                self._commit(self.sink.close())
        self.overdue.end()
        if self.asker is not None:
            self.asker.close()
        for letters in filter(None, (self.dead, self.later)):
            letters.close()
        self.patience.tell(0)

    def _waiting(self) -> Callable[[], bool]:
        """What is done while another process reads for the group: said, if it goes on."""
        untold = [time.monotonic() + _UNTOLD]

        def look() -> bool:
            if untold and time.monotonic() > untold[0]:
                untold.clear()
                what = f"another process reads {self.reader.label} for the group {self.spec['group']}"
                self.control.state("blocked", f"{what}: this one follows it\n→ or give it another: --group NAME")
            self.house.route()
            return self.control.stopping()

        return look

    def _step(self) -> bool:
        """Ask about what there is, and write what was answered; a short wait for either. False where it was told to
        stop."""
        self._seek()
        asker, room = self._asked()
        records = self.patience.until(lambda: self._next(0.0 if asker.busy else LOOK)) if room else []
        if records is None:
            return False
        for some in self._shared(records, min(room, asker.idle)):
            asker.give(some)
        if records:
            self._works(True)
        taken = self.patience.until(lambda: self._taken(asker))
        if taken is None:
            return False
        (batch,) = taken
        if batch is None and asker.busy:
            return True
        if not (self._written(batch) if batch else self.patience.until(self._settle)):
            return False
        if batch:
            self._works(asker.busy)
        self.patience.tell(batch.size if batch else 0)
        return True

    def _works(self, busy: bool) -> None:
        self.house.works(busy)
        self.overdue.busy(busy)

    def _taken(self, asker: Asker) -> list[Batch | None]:
        with self.overdue.asked(asker):
            return [asker.take(_SOON)]

    def _asked(self) -> tuple[Asker, int]:
        """Who is asked, and about how many micro-batches more: another one is only once the one before has given all
        its answers."""
        route = self.house.route()
        wanted = self.house.several() or self._here(route)
        if wanted is not self.asker and not (self.asker and self.asker.busy):
            if self.asker:
                self.asker.close()
            self.asker = wanted
        assert self.asker
        return self.asker, self.asker.room if wanted is self.asker else 0

    def _here(self, route: Route) -> Asker:
        if isinstance(self.asker, Here) and self.asker.route is route:
            return self.asker
        return Here(route, self.spec.get("form", "json"))

    def _shared(self, records: list[Record], idle: int) -> list[list[Record]]:
        """Something for each that has nothing to do; what was sent as one batch before stays one."""
        if not records or idle < 2 or records[0].offset <= self.sent.get(records[0].lane, -1):  # noqa: PLR2004
            return [records] * bool(records)
        size = -(-len(records) // idle)
        return [records[at : at + size] for at in range(0, len(records), size)]

    def _forget(self) -> None:
        """What was asked about and not written is read again."""
        if self.asker:
            self.asker.forget()
        self.reader.seek(self.reader.done)

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
        turn = self.dead.log.position(_TURNS)
        closes = self.spec.get("part_rows"), self.spec.get("part_seconds")
        self.sink = open_all(self.spec["output"], self.reader.source, self.house.route().live.schema, turn, closes)
        return self.sink

    def _seek(self) -> None:
        """Read on from another place, where it is told so: what comes there is written again."""
        if (asked := self.house.sought()) is None:
            return
        place, answer = asked
        try:
            marks = self.reader.find(place)
            self._forget()
            self._turn(marks)
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

    def _next(self, timeout: float) -> list[Record]:
        """The next records; those that were sent already to a sink that cannot tell, as the same batch."""
        assert self.sink is not None
        records = self.reader.poll(self.spec["most"], timeout)
        if (changes := self.reader.changes) != self.changes:  # what was read before others may have read by now
            self._forget()
            self.changes = changes
            return []
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

    def _written(self, batch: Batch) -> bool:
        """Each step alone is done until it succeeds: what the sink took is not written again for a commit that fails.
        False where it was told to stop before the end."""
        done = self.reader.done.get(batch.lane, -1)
        if batch.last <= done:
            return True  # of what was read twice the first is written
        answered = batch.after(done)
        batch = self.columns(answered)
        if batch.dead and not self.patience.until(lambda: self._bury(batch.dead, batch)):
            return False
        taken = self.patience.until(lambda: [self._write(batch)])
        if taken is None or not self.patience.until(lambda: self._commit(taken[0])):
            return False
        self.seen.took(batch, taken[0])
        self.house.wrote(answered)
        return True

    def _bury(self, dead: list[Dead], batch: Batch) -> bool:
        """To the dead letters; those that the model may answer another time are asked about again, later."""
        assert self.dead is not None
        assert self.later is not None
        done, delay = self.reader.done.get(batch.lane, 0), self.spec.get("retry_delay", 0.0)
        again = [one for one in dead if one.again and _tries(one.record) < self.spec.get("retries", 0)]
        for number in sorted({_tries(one.record) for one in again}):
            some = [one for one in again if _tries(one.record) == number]
            self.later.add(some, batch, done, tries=number + 1, due=(time.time() + delay, delay))
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


def _tries(record: Record) -> int:
    """How often it was asked about before."""
    return int((record.headers or {}).get("tries", 0)) if record.lane == again.LANE else 0
