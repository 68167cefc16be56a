"""Calls that come close upon each other -> asked together, so that they share a batch.

grpcio hands calls over one by one, each in a turn of the loop of its own: without a pause even a hundred clients of a
quick model would each be answered alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..answering import Answering

_PAUSE = 0.001
_CLOSE = 0.0002  # nobody who was answered comes back as soon as that
_RARELY = 64


class Gathering:
    """Calls `wait` before they ask, and say when they are `answered`. A lone client does not wait."""

    def __init__(self, endpoint: Answering) -> None:
        self.endpoint, self.loop = endpoint, endpoint.batcher.loop
        self._together: asyncio.Event | None = None
        self._waiting = self._skips = 0
        self._answered_at = 0.0

    def answered(self) -> None:
        """A call has its answer."""
        self._answered_at = time.perf_counter()

    async def wait(self) -> None:
        """For others, where others come; while the model is busy they gather anyway."""
        if self._together is None:
            if self.endpoint.batcher.busy or not self._others_come():
                return
            self._together, self._waiting = asyncio.Event(), 0
            self.loop.call_later(_PAUSE, self._go)
        self._waiting += 1
        await self._together.wait()

    def _others_come(self) -> bool:
        """Whether this call is from somebody else than was answered last; not where a pause was in vain lately."""
        if self._skips:
            self._skips -= 1
            return False
        return time.perf_counter() - self._answered_at < _CLOSE

    def _go(self) -> None:
        assert self._together
        self._together.set()
        self._together = None
        if self._waiting == 1:
            self._skips = _RARELY
