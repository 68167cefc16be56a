"""NATS JetStream: `nats://HOST:PORT/SUBJECT?group=G`, read by a group. What is put there: `nats_topic`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nats.js import errors as refusals

from ..data.broker_places import name_of
from ..errors import StorageError, WorkbenchError
from ..moments import moment
from .nats_hold import Hold
from .nats_pull import Pull
from .nats_words import Line, plain, record
from .protocol import Marks

if TYPE_CHECKING:
    from ..data.grammar import Place
    from ..data.log import Record

_LOOK = 0.05


@dataclass(frozen=True)
class Stream:
    """The stream that keeps a subject; `made` tells it from one before it, `last` is its newest message."""

    name: str
    made: str
    first: int
    last: int


async def stream_of(line: Line, subject: str, *, make: bool = True) -> Stream | None:
    """The stream that keeps a subject, made if there is none."""
    jetstream = await line.jetstream()
    try:
        name = await jetstream.find_stream_name_by_subject(subject)
    except refusals.NotFoundError:
        if not make:
            return None
        name = plain(subject).strip("-") or "workbench"
        await jetstream.add_stream(name=name, subjects=[subject])
    info = await jetstream.stream_info(name)
    return Stream(name, str(info.created), info.state.first_seq, info.state.last_seq)


class NatsReader:
    """The only reader of a group, in the order of the stream. How far it came is kept in the bucket `workbench`, with
    who reads: a consumer of NATS gives again what was not done only later, after what is new."""

    changes = 0

    def __init__(self, at: Place, group: str, start: str) -> None:
        self.subject, self.group, self.start = at.options["subject"], group, start
        self.name, self.label = name_of(at.kind, self.subject), at.label
        self.line = Line(at)
        self.hold = Hold(self.line, f"{plain(self.subject)}.{plain(group)}")
        self.source = ""
        self.done: Marks = {}
        self._stream = ""
        self._read, self._made = 0, 0
        self._taken: deque[int] = deque()
        self._pull: Pull | None = None

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Wait until no other process reads for this group; False where it was told to stop meanwhile."""
        while not self.line.ask(self._begin()):
            if stopping():
                return False
            time.sleep(_LOOK)
        self._read = self.hold.done
        self.done = {"": self._read}
        return True

    async def _begin(self) -> bool:
        stream = await stream_of(self.line, self.subject)
        assert stream
        self._stream, self._made = stream.name, self.line.made
        self.source = f"{self.label}/{self.group}/{stream.made}"
        return await self.hold.take(stream.last if self.start == "end" else max(0, stream.first - 1), stream.made)

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records, as soon as there are any."""
        found = [record(message) for message in self._pulled().take(most, timeout)]
        if found:
            self._read = found[-1].offset
            self._taken.extend(one.offset for one in found)
        return found

    def _pulled(self) -> Pull:
        """What comes; over a new connection it is asked for again."""
        if self.line.broken or self._made != self.line.made:
            self._pull = None
            if not self.line.ask(self._begin()):
                what = f"another process reads {self.label} for the group {self.group}"
                raise StorageError(what, fix="end one of the two, or give one a group of its own")
        if self._pull is None or self._pull.gone:
            self._pull = self.line.ask(Pull.begin(self.line, self._stream, self.subject, self._read))
        return self._pull

    def commit(self, marks: Marks) -> None:
        """All up to there is done."""
        self.line.ask(self.hold.commit(marks[""]))
        self.done[""] = marks[""]
        while self._taken and self._taken[0] <= marks[""]:
            self._taken.popleft()

    def seek(self, marks: Marks) -> None:
        """Read on after this offset."""
        self._read = marks[""]
        self._taken = deque(one for one in self._taken if one <= self._read)
        if (pull := self._pull) is not None:
            self._pull = None
            with suppress(WorkbenchError):  # the server forgets it by itself
                self.line.ask(pull.end())

    def find(self, place: str) -> Marks:
        """After which message a place is. UsageError."""
        return {"": self.line.ask(self._found(place))}

    async def _found(self, place: str) -> int:
        stream = await stream_of(self.line, self.subject)
        assert stream
        if place.isascii() and place.isdigit():
            return min(int(place), stream.last)
        if place in ("start", "end"):
            return stream.last if place == "end" else max(0, stream.first - 1)
        return await Pull.before(self.line, stream.name, self.subject, moment(place, "place in a stream"), stream.last)

    def rewind(self, marks: Marks) -> None:
        """Read on after this, and count what is up to there as done."""
        self.commit(marks)
        self._taken.clear()
        self.seek(marks)

    def lag(self) -> int:
        """How many records are not done."""
        return self.line.ask(self._pulled().left()) + len(self._taken)

    def close(self) -> None:
        """Let another process read for the group."""
        with suppress(WorkbenchError):  # who is gone is followed
            if self._pull is not None:
                self.line.ask(self._pull.end())
            self.line.ask(self.hold.release())
        self.line.close()
