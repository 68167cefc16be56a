"""Kafka: `kafka://HOST:PORT/TOPIC?group=G`, further options are librdkafka's settings. A lane is a partition."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from ..data.broker_places import name_of
from ..errors import NotFound, StorageError
from ..moments import moment
from .kafka_words import DOWN, SECONDS, headers_of, in_words, record, refusal, settings
from .protocol import Marks, refuse_large

if TYPE_CHECKING:
    from ..data.grammar import Place
    from ..data.log import Record

_LOOK = 0.05
_LOST = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._STATE,
    KafkaError._ASSIGNMENT_LOST,
}
_FEW = 500
_FRAME = 10_000
"""Bytes for key, headers and what Kafka puts around a record."""


class KafkaReader:
    """A member of a group, which has the partitions that Kafka gives it. Partitions change hands between two polls."""

    def __init__(self, at: Place, group: str, start: str) -> None:
        self.at, self.topic, self.label = at, at.options["topic"], at.label
        self.name, self.group, self.start = name_of(at.kind, self.topic), group, start
        self.source = ""
        self.done: Marks = {}
        self.changes = 0
        self._ahead: dict[str, list[Record]] = {}
        self._read: Marks = {}  # up to where each lane was handed out, or skipped
        self._back: set[str] = set()  # those that are read again from there, once Kafka lets them
        self._down: Any = None
        self._consumer: Any = None

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Wait until it is given a partition; False where it was told to stop meanwhile."""
        if self._consumer is None:
            with in_words(self.label):
                self._consumer = Consumer(self._settings())
        if not self.source:
            with in_words(self.label):
                self._consumer.list_topics(self.topic, timeout=SECONDS)
                cluster = self._consumer.cluster_id(timeout=SECONDS)
                self._consumer.subscribe(
                    [self.topic], on_assign=self._given, on_revoke=self._taken, on_lost=self._taken
                )
            self.source = f"kafka/{cluster}/{self.topic}/{self.group}"
        while not self.done:
            self._gather(1, _LOOK)
            if stopping():
                return False
        return True

    def _settings(self) -> dict[str, Any]:
        ours = {
            "group.id": self.group,
            "enable.auto.commit": False,
            "error_cb": self._told,
            "fetch.queue.backoff.ms": 5,
            "session.timeout.ms": 10_000,
            "max.poll.interval.ms": 86_400_000,  # a slow model is no dead one: heartbeats go on while it predicts
        }
        return settings(self.at, **ours)

    def _told(self, error: Any) -> None:
        if error.code() in DOWN:
            self._down = error

    def _given(self, consumer: Any, partitions: list[Any]) -> None:
        """Where a group begins is kept at once: what comes before its first commit is not skipped in its next life."""
        known = consumer.committed(partitions, timeout=SECONDS)
        new = [one for one in known if one.offset < 0]
        for one in new:
            low, high = consumer.get_watermark_offsets(one, timeout=SECONDS)
            one.offset = high if self.start == "end" else low
        if new:
            consumer.commit(offsets=new, asynchronous=False)
        for one in known:
            self._forget(str(one.partition))
            self.done[str(one.partition)] = self._read[str(one.partition)] = one.offset
        consumer.assign(known)

    def _taken(self, _: Any, partitions: list[Any]) -> None:
        self.changes += 1
        for one in partitions:
            self._forget(str(one.partition))

    def _forget(self, lane: str) -> None:
        self.done.pop(lane, None)
        self._read.pop(lane, None)
        self._ahead.pop(lane, None)
        self._back.discard(lane)

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records of one partition; those of others that came with them are next."""
        if not self._ahead:
            self._gather(most, timeout)
        if not self._ahead:
            return []
        lane = next(iter(self._ahead))
        waiting = self._ahead.pop(lane)
        if len(waiting) > most:
            self._ahead[lane] = waiting[most:]
        found = waiting[:most]
        self._read[lane] = found[-1].offset
        return found

    def _gather(self, most: int, timeout: float) -> None:
        self._go_back()
        with in_words(self.label):
            first = self._consumer.poll(timeout)  # wakes at once, which the wait for many does not
            many = most * max(1, len(self.done)) - 1  # each lane is a batch of its own
            messages = [first, *self._consumer.consume(many, 0)] if first is not None and many else [first]
        for message in filter(None, messages):
            if error := message.error():
                raise refusal(self.label, error)
            one = record(message)
            if one.lane in self._back:
                continue
            if one.offset > self._read.get(one.lane, one.offset):  # neither skipped, nor of a partition that is gone
                self._ahead.setdefault(one.lane, []).append(one)
        if first is None and self._down:
            with in_words(self.label):
                self._consumer.list_topics(self.topic, timeout=1.0)
            self._down = None

    def commit(self, marks: Marks) -> None:
        """All up to there is done. A partition that another has by now is the other's to commit: its sink tells it."""
        own = {lane: mark for lane, mark in marks.items() if lane in self.done}
        if not own:
            return
        with in_words(self.label):
            try:
                said = self._consumer.commit(offsets=self._places(own), asynchronous=False)
            except KafkaException as error:
                if error.args[0].code() not in _LOST:
                    raise
                self._again(own)  # what comes next is not written before this is
                return
        for one in said:
            if one.error:
                raise refusal(self.label, one.error)
        self.done |= own

    def _places(self, marks: Marks) -> list[Any]:
        return [TopicPartition(self.topic, int(lane), mark) for lane, mark in marks.items()]

    def seek(self, marks: Marks) -> None:
        """Read on after these offsets; what a sink has already is skipped as it comes."""
        self._again(
            {lane: mark for lane, mark in marks.items() if mark < self._read.get(lane, 0) or lane in self._ahead}
        )
        self._read |= marks

    def _again(self, marks: Marks) -> None:
        for lane in marks:
            self._ahead.pop(lane, None)
        self._back |= set(marks)
        self._read |= marks

    def _go_back(self) -> None:
        """Kafka refuses to while partitions change hands: what comes before it does is read again later."""
        for lane in list(self._back):
            with suppress(KafkaException):
                self._consumer.seek(TopicPartition(self.topic, int(lane), self._read[lane]))
                self._back.discard(lane)

    def find(self, place: str) -> Marks:
        """After which message of each of its partitions a place is: `start`, `end` or a time. UsageError."""
        if place in ("start", "end"):
            return {lane: self._edge(lane, place) for lane in self.done}
        at = int(1000 * moment(place, "place in a topic"))
        with in_words(self.label):
            found = self._consumer.offsets_for_times(self._places(dict.fromkeys(self.done, at)), timeout=SECONDS)
        return {
            str(one.partition): self._edge(str(one.partition), "end") if one.offset < 0 else one.offset for one in found
        }

    def _edge(self, lane: str, place: str) -> int:
        with in_words(self.label):
            low, high = self._consumer.get_watermark_offsets(TopicPartition(self.topic, int(lane)), timeout=SECONDS)
        return int(low if place == "start" else high)

    def rewind(self, marks: Marks) -> None:
        """Read on after these, and count what is up to there as done."""
        self.commit(marks)
        self.seek(marks)

    def lag(self) -> int:
        """How many records of its partitions are not done."""
        if self._down:
            raise refusal(self.label, self._down)
        lag = 0
        with in_words(self.label):
            for place in self._places(dict(self.done)):
                _, high = self._consumer.get_watermark_offsets(place, cached=True)
                if high < 0:
                    _, high = self._consumer.get_watermark_offsets(place, timeout=SECONDS)
                lag += max(0, high - place.offset)
        return lag

    def close(self) -> None:
        """Leave the group: its partitions are given to others at once."""
        if self._consumer is not None:
            with suppress(KafkaException, RuntimeError):
                self._consumer.close()


class KafkaTopic:
    """A topic that records are put on. It cannot tell what it has: each record says in a header which one it is."""

    tells = False

    def __init__(self, at: Place) -> None:
        self.at, self.topic, self.label = at, at.options["topic"], at.label
        self._largest = int(settings(at).get("message.max.bytes", 1_000_000)) - _FRAME
        self._down: Any = None
        self._producer: Any = None

    def _told(self, error: Any) -> None:
        if error.code() in DOWN:
            self._down = error

    def append(
        self,
        values: Sequence[bytes],
        keys: Sequence[str | None] | None = None,
        headers: Sequence[dict[str, Any] | None] | None = None,
        *,
        source: str = "",
        offset: int = 0,
        offsets: Sequence[int] = (),
        times: Sequence[float] = (),
    ) -> None:
        """Add records and wait until the brokers have them all."""
        refuse_large(self.label, values, self._largest)
        none = [None] * len(values)
        named = offsets or range(offset - len(values) + 1, offset + 1)
        names = [f"{source}@{one}" for one in named] if source else none
        failed: list[Any] = []
        self._down = None
        with in_words(self.label):
            if self._producer is None:
                ours = {
                    "enable.idempotence": True,
                    "linger.ms": 2,
                    "message.timeout.ms": 30_000,
                    "error_cb": self._told,
                }
                self._producer = Producer(settings(self.at, **ours))
            heads = map(headers_of, headers or none, names)
            for value, key, head, at in zip(values, keys or none, heads, times or none, strict=True):
                self._produce(self._producer, value, key, head, at, failed)
        while len(self._producer) and not failed and not self._down:
            self._producer.poll(_LOOK)
        if failed or self._down:
            self._producer.purge()
            self._producer = None
            raise refusal(self.label, failed[0] if failed else self._down)

    def _produce(
        self, producer: Any, value: bytes, key: str | None, headers: Any, at: float | None, failed: list[Any]
    ) -> None:
        def told(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error)

        whole, more = None if key is None else key.encode(), {"timestamp": round(1000 * at)} if at and at > 0 else {}
        while True:
            try:
                producer.produce(self.topic, value, whole, headers=headers, on_delivery=told, **more)
            except BufferError:
                if self._down:
                    failed.append(self._down)
                    return
                producer.poll(_LOOK)
            else:
                return

    def position(self, source: str) -> int:
        """Not known."""
        return 0

    def newest(self, most: int) -> list[Record]:
        """The last records over all partitions, by their time. NotFound where none was ever put."""
        consumer = Consumer(settings(self.at, **{"group.id": "workbench-tail", "enable.auto.commit": False}))
        try:
            with in_words(self.label):
                known = consumer.list_topics(self.topic, timeout=SECONDS).topics[self.topic]
                if known.error and known.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise refusal(self.label, known.error)
                places = [TopicPartition(self.topic, number) for number in known.partitions]
                ends = {one.partition: consumer.get_watermark_offsets(one, timeout=SECONDS) for one in places}
                if not any(high for _, high in ends.values()):
                    raise NotFound(f"{self.label} has no records", fix=f"%workbench put {self.label} ROWS")
                found = self._tailed(consumer, ends, most)
        finally:
            consumer.close()
        return sorted(found, key=lambda one: (one.at, one.lane, one.offset))[-most:]

    def _tailed(self, consumer: Any, ends: dict[int, tuple[int, int]], most: int) -> list[Record]:
        starts = {number: max(low, high - most) for number, (low, high) in ends.items() if high > low}
        consumer.assign([TopicPartition(self.topic, number, start) for number, start in starts.items()])
        wanted, found = sum(ends[number][1] - start for number, start in starts.items()), list[Any]()
        end = time.monotonic() + SECONDS
        while len(found) < wanted and time.monotonic() < end:
            found += [record(one) for one in consumer.consume(_FEW, _LOOK) if not one.error()]
        return found

    def named(self, record: Record) -> str:
        """Partition and offset, as Kafka's own tools name them."""
        return f"{record.lane}:{record.offset - 1}"

    def close(self) -> None:
        """All that was put is there."""
        if self._producer is not None and self._producer.flush(SECONDS):
            raise StorageError(f"{self.label}: not all was put", fix="see that Kafka runs there, and put it again")
