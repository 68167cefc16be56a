"""A question -> its answer in parts, as the model yields them: until it is due, while somebody reads. Between two parts
of one answer the model answers others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...bundle.tables import concat, n_rows
from ...data.encoding import lists
from ...errors import WorkbenchError
from ...inference import awaiting
from . import patience
from .answering import STAYS
from .asked import Answer
from .batcher import failure
from .refusals import Refused, status_of

if TYPE_CHECKING:
    from ...inference.fields import Table
    from .answering import Answering
    from .asked import Asked
    from .batcher import Batcher
    from .exchange import Ask, Question, Request
    from .served import Served


@dataclass(slots=True)
class Part:
    """The answer to the next rows of a question; `last` where these are the last ones. A model may still fail then."""

    question: Question
    answer: Answer
    last: bool


async def answer(endpoint: Answering, ask: Ask, request: Request, client: Any = STAYS) -> AsyncGenerator[Part, None]:
    """As `endpoint.answer`: by the version that is its turn, logged, counted, and copied to a shadow; but in parts."""
    log, began = endpoint.log, time.perf_counter()
    if log:
        log.begin(request, began)
    served, lane = endpoint.lanes.of(ask, request)
    request.served = served
    asked: Asked | None = None
    kept: list[Table] = []
    answered = 0
    try:
        question = endpoint.question(ask, request, served, lane)
        asked = lane.admitted(question, served.inputs, endpoint.due(request, question), client, request)
        read = time.perf_counter()
        async with aclosing(_parts(lane, served, asked)) as coming:
            async for part in coming:
                if not part:
                    continue
                if log or endpoint.lanes.shadow:
                    kept.append(part)
                answered += n_rows(part)
                yield Part(question, Answer(served, part, asked.spent), answered == asked.rows)
    except WorkbenchError as error:
        endpoint.metrics.failed(served.version, status_of(error))
        if log and isinstance(error, Refused):
            log.refused(served, request, error)
        elif log and asked:
            log.answered(served, [(asked, error)])
        raise
    _tell(endpoint, ask, request, served, asked, kept)
    made, model, _ = asked.spent
    endpoint.metrics.took(time.perf_counter() - began, read - began + made, model, 0.0, served.version)


def _tell(endpoint: Answering, ask: Ask, request: Request, served: Served, asked: Asked, parts: list[Table]) -> None:
    """Let the log and the shadow have a whole answer, as far as there are any."""
    if not parts:
        return
    whole = concat(parts)
    if endpoint.log:
        endpoint.log.answered(served, [(asked, lists(whole))])
    if endpoint.lanes.shadow:
        endpoint.lanes.shadow.copy(ask, request, Answer(served, whole, asked.spent))


async def _parts(lane: Batcher, served: Served, asked: Asked) -> AsyncGenerator[Table, None]:
    """Each part as it comes. BadInput, TooLate, Gone, and what the model raises."""
    began = time.perf_counter()
    table = lane.table(served, asked)
    asked.spent = time.perf_counter() - began, 0.0, 0.0
    if not asked.rows:
        yield served.none
        return
    model = (_Awaited if served.predictor.awaits else _InThread)(lane, served, asked, table)
    lane.streaming += 1
    try:
        while (part := await _next(model, served, asked)) is not None:
            yield part
    finally:
        model.end()


async def _next(model: _InThread | _Awaited, served: Served, asked: Asked) -> Table | None:
    """The next part; None where there is none."""
    try:
        return await patience.waited(model.following(), asked.due, asked.client)
    except WorkbenchError:
        raise
    except Exception as error:
        raise failure(served, error) from error


class _InThread:
    """The parts of a model that is asked in its thread: nobody else is in the model at the same time, but others may be
    between two parts."""

    def __init__(self, lane: Batcher, served: Served, asked: Asked, table: Table) -> None:
        self.lane, self.served, self.asked = lane, served, asked
        self.parts = served.predictor.parts(table)

    def following(self) -> asyncio.Future[Table | None]:
        return self.lane.loop.run_in_executor(self.lane.thread, self._next)

    def _next(self) -> Table | None:
        metrics, began = self.lane.metrics, time.perf_counter()
        metrics.calls(self.served.version)
        try:
            if (part := next(self.parts, None)) is None:
                metrics.called(self.asked.rows, self.served.version)
            return part
        finally:
            took = time.perf_counter() - began
            made, model, _ = self.asked.spent
            self.asked.spent = made, model + took, 0.0
            metrics.rests(took)

    def end(self) -> None:
        """Once it is out of its present part, stop it where it is."""
        self.lane.loop.run_in_executor(self.lane.thread, self._close).add_done_callback(self.lane.streamed)

    def _close(self) -> None:
        with suppress(Exception):
            self.parts.close()


class _Awaited:
    """The parts of a model that is awaited: it answers others while it waits for what it awaits."""

    def __init__(self, lane: Batcher, served: Served, asked: Asked, table: Table) -> None:
        self.lane, self.served, self.asked, self.whole = lane, served, asked, False
        self.parts = served.predictor.awaited_parts(table)
        lane.metrics.calls(served.version)

    def following(self) -> asyncio.Future[Table | None]:
        return asyncio.wrap_future(self._on_its_loop(self._next()))

    async def _next(self) -> Table | None:
        began = time.perf_counter()
        part: Table | None = await anext(self.parts, None)
        made, model, _ = self.asked.spent
        self.asked.spent = made, model + time.perf_counter() - began, 0.0
        self.whole = part is None
        return part

    def end(self) -> None:
        self._on_its_loop(self.parts.aclose())
        if self.whole:
            self.lane.metrics.called(self.asked.rows, self.served.version)
        self.lane.metrics.rests(0.0)
        self.lane.streamed()

    def _on_its_loop(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, awaiting.loop())
