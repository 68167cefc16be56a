"""Examples that a broker sends -> the learner's own queue: each is put there once, before the broker lets go of it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ...brokers.opening import reader
from ...brokers.protocol import of_lane
from ...errors import StorageError
from ..control import LOOK, Control

if TYPE_CHECKING:
    from ...brokers.protocol import Marks
    from ...data.log import Log, Record

_MOST = 1000
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0


class Feed:
    """Reads a place of a broker for a learner. While the broker cannot be asked, that is told, and tried again."""

    def __init__(self, place: str, group: str, log: Log, control: Control) -> None:
        self.reader, self.log, self.control = reader(place, group, "start"), log, control
        self._begun, self._delay, self._due = False, 0.0, 0.0
        self._taken: Marks = {}  # what the broker was not told yet

    def __call__(self) -> None:
        """Take what has come, or wait a moment for it."""
        if time.monotonic() < self._due:
            time.sleep(LOOK)
            return
        try:
            self._begun = self._begun or self.reader.acquire(self.control.stopping)
            self._commit()
            if self._begun and (records := self.reader.poll(_MOST, LOOK)):
                self._take(records)
                self._commit()
        except StorageError as error:
            self._delay = min(_LONGEST_DELAY, 2 * self._delay or _FIRST_DELAY)
            self._due = time.monotonic() + self._delay
            self.control.state("blocked", f"{error.what} · nothing lost")
            return
        if self._delay:
            self._delay = 0.0
            self.control.state("ready")

    def _take(self, records: list[Record]) -> None:
        """Those that were taken before its broker was told so are told again, and not taken again."""
        lane, last = records[0].lane, records[-1].offset
        source = of_lane(self.reader.source, lane)
        has = self.log.position(source)
        if new := [record for record in records if record.offset > has]:
            values, keys = [record.value for record in new], [record.key for record in new]
            self.log.append(values, keys, [record.headers for record in new], source=source, offset=last)
        self._taken[lane] = last

    def _commit(self) -> None:
        """Again and again until it is heard: what was given is not given again while this reads."""
        if self._taken:
            self.reader.commit(self._taken)
            self._taken = {}

    def lag(self) -> int:
        """How many records were not taken yet; 0 where that is not known."""
        with suppress(StorageError):
            return self.reader.lag() if self._begun else 0
        return 0

    def close(self) -> None:
        """Let another read for the group."""
        self.reader.close()
