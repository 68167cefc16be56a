"""A question -> its answer in parts, as the model yields them in its thread: until it is due, while somebody reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import WorkbenchError
from .answering import STAYS
from .batcher import Answer, failure
from .refusals import Gone, Refused, TooLate, status_of

if TYPE_CHECKING:
    from ...inference.fields import Table
    from .answering import Answering
    from .batcher import Asked, Batcher
    from .exchange import Ask, Request
    from .served import Served


async def answer(endpoint: Answering, ask: Ask, request: Request, client: Any = STAYS) -> AsyncGenerator[Table, None]:
    """As `endpoint.answer`: by the version that is its turn, logged, counted, and copied to a shadow; but in parts."""
    log, began = endpoint.log, time.perf_counter()
    if log:
        log.begin(request)
    served, lane = endpoint.lanes.of(ask, request)
    request.served = served
    asked: Asked | None = None
    parts: list[Table] = []
    try:
        question = endpoint.question(ask, request, served, lane)
        asked = lane.admitted(question, served.inputs, endpoint.due(request, question), client, request)
        read = time.perf_counter()
        async with aclosing(_parts(lane, served, asked)) as coming:
            async for part in coming:
                parts.append(part)
                yield part
    except WorkbenchError as error:
        endpoint.metrics.failed(served.version, status_of(error))
        if log and isinstance(error, Refused):
            log.refused(served, request, error)
        elif log and asked:
            log.answered(served, [(asked, error)])
        raise
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if log:
        log.answered(served, [(asked, whole)])
    if endpoint.lanes.shadow:
        endpoint.lanes.shadow.copy(ask, request, Answer(served, whole, asked.spent))
    made, model, _ = asked.spent
    endpoint.metrics.took(time.perf_counter() - began, read - began + made, model, 0.0, served.version)


async def _parts(lane: Batcher, served: Served, asked: Asked) -> AsyncGenerator[Table, None]:
    """Each part as it comes. BadInput, TooLate, Gone, and what the model raises."""
    came: asyncio.Queue[Table | Exception | None] = asyncio.Queue()

    def tell(part: Table | Exception | None) -> None:
        lane.loop.call_soon_threadsafe(came.put_nowait, part)

    began = time.perf_counter()
    table = lane.table(served, asked)
    asked.spent = time.perf_counter() - began, 0.0, 0.0
    lane.streaming += 1  # no other request is in the model at the same time
    work = lane.loop.run_in_executor(lane.thread, _ask, lane, served, asked, table, tell)
    work.add_done_callback(lambda _: lane.streamed())
    try:
        while (part := await _next(came, asked)) is not None:
            yield part
    finally:
        asked.answer.cancel()  # nobody waits: the model is stopped at its next part


def _ask(lane: Batcher, served: Served, asked: Asked, table: Table, tell: Callable[[Any], None]) -> None:
    """In the model's thread: tell each part, or what went wrong; then that there is no more."""
    if asked.answer.done():  # it was late before its turn
        return
    lane.metrics.calls(served.version)
    began = time.perf_counter()
    try:
        for part in served.predictor.parts(table):
            if asked.answer.done() or asked.client.disconnected:
                break
            tell(part)
        lane.metrics.called(asked.rows, served.version)
    except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
        tell(failure(served, error))
    took = time.perf_counter() - began
    asked.spent = asked.spent[0], took, 0.0
    lane.metrics.rests(took)
    tell(None)


async def _next(came: asyncio.Queue[Table | Exception | None], asked: Asked) -> Table | None:
    try:
        async with asyncio.timeout_at(asked.due):
            part = await came.get()
    except TimeoutError:
        raise TooLate from None
    if asked.client.disconnected:
        raise Gone
    if isinstance(part, Exception):
        raise part
    return part
