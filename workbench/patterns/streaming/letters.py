"""Records that were set aside -> a queue beside the stream: dead letters, and those that are asked about again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...brokers.protocol import of_lane
from ...data import places

if TYPE_CHECKING:
    from .batches import Batch, Dead

_MOST = 100_000


class Letters:
    """Keeps each record of a source once, though its batch is asked again, with the reason and where it came from."""

    def __init__(self, place: str, source: str) -> None:
        self.place, self.source = place, source
        self.log = places.log(place)

    @property
    def count(self) -> int:
        """How many there ever were."""
        return self.log.last

    def newest(self) -> str:
        """What the last of them failed by."""
        found = self.log.read(self.count - 1, 1)
        return str((found[0].headers or {}).get("error", "")) if found else ""

    def add(self, dead: list[Dead], batch: Batch, done: int, **more: Any) -> None:
        """Set these records of a batch aside, but for those that are there. `done`: up to where all is, in its lane."""
        source = of_lane(self.source, batch.lane)
        before = self.log.position(source)
        there = self._there(batch.lane, before, done) if dead[0].record.offset <= before else set()
        new = [one for one in dead if (one.record.offset, one.record.at) not in there]
        lane = {"lane": batch.lane} if batch.lane else {}
        covered: dict[str, Any] = {"source": source, "offset": batch.last} if batch.last > before else {}
        values, keys = [one.record.value for one in new], [one.record.key for one in new]
        covered["times"] = [one.record.at for one in new]
        self.log.append(values, keys, [_why(one) | lane | more for one in new], **covered)

    def _there(self, lane: str, last: int, done: int) -> set[tuple[int, float]]:
        """The newest ones of a lane, by offset and time: all that lie between what is done and `last`."""
        most = min(_MOST, 2 * (last - done))
        letters = self.log.read(max(0, self.log.last - most), most)
        heads = (letter.headers for letter in letters if letter.headers)
        return {(head["offset"], head["at"]) for head in heads if head.get("lane", "") == lane}

    def close(self) -> None:
        self.log.close()


def _why(dead: Dead) -> dict[str, Any]:
    """The headers of a letter: those of the record, and what it failed by."""
    record = dead.record
    trace = {"traceback": dead.trace} if dead.trace else {}
    return (record.headers or {}) | {"error": dead.reason, "offset": record.offset, "at": record.at} | trace
