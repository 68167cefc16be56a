"""A place -> its reader, or what is put there; the client library of a broker is imported only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data import places

if TYPE_CHECKING:
    from .protocol import Reader, Topic


def reader(place: str, group: str, start: str) -> Reader:
    """What reads a place for a group. `start`: where a new group begins. UsageError for what cannot be read so."""
    from .embedded import EmbeddedReader

    return EmbeddedReader(place, group, start)


def topic(place: str) -> Topic:
    """What is put there, and what lies there. UsageError for a place that is no queue, topic or stream."""
    return places.log(place)
