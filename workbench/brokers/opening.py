"""A place -> its reader, or what is put there; the client library of a broker is imported only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data import places
from ..data.broker_places import check_installed
from ..errors import UsageError

if TYPE_CHECKING:
    from .protocol import Reader, Topic


def check(place: str, start: str = "start") -> None:
    """UsageError where the client of a place's broker is not installed, or where no group can begin so."""
    at = places.parse(place)
    if at.kind == "queue" or not at.queued:
        return
    check_installed(at.kind)
    if start not in ("start", "end"):
        raise UsageError(f"{at.label}: a new group begins at its start or end, not at {start}", fix="--start end")


def reader(place: str, group: str, start: str) -> Reader:
    """What reads a place for a group. `start`: where a new group begins. UsageError for what cannot be read so."""
    at = places.parse(place)
    check(place, start)
    if at.kind in ("redis", "rediss"):
        from .redis_streams import RedisReader

        return RedisReader(at, group, start)
    if at.kind == "kafka":
        from .kafka import KafkaReader

        return KafkaReader(at, group, start)
    if at.kind == "cloudevents":
        from .cloudevents import EventsReader

        return EventsReader(at, group, start)
    if at.kind == "nats":
        from .nats_jetstream import NatsReader

        return NatsReader(at, group, start)
    if at.kind in ("amqp", "amqps"):
        from .rabbitmq import RabbitReader

        return RabbitReader(at, group, start)
    from .embedded import EmbeddedReader

    return EmbeddedReader(place, group, start)


def topic(place: str) -> Topic:
    """What is put there, and what lies there. UsageError for a place that is no queue, topic or stream."""
    at = places.parse(place)
    check(place)
    if at.kind in ("redis", "rediss"):
        from .redis_streams import RedisTopic

        return RedisTopic(at)
    if at.kind == "kafka":
        from .kafka import KafkaTopic
        from .kafka_once import KafkaOnce

        return KafkaOnce(at) if at.options.get("transactions") == "yes" else KafkaTopic(at)
    if at.kind == "cloudevents":
        from .cloudevents_topic import EventsTopic

        return EventsTopic(at)
    if at.kind == "nats":
        from .nats_topic import NatsTopic

        return NatsTopic(at)
    if at.kind in ("amqp", "amqps"):
        from .rabbitmq_topic import RabbitTopic

        return RabbitTopic(at)
    return places.log(place)
