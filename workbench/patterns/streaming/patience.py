"""A step of a stream -> done, once broker, sink and disk let it be done; what is seen meanwhile is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from ...brokers import again
from ...errors import StorageError
from ..control import LOOK, Control
from .seen import Seen

if TYPE_CHECKING:
    from ...brokers.protocol import Reader
    from .house import House

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
T = TypeVar("T")


class Patience:
    """Tries again, waits while it is paused, sees to orders meanwhile, and tells how far the reader is."""

    def __init__(self, reader: Reader, house: House, control: Control) -> None:
        self.reader, self.house, self.control = reader, house, control
        self.seen = Seen()

    def until(self, what: Callable[[], T]) -> T | None:
        """Do it, again and again while the sink or the disk refuses: nothing is committed meanwhile. None where it was
        told to stop before that."""
        delay = 0.0
        while True:
            try:
                found = what()
            except StorageError as error:
                delay = min(_LONGEST_DELAY, delay * 2 or _FIRST_DELAY)
                self.seen.tries += 1
                self._blocked(error, delay)
                if not self.waited(delay):
                    return None
            else:
                if delay:
                    self.control.state("ready")
                return found

    def _blocked(self, error: StorageError, delay: float) -> None:
        with suppress(StorageError):  # it may be the broker itself that cannot be asked
            self.control.facts(lag=self._lag())
        with suppress(StorageError):  # the disk that is full may be that of what it tells
            self.control.facts(next_try=time.time() + delay)
            fix = f"\n→ {error.fix}" if error.fix else ""
            self.control.state("blocked", f"{error.what} · nothing lost{fix}")

    def waited(self, seconds: float) -> bool:
        """Wait so long, and while it is paused; False where it was told to stop."""
        end = time.monotonic() + seconds
        while not self.control.stopping():
            paused = self.control.paused()
            if not paused and time.monotonic() >= end:
                return True
            self.house.route()  # orders do not wait
            self.tell(0)
            time.sleep(LOOK if paused else min(LOOK, max(0.0, end - time.monotonic())))
        return False

    def tell(self, records: int) -> None:
        self.seen.tick(records)
        with suppress(StorageError):
            self.control.facts(**self.seen.facts(), lag=self._lag(), offset=self._offset())

    def _lag(self) -> int:
        """How many records were not answered; what the sink holds back is."""
        return max(0, self.reader.lag() - self.seen.held)

    def _offset(self) -> int | str:
        """Up to where all is done in the source; of several lanes, for each."""
        done = {lane: offset for lane, offset in self.reader.done.items() if lane != again.LANE}
        return done.get("", 0) if set(done) <= {""} else " ".join(f"{lane}:{done[lane]}" for lane in sorted(done))
