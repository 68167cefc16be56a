"""RabbitMQ: `amqp://HOST/VHOST?queue=NAME`, read and acknowledged. What is put there: `rabbitmq_topic`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Any

from aiormq.exceptions import ChannelAccessRefused

from .. import paths
from ..data.broker_places import name_of
from ..data.log import Log
from ..data.log_groups import Group
from ..errors import StorageError, UsageError, WorkbenchError
from .protocol import Marks
from .rabbitmq_words import Line, record

if TYPE_CHECKING:
    from ..data.grammar import Place
    from ..data.log import Record

_AHEAD = 2000
_LOOK = 0.05
_TRIM_EVERY, _KEPT = 60.0, 3600.0


class RabbitReader:
    """The only reader of a queue. Its messages have no numbers: each gets one when it comes, which a log beside the
    stream keeps with the message's id, so that one that comes again after a kill is known by it. A message without an
    id is known only while its connection lives."""

    changes = 0

    def __init__(self, at: Place, group: str, start: str) -> None:
        self.line = Line(at)
        self.name, self.label, self.queue = name_of("amqp", self.line.queue), at.label, self.line.queue
        self.seen = Log(paths.state(paths.home()) / "queues", f"{self.name}.{group}.seen")
        self.group = Group(self.seen, group)
        self.source = f"{at.label}/{group}/{self.seen.identity}"
        self.done: Marks = {}
        self._came: deque[Any] = deque()
        self._arrived = Event()
        self._taken: dict[int, tuple[Record, Any]] = {}  # what has a number and is not done, with its message
        self._known: dict[bytes, int] = {}
        self._read = 0
        self._trimmed = time.monotonic()

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Wait until no other process reads the queue; False where it was told to stop meanwhile."""
        if not self.done and not self.group.acquire(stopping):
            return False
        self._read = self.group.position
        self.done = {"": self._read}
        recent = self.seen.read(max(0, self._read - 2 * _AHEAD), 100 * _AHEAD)
        self._known = {one.value: one.offset for one in recent if one.value}
        while not self.line.ask(self._begin()):
            if stopping():
                return False
            time.sleep(_LOOK)
        return True

    async def _begin(self) -> bool:
        """Be sent what is there; False where another reads it."""
        self._came.clear()
        self._taken = {offset: (one, None) for offset, (one, _) in self._taken.items()}
        await self.line.declared()  # the channel ends where there was no queue
        await (await self.line.channel()).set_qos(prefetch_count=_AHEAD)
        queue = await self.line.declared()
        try:
            await queue.consume(self._come, exclusive=True)
        except ChannelAccessRefused:
            return False
        return True

    async def _come(self, message: Any) -> None:
        self._came.append(message)
        self._arrived.set()

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records, as soon as there are any."""
        if self.line.broken and not self.line.ask(self._begin()):
            what = f"another process reads {self.label}"
            raise StorageError(what, fix="end one of the two: a queue has one reader")
        self._trim()
        found = [one for offset, (one, _) in self._taken.items() if offset > self._read]  # gone back to
        if not found:
            self._arrived.clear()
            if not self._came:
                self._arrived.wait(timeout)
            found = self._numbered([self._came.popleft() for _ in range(min(most, len(self._came)))])
        if found := found[:most]:
            self._read = found[-1].offset
        return found

    def _numbered(self, messages: list[Any]) -> list[Record]:
        """Messages as records: those that came before under the number that they had, or not at all if they are done,
        or still in the hands of whoever asked for them."""
        new: list[Any] = []
        found: list[tuple[int, Any]] = []
        again: list[Any] = []
        for message in messages:
            offset = self._known.get((message.message_id or "").encode(), 0) if message.redelivered else 0
            if offset and offset <= self.done[""]:
                again.append(message)
            elif offset in self._taken:
                self._taken[offset] = self._taken[offset][0], message
            elif offset > self._read and not new:
                found.append((offset, message))
            else:
                new.append(message)
        found += self._new(new)
        if again:
            self._acknowledge(again, at_once=False)
        self._taken |= {offset: (record(message, offset), message) for offset, message in found}
        return [self._taken[offset][0] for offset, _ in found]

    def _new(self, messages: list[Any]) -> list[tuple[int, Any]]:
        if not messages:
            return []
        ids = [(message.message_id or "").encode() for message in messages]
        last = self.seen.append(ids)
        numbered = list(enumerate(messages, last - len(messages) + 1))
        self._known |= {id: offset for id, (offset, _) in zip(ids, numbered, strict=True) if id}
        return numbered

    def commit(self, marks: Marks) -> None:
        """All up to there is done: first in the log, then for the server, which may send some of it again."""
        upto = marks[""]
        self.group.commit(upto)
        self.done[""] = upto
        done = [offset for offset in self._taken if offset <= upto]
        messages = [self._taken.pop(offset)[1] for offset in done]
        self._acknowledge([message for message in messages if message is not None], at_once=True)

    def _acknowledge(self, messages: list[Any], *, at_once: bool) -> None:
        """Over a connection that broke it is told nothing: what comes again is known."""
        with suppress(WorkbenchError):
            if at_once and messages:
                self.line.ask(messages[-1].ack(multiple=True))
            for message in [] if at_once else messages:
                self.line.ask(message.ack())

    def seek(self, marks: Marks) -> None:
        """Read on after this offset of what it was sent."""
        self._read = marks[""]

    def find(self, place: str) -> Marks:
        """UsageError: a queue has nothing before or behind what is in it."""
        raise UsageError(f"{self.label} keeps nothing that is done", fix="put the records again")

    def rewind(self, marks: Marks) -> None:
        """Never asked, as there are no places."""
        self.find("start")

    def lag(self) -> int:
        """How many records are not done."""
        if self.line.broken:
            self.line.ask(self._begin())
        queue = self.line.ask(self.line.declared())
        return int(queue.declaration_result.message_count) + len(self._came) + len(self._taken)

    def _trim(self) -> None:
        """Let go of the ids of what was done long ago."""
        if time.monotonic() - self._trimmed > _TRIM_EVERY:
            self._trimmed = time.monotonic()
            with suppress(StorageError):  # tried again a minute later
                self.seen.trim(seconds=_KEPT)
            oldest = self.done[""] - 2 * _AHEAD
            self._known = {id: offset for id, offset in self._known.items() if offset > oldest}

    def close(self) -> None:
        """Let another process read the queue; what is not done is sent to it."""
        self.line.close()
        self.group.release()
        self.seen.close()
