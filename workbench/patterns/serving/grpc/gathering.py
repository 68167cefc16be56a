"""Calls that come close upon each other -> asked together, so that they share a batch.

grpcio hands calls over one by one, each in several turns of the loop: without a pause even a hundred clients of a quick
model would each be answered alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..answering import Answering

_TICK, _MOST_TICKS = 0.003, 2
_LOOK = 0.05
_WORTH = 0.3  # of a processor
_SLOW = 0.001
_LARGER, _MOST_SKIPS = 16, 1024
_ANY = 1 << 30


class Gathering:
    """Calls `wait` before they ask, where it pays: in groups that go on once they are as large as the last that had its
    time, which is as long as others come. Who was alone in one does not wait again for a while. Whether there are
    others, or more of them, is tried from time to time."""

    def __init__(self, endpoint: Answering) -> None:
        self.endpoint, self.loop = endpoint, endpoint.batcher.loop
        self._group: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._usual, self._early = _ANY, 0
        self._skips, self._next_skips = 0, 1
        self._seen = self._ticks = 0
        self._looked, self._spent, self.busy = time.perf_counter(), time.process_time(), False

    async def wait(self) -> None:
        """For others, where others come; while the model is busy they gather anyway."""
        if self._timer is None:
            if self._skips or self.endpoint.batcher.busy or not self._pays():
                self._skips -= bool(self._skips)
                return
            self._seen = self._ticks = 0
            self._timer = self.loop.call_later(_TICK, self._look)
        if len(self._group) + 1 >= self._usual:
            self._early += 1
            self._go()
            if self._early % _LARGER == 0:
                self._usual = _ANY
            return
        own = self.loop.create_future()
        self._group.append(own)
        await own

    def _pays(self) -> bool:
        """Whether something is gained by sharing: the model takes its time, or the process has much to do."""
        if self.endpoint.batcher.usual > _SLOW:
            return True
        if (now := time.perf_counter()) - self._looked > _LOOK:
            spent = time.process_time()
            self.busy = spent - self._spent > _WORTH * (now - self._looked)
            self._looked, self._spent = now, spent
        return self.busy

    def _look(self) -> None:
        """Wait on as long as others come, but not for long."""
        before, self._seen, self._ticks = self._seen, len(self._group), self._ticks + 1
        if self._seen > max(before, 1) and self._ticks < _MOST_TICKS:
            self._timer = self.loop.call_later(_TICK, self._look)
            return
        self._usual, alone = max(2, self._seen), self._seen <= 1
        self._skips = self._next_skips if alone else 0
        self._next_skips = min(2 * self._next_skips, _MOST_SKIPS) if alone else 1
        self._go()

    def _go(self) -> None:
        group, self._group = self._group, []
        if self._timer:
            self._timer.cancel()
        self._timer = None
        for one in group:
            if not one.done():  # its client is still there
                one.set_result(None)
