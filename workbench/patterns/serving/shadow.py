"""A copy of what is asked, for a version that answers nobody: its answers are compared with those that were given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bundle.equal import difference
from .refusals import Busy

if TYPE_CHECKING:
    from ...monitoring.metrics import Metrics, Outcome
    from .asked import Answer
    from .batcher import Batcher
    from .exchange import Ask, Request
    from .served import Served

MOST = 64
_PATIENCE = 10.0


class _Nobody:
    """Who waits for an answer that is never sent."""

    disconnected = False


_NOBODY = _Nobody()


class Shadow:
    """Asks `served` in a lane of its own, in its thread; what does not fit among `MOST` that wait is dropped."""

    def __init__(self, served: Served, lane: Batcher, metrics: Metrics) -> None:
        self.served, self.lane, self.metrics = served, lane, metrics
        lane.quick, lane.most_waiting, lane.log = 0.0, MOST, None  # never on the loop, where it would delay others
        self._asking: set[asyncio.Task[None]] = set()

    def copy(self, ask: Ask, request: Request, given: Answer) -> None:
        """Let it answer what was answered just now, some time."""
        if len(self._asking) >= MOST:
            self.metrics.shadowed(self.served.version, "dropped")
            return
        task = self.lane.loop.create_task(self._compared(ask, request, given))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def ended(self) -> Batcher:
        """Its lane, in which no copies wait any more."""
        for task in self._asking:
            task.cancel()
        self.lane.waiting = []
        return self.lane

    async def _compared(self, ask: Ask, request: Request, given: Answer) -> None:
        self.metrics.shadowed(self.served.version, await self._outcome(ask, request, given))

    async def _outcome(self, ask: Ask, request: Request, given: Answer) -> Outcome:
        try:
            question = ask(request, self.lane.decoder(self.served))
            due = self.lane.loop.time() + _PATIENCE
            answer = await self.lane.ask(question, self.served.inputs, due, _NOBODY, request)
            same = await asyncio.to_thread(_alike, answer.columns, given.columns)
        except Busy:
            return "dropped"
        except Exception:  # noqa: BLE001 whatever it is, the version could not answer
            return "failing"
        return "equal" if same else "different"


def _alike(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Within the tolerance of answers whose batches differ."""
    first, second = ({name: np.asarray(values) for name, values in columns.items()} for columns in (a, b))
    return not difference(first, second, exact=False)
