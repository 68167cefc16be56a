"""`serve --async QUEUE` -> the queue that a service puts requests on, known to be one."""

from __future__ import annotations

from ..errors import UsageError


def queue(place: str | None) -> str | None:
    """The place, as it reads from every folder; None where none is named. UsageError for what is no queue."""
    from ..brokers.opening import check
    from ..data import places

    if place is None:
        return None
    at = places.parse(place) if "://" in place or place.startswith("queue:") else None
    if at is None or not at.queued or at.kind == "cloudevents":
        fix = "--async queue:NAME, or a place of Redis, NATS, Kafka or RabbitMQ; %stream MODEL QUEUE scores it"
        raise UsageError(f"{place} is no queue", fix=fix)
    check(place)
    return places.absolute(place)
