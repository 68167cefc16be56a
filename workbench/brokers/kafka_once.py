"""A topic of Kafka that takes nothing twice: `kafka://HOST:PORT/TOPIC?transactions=yes`. The records of a batch, and up
to where their source is, are put in one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ..errors import StorageError
from .kafka import KafkaTopic
from .kafka_words import SECONDS, headers_of, in_words, settings
from .protocol import refuse_large

if TYPE_CHECKING:
    from ..data.grammar import Place

POSITIONS = "workbench-positions"
"""The topic that keeps up to where the records of each source are, by its name; the last one counts."""


_SECONDS, _LOOK = 3.0, 0.05


@dataclass
class _Held:
    """The producer of one source, which fences off those before it, and up to where its records are there."""

    producer: Any
    position: int


class KafkaOnce(KafkaTopic):
    """Who reads it with `isolation.level=read_committed`, as clients do by themselves, sees each record once."""

    tells = True

    def __init__(self, at: Place) -> None:
        super().__init__(at)
        self._held: dict[str, _Held] = {}

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
        """Add records, all or none, and wait until the brokers have them all."""
        if not source:
            super().append(values, keys, headers, times=times)
            return
        refuse_large(self.label, values, self._largest)
        if offset <= self.position(source):
            return
        none = [None] * len(values)
        names = [f"{source}@{one}" for one in offsets or range(offset - len(values) + 1, offset + 1)]
        held = self._held[source]
        try:
            with in_words(self.label):
                held.producer.begin_transaction()
                heads = map(headers_of, headers or none, names)
                for value, key, head, at in zip(values, keys or none, heads, times or none, strict=True):
                    self._produce(held.producer, value, key, head, at, [])
                held.producer.produce(POSITIONS, str(offset).encode(), f"{self.topic} {source}".encode())
                held.producer.commit_transaction(SECONDS)
        except BaseException:
            del self._held[source]  # whether it is there is asked anew
            with suppress(KafkaException, StorageError):
                held.producer.abort_transaction(SECONDS)
            raise
        held.position = offset

    def position(self, source: str) -> int:
        """Up to where the records of a source were added; from here on by this process alone."""
        if source not in self._held:
            name = sha256(f"{self.topic} {source}".encode()).hexdigest()[:40]
            with in_words(self.label):
                self._made()
                ours = {"transactional.id": f"workbench-{name}", "linger.ms": 2, "error_cb": self._told}
                producer = Producer(settings(self.at, **ours))
                producer.init_transactions(SECONDS)
                self._held[source] = _Held(producer, self._found(f"{self.topic} {source}".encode()))
        return self._held[source].position

    def _made(self) -> None:
        """The topic of positions; where that is for others to make, it is made as others are when it is first used."""
        admin = AdminClient(settings(self.at))
        if POSITIONS not in admin.list_topics(timeout=SECONDS).topics:
            new = NewTopic(POSITIONS, num_partitions=1, config={"cleanup.policy": "compact"})
            with suppress(KafkaException, TimeoutError):
                admin.create_topics([new])[POSITIONS].result(_SECONDS)

    def _found(self, key: bytes) -> int:
        """The last position under this key; 0 where there is none."""
        ours = {"group.id": "workbench-positions", "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer(settings(self.at, **ours, **{"isolation.level": "read_committed"}))
        try:
            known = consumer.list_topics(POSITIONS, timeout=SECONDS).topics[POSITIONS]
            left = set(known.partitions)
            consumer.assign([TopicPartition(POSITIONS, number, 0) for number in left])
            found, end = 0, time.monotonic() + SECONDS
            while left:
                if time.monotonic() > end:
                    raise StorageError(f"{self.label}: {POSITIONS} cannot be read", fix="see that Kafka runs there")
                for one in consumer.consume(1000, _LOOK):
                    if (error := one.error()) is None:
                        found = int(one.value() or b"0") if one.key() == key else found
                    elif error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    else:
                        left.discard(one.partition())
            return found
        finally:
            consumer.close()

    def close(self) -> None:
        """All that was put is there."""
        self._held.clear()
        super().close()
