"""Several sinks as one: each has every answer, and what all of them have is done."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ...errors import StorageError
from .batches import Unfit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...brokers.protocol import Marks
    from .batches import Batch, Dead
    from .sinks import Sink


class Several:
    """What one of them took stays taken while another refuses: it is not written there again."""

    def __init__(self, sinks: list[Sink]) -> None:
        self.sinks = sinks
        self.repeats = any(sink.repeats for sink in sinks)
        self.has: list[Marks] = [{} for _ in sinks]
        self._took: list[tuple[str, int]] = [("", -1) for _ in sinks]  # the last batch that each took

    def position(self, lane: str) -> int | None:
        """Up to where all of them have the answers; None where one cannot tell."""
        found = [sink.position(lane) for sink in self.sinks]
        return None if None in found else min(offset for offset in found if offset is not None)

    def write(self, batch: Batch) -> Marks:
        """Take the answers of a batch, one sink after the other."""
        dead: dict[int, Dead] = {}
        for number, sink in enumerate(self.sinks):
            if self._took[number] == (batch.lane, batch.last):
                continue
            try:
                self.has[number] |= sink.write(batch)
            except Unfit as error:
                dead |= {one.record.offset: one for one in error.dead}
                self.has[number] |= error.took or sink.write(batch.without(error.dead))
            self._took[number] = batch.lane, batch.last
        if dead:
            raise Unfit([dead[offset] for offset in sorted(dead)], self._common())
        return self._common()

    def rewind(self, marks: Marks) -> None:
        """All of them, or none that comes after one that cannot."""
        for sink in self.sinks:
            sink.rewind(marks)

    def flush(self) -> Marks:
        """Make what they hold back appear, if its time has come."""
        return self._all(sink.flush() for sink in self.sinks)

    def close(self) -> Marks:
        """Make all that they hold back appear, though one of them refuses."""
        for number, sink in enumerate(self.sinks):
            with suppress(StorageError):  # what it does not take now is read again
                self.has[number] |= sink.close()
        return self._common()

    def _all(self, found: Iterable[Marks]) -> Marks:
        for number, marks in enumerate(found):
            self.has[number] |= marks
        return self._common()

    def _common(self) -> Marks:
        """Up to where all of them have it, in the lanes that all know."""
        lanes = set.intersection(*map(set, self.has))
        return {lane: min(has[lane] for has in self.has) for lane in lanes}
