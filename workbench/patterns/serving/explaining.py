"""A question -> what each column adds to the answers to its rows, found in the model's thread a part at a time, so that
whoever asks for predictions meanwhile waits for one part at most."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.encoding import dumps, lists
from ...monitoring import explainers
from ...monitoring.explanation import records
from .asked import Answer
from .batcher import Batcher
from .exchange import Reply
from .refusals import Gone, Refused, TooLate

if TYPE_CHECKING:
    from .exchange import Question
    from .served import Served

MOST_ROWS = 100
"""Rows of one request: each costs as much as thousands of predictions."""


async def explained(served: Served, lane: Batcher, question: Question, due: float, client: Any) -> Reply:
    """The explanations, as the verb `explain` has them."""
    found = await _found(served, lane, question, due, client)
    return Reply(dumps({"method": found.method, "explanations": _records(found)}))


async def output(served: Served, lane: Batcher, question: Question, due: float, client: Any) -> Answer:
    """The same as the output `explanation` of the Open Inference Protocol: JSON for each row."""
    said = [dumps(one).decode() for one in _records(await _found(served, lane, question, due, client))]
    return Answer(served, {"explanation": np.array(said, dtype=object) if question.arrays else said}, (0.0, 0.0, 0.0))


def _records(found: explainers.Explained) -> list[dict[str, Any]]:
    return records(found, lists({found.answer: found.answers})[found.answer])


async def _found(served: Served, lane: Batcher, question: Question, due: float, client: Any) -> explainers.Explained:
    """Refused of no rows and beyond so many, when it is `due`, and where the client is gone; ModelFailed, and NotFound
    for a version that keeps no reference."""
    if not question.rows:
        raise Refused("the body holds no rows", fix="send at least one row; GET / shows how")
    if question.rows > MOST_ROWS:
        what = f"{question.rows} rows are to be explained, at most {MOST_ROWS} at a time"
        raise Refused(what, fix=f"send fewer, or %workbench explain {served.ref} FRAME", status=413)
    table = lane.table(served, question)
    work = explainers.explain(served.predictor, table, partial(explainers.background, served.kept))
    lane.streaming += 1  # the model is asked in its thread alone meanwhile
    try:
        return await _run(work, lane, due, client)
    finally:
        lane.streaming -= 1


async def _run(work: explainers.Work, lane: Batcher, due: float, client: Any) -> explainers.Explained:
    said: Any = None
    while not isinstance(said, explainers.Explained):
        if client.disconnected:
            raise Gone()
        if lane.loop.time() > due:
            raise TooLate()
        said = await lane.loop.run_in_executor(lane.thread, _step, work, said)
    return said


def _step(work: explainers.Work, said: Any) -> Any:
    """What the next call gave, or the end of all."""
    try:
        call = work.send(said)
    except StopIteration as end:
        return end.value
    return call()
