"""Requests -> micro-batches -> answers. What arrives while a batch is predicted is the next batch: nothing waits for
others to come, and the busier the model is, the larger its batches get."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...data.decoding import Columns, Decoder
from ...data.encoding import lists
from ...errors import ModelFailed, WorkbenchError
from .refusals import Busy

if TYPE_CHECKING:
    from ...inference.fields import Table
    from ...monitoring.metrics import Metrics
    from .live import Live
    from .served import Served

MOST_ROWS = 4096
_QUICK = 0.002
_SHARE = 0.2


Answers = list[dict[str, list[Any]] | Exception]


@dataclass(slots=True)
class Asked:
    """One request: its columns, or rows that only `Schema.table` reads, and where its answer goes."""

    columns: Columns | None
    data: Any
    rows: int
    answer: asyncio.Future[Answer]


@dataclass(frozen=True, slots=True)
class Answer:
    """The version that answered, and its columns."""

    served: Served
    columns: dict[str, list[Any]]


class Batcher:
    """Asks the live version. A quick model is asked on the event loop, where nothing is handed over; one that takes
    longer than 2 ms in a thread, so that the loop goes on reading."""

    def __init__(self, live: Live, metrics: Metrics, most_waiting: int) -> None:
        self.live, self.metrics, self.most_waiting = live, metrics, most_waiting
        self.waiting: list[Asked] = []
        self.busy = False
        self.usual = 0.0
        self.thread = ThreadPoolExecutor(1, "model")
        self.decoders: dict[int, Decoder] = {}

    def ask(self, columns: Columns | None, data: Any, rows: int) -> asyncio.Future[Answer]:
        """The answer to one request, to be awaited. Busy where too many wait."""
        if len(self.waiting) >= self.most_waiting:
            raise Busy(
                f"{len(self.waiting)} requests wait already", fix="try again in a second, or %serve with more --workers"
            )
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self.waiting.append(Asked(columns, data, rows, answer))
        if not self.busy:
            self.busy = True
            loop.call_soon(self._next)
        return answer

    def _next(self) -> None:
        """Answer what waits, as one batch."""
        batch = self._taken()
        self.metrics.waits(len(self.waiting))
        if not batch:
            self.busy = False
            return
        served = self.live.current()
        loop = asyncio.get_running_loop()
        if self.usual < _QUICK:
            self._done(served, batch, self._answers(served, batch))
            loop.call_soon(self._next)
            return
        work = loop.run_in_executor(self.thread, self._answers, served, batch)
        work.add_done_callback(lambda done: self._then(served, batch, done.result()))

    def _then(self, served: Served, batch: list[Asked], answers: Answers) -> None:
        self._done(served, batch, answers)
        self._next()

    def _taken(self) -> list[Asked]:
        """The next batch: at most so many rows, but at least one request."""
        rows = count = 0
        for asked in self.waiting:
            if count and rows + asked.rows > MOST_ROWS:
                break
            rows, count = rows + asked.rows, count + 1
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        return [asked for asked in batch if not asked.answer.done()]

    def _done(self, served: Served, batch: list[Asked], answers: Answers) -> None:
        for asked, answer in zip(batch, answers, strict=True):
            if asked.answer.done():
                continue  # whoever asked went away
            if isinstance(answer, Exception):
                asked.answer.set_exception(answer)
            else:
                asked.answer.set_result(Answer(served, answer))

    def _answers(self, served: Served, batch: list[Asked]) -> Answers:
        """One answer per request; a request that is wrong, or that the model fails at, fails alone."""
        started = time.perf_counter()
        answers = self._each(served, batch)
        took = time.perf_counter() - started
        self.usual += _SHARE * (took - self.usual)
        self.metrics.predicted(sum(asked.rows for asked in batch), took)
        return answers

    def _each(self, served: Served, batch: list[Asked]) -> Answers:
        if len(batch) == 1 or not served.predictor.row_wise:
            return [_alone(served, asked) for asked in batch]
        together = [asked for asked in batch if asked.columns is not None and asked.rows]
        shared = self._shared(served, together) if len(together) > 1 else None
        if shared is None:
            return [_alone(served, asked) for asked in batch]
        found = dict(zip(map(id, together), shared, strict=True))
        return [found[id(asked)] if id(asked) in found else _alone(served, asked) for asked in batch]

    def _shared(self, served: Served, batch: list[Asked]) -> list[dict[str, list[Any]]] | None:
        """The answers of one call for all; None where that fails, so that each is asked alone."""
        decoder = self._decoder(served)
        try:
            table = decoder.table([asked.columns for asked in batch if asked.columns is not None])
            answered = lists(served.predictor.predict(table))
        except Exception:  # noqa: BLE001 whichever request it was is found by asking each alone
            return None
        return _parts(answered, batch)

    def _decoder(self, served: Served) -> Decoder:
        key = id(served.inputs)
        if key not in self.decoders:
            self.decoders = {key: Decoder(served.inputs)}
        return self.decoders[key]


def _parts(answered: dict[str, list[Any]], batch: list[Asked]) -> list[dict[str, list[Any]]]:
    parts, start = [], 0
    for asked in batch:
        end = start + asked.rows
        parts.append({name: values[start:end] for name, values in answered.items()})
        start = end
    return parts


def _alone(served: Served, asked: Asked) -> dict[str, list[Any]] | Exception:
    try:
        return lists(served.predictor.predict(_table(served, asked)))
    except WorkbenchError as error:
        return error
    except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
        return ModelFailed(f"{served.ref} failed: {type(error).__name__}: {error}", fix="see %workbench logs")


def _table(served: Served, asked: Asked) -> Table:
    """The quick way where it can be gone; what it refuses is refused in the schema's own words."""
    if asked.columns is not None:
        try:
            return Decoder(served.inputs).table([asked.columns])
        except Exception:  # noqa: BLE001
            pass
    return served.inputs.table(asked.data)
