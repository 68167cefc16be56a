"""Requests -> micro-batches -> answers. What arrives while a batch is predicted is the next batch: nothing waits for
others to come, and the busier the model is, the larger its batches get."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...data.decoding import Decoder
from ...data.encoding import lists
from ...errors import ModelFailed, WorkbenchError
from ...inference import awaiting
from . import patience
from .asked import Answer, Asked, Shared
from .refusals import Busy, Gone, TooLate

if TYPE_CHECKING:
    from ...inference.fields import Table
    from ...inference.schema import Schema
    from ...monitoring.metrics import Metrics
    from .asked import Client, Place, Spent
    from .exchange import Question, Request
    from .lanes import Lane
    from .requests import RequestLog
    from .served import Served

MOST_ROWS = 4096
_QUICK = 0.01
_FEW = 512
_SHARE = 0.2
_TURNS = 2
_COME_BACK = 0.001
_LOOK = 0.05

Answers = list[dict[str, Any] | Exception]


class Batcher:
    """Asks the version of its lane. A quick model is asked on the event loop, where nothing is handed over; one that
    takes longer than 10 ms, or many rows, in a thread, so that the loop goes on reading; who was just answered by it
    then has a moment to ask again, or two halves of the clients would take turns.

    `alone` says that no other request is under way: then the answer is there when `ask` returns. `waits` tells the
    figures how many wait.
    """

    def __init__(self, live: Lane, metrics: Metrics, most_waiting: int) -> None:
        self.live, self.metrics, self.most_waiting = live, metrics, most_waiting
        self.loop = asyncio.get_running_loop()
        self.alone: Callable[[], bool] = lambda: False
        self.waits: Callable[[], None] = lambda: metrics.waits(len(self.waiting))
        self.waiting: list[Asked] = []
        self.under_way: list[Asked] = []
        self.began = 0.0  # when the model was asked for these
        self.awaited: set[asyncio.Task[None]] = set()
        self.log: RequestLog | None = None
        self.busy = False
        self.streaming = 0  # answers that come in parts: as long as there are some, the loop stays out of the model
        self._looking = False
        self.quick = _QUICK
        self.usual = _QUICK  # until it has been seen to be quicker
        self.thread = ThreadPoolExecutor(1, "model")
        self._reader = Decoder(live.served.inputs)

    def decoder(self, served: Served) -> Decoder:
        """What reads requests for this version."""
        reader = self._reader  # another thread may ask for another version meanwhile
        if reader.schema is not served.inputs:
            reader = self._reader = Decoder(served.inputs)
        return reader

    def ask(self, asked: Question, schema: Schema, due: float, client: Any, request: Request) -> asyncio.Future[Answer]:
        """The answer to a question, read for a version with this schema; to be awaited. Busy where too many wait; it
        raises TooLate once it is `due`. Where the `client` is `disconnected`, the model is not asked."""
        answer: asyncio.Future[Answer] = self.loop.create_future()
        if self._waits(self.admitted(asked, schema, due, client, request, answer)):
            self._begin()
        return answer

    def put(self, asked: Question, schema: Schema, due: float, client: Client, request: Request) -> None:
        """Likewise, where the client is told the answer itself; not before all is read that has come with it."""
        if self._waits(self.admitted(asked, schema, due, client, request, client)):
            self.loop.call_soon(self._begin)

    def admitted(
        self, asked: Question, schema: Schema, due: float, client: Any, request: Request, place: Place | None = None
    ) -> Asked:
        """The question with a place for its answer. Busy where too many wait."""
        if len(self.waiting) + len(self.awaited) + self.streaming >= self.most_waiting:
            raise Busy(
                f"{len(self.waiting)} requests wait already", fix="try again in a second, or %serve with more --workers"
            )
        answer = place or self.loop.create_future()
        return Asked(asked.columns, asked.data, asked.rows, asked.arrays, schema, answer, due, client, request)

    def _waits(self, asked: Asked) -> bool:
        """Let it wait; whether nobody is at work who will see it."""
        self.waiting.append(asked)
        if not self.busy:
            self.busy = True
            return True
        if self.under_way:  # else it is asked in a moment
            self.waits()
        return False

    def _begin(self) -> None:
        if self.alone():
            self._next()
        else:
            self._gather(_TURNS)

    def streamed(self, _: object = None) -> None:
        """An answer in parts has left the model."""
        self.streaming -= 1

    def adopt(self, other: Batcher) -> None:
        """Answer what waits for another version, which answers no more."""
        self.waiting += other.waiting
        other.waiting = []
        if self.waiting and not self.busy:
            self.busy = True
            self._gather(_TURNS)

    def _gather(self, turns: int) -> None:
        """Let the loop look at its connections first: what has come already shares the batch."""
        self.loop.call_soon(*((self._gather, turns - 1) if turns else (self._next,)))

    def _next(self) -> None:
        """Answer what waits, as one batch."""
        served = self.live.current()
        batch = self._taken()
        self.waits()
        if not batch:
            self._go_on()
            return
        for asked in batch:
            if asked.schema is not served.inputs and asked.schema != served.inputs:
                asked.columns = None  # read for the version before: its columns are others
        if served.predictor.awaits:
            self._await(served, batch)
            return
        quick = self.usual < self.quick and not served.predictor.yields and not self.streaming
        if quick and sum(asked.rows for asked in batch) <= _FEW:
            self._then(served, batch, self._answers(served, batch))
            return
        self.under_way, self.began = batch, self.loop.time()
        self._watch()
        work = self.loop.run_in_executor(self.thread, self._answers, served, batch)
        work.add_done_callback(lambda done: self._then(served, batch, done.result()))

    def _await(self, served: Served, batch: list[Asked]) -> None:
        """Ask an `async` model about each request alone; others are asked while it waits for what it awaits."""
        for asked in batch:
            task = self.loop.create_task(self._awaited(served, asked))
            self.awaited.add(task)
            task.add_done_callback(self.awaited.discard)
        self._go_on()

    async def _awaited(self, served: Served, asked: Asked) -> None:
        self.metrics.calls(served.version)
        began = time.perf_counter()
        try:
            table = self.table(served, asked)
            made = time.perf_counter()
            answered = await self._waited(served, asked, table) if asked.rows else served.none
            called = time.perf_counter()
            answer: dict[str, Any] | Exception = answered if asked.arrays else lists(answered)
            asked.spent = self._called(served, asked.rows, began, made, called)
        except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
            answer = failure(served, error)
        self.metrics.rests(0.0)  # it waits for others, and others are answered meanwhile
        self._done(served, [asked], [answer])

    @staticmethod
    async def _waited(served: Served, asked: Asked, table: Table) -> Table:
        work = asyncio.run_coroutine_threadsafe(served.predictor.awaited(table), awaiting.loop())
        return await patience.waited(asyncio.wrap_future(work), asked.due, asked.client)

    @property
    def stuck(self) -> float:
        """For how many seconds the model has been in its present call; 0 where it is in none."""
        return self.loop.time() - self.began if self.under_way else 0.0

    def _watch(self) -> None:
        """Look at deadlines, from time to time, as long as a call goes on that could outlast them."""
        if not self._looking:
            self._looking = True
            self.loop.call_later(_LOOK, self._end_the_late)

    def _end_the_late(self) -> None:
        now = self.loop.time()
        for asked in self.under_way:
            if asked.due <= now and not asked.answer.done():
                asked.answer.set_exception(TooLate())
        self.waiting = self._wanted(self.waiting)
        self.metrics.waits(len(self.waiting))
        self._looking = False
        if self.under_way:
            self._watch()

    def _then(self, served: Served, batch: list[Asked], answers: Answers) -> None:
        self.under_way = []
        self._done(served, batch, answers)
        self._go_on(_COME_BACK if len(batch) > 1 else 0)

    def _go_on(self, delay: float = 0) -> None:
        if self.waiting:
            self.loop.call_later(delay, self._next)
        else:
            self.busy = False

    def _taken(self) -> list[Asked]:
        """The next batch: at most so many rows, but at least one request."""
        rows = count = 0
        for asked in self.waiting:
            if count and rows + asked.rows > MOST_ROWS:
                break
            rows, count = rows + asked.rows, count + 1
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        return self._wanted(batch)

    def _wanted(self, batch: list[Asked]) -> list[Asked]:
        """Those that somebody still waits for."""
        now = self.loop.time()
        for asked in batch:
            if (asked.client.disconnected or asked.due <= now) and not asked.answer.done():
                asked.answer.set_exception(Gone() if asked.client.disconnected else TooLate())
        return [asked for asked in batch if not asked.answer.done()]

    def _done(self, served: Served, batch: list[Asked], answers: Answers) -> None:
        waited = [pair for pair in zip(batch, answers, strict=True) if not pair[0].answer.done()]
        if self.log and waited:
            self.log.answered(served, waited)
        for asked, answer in waited:
            if isinstance(answer, Exception):
                asked.answer.set_exception(answer)
            else:
                asked.answer.set_result(Answer(served, answer, asked.spent))

    def _answers(self, served: Served, batch: list[Asked]) -> Answers:
        """One answer per request; a request that is wrong, or that the model fails at, fails alone."""
        self.metrics.calls(served.version)
        started = time.perf_counter()
        answers = self._each(served, batch)
        took = time.perf_counter() - started
        self.usual += _SHARE * (took - self.usual)
        self.metrics.rests(took)
        return answers

    def _each(self, served: Served, batch: list[Asked]) -> Answers:
        if len(batch) == 1 or not served.predictor.row_wise:
            return [self._apart(served, asked) for asked in batch]
        together = [asked for asked in batch if asked.columns is not None and asked.rows]
        shared = self._shared(served, together) if len(together) > 1 else None
        if shared is None:
            return [self._apart(served, asked) for asked in batch]
        if len(together) == len(batch):
            return list(shared)
        for asked in together:
            asked.shared = None  # the log is told of them one by one, as of the others
        found = dict(zip(map(id, together), shared, strict=True))
        return [found[id(asked)] if id(asked) in found else self._apart(served, asked) for asked in batch]

    def _shared(self, served: Served, batch: list[Asked]) -> list[dict[str, Any]] | None:
        """The answers of one call for all; None where that fails, so that each is asked alone."""
        try:
            began = time.perf_counter()
            table = self.decoder(served).table([asked.columns for asked in batch if asked.columns is not None])
            made = time.perf_counter()
            answered = served.predictor.predict(table)
            called = time.perf_counter()
            listed = lists(answered)
        except Exception:  # noqa: BLE001 whichever request it was is found by asking each alone
            return None
        spent = self._called(served, sum(asked.rows for asked in batch), began, made, called)
        shared = Shared(len(batch), table, answered, listed)
        for asked in batch:
            asked.spent, asked.shared = spent, shared
        return _parts(answered, listed, batch)

    def _apart(self, served: Served, asked: Asked) -> dict[str, Any] | Exception:
        """The answer to one request by itself."""
        try:
            began = time.perf_counter()
            table = self.table(served, asked)
            made = time.perf_counter()
            answered = served.predictor.predict(table) if asked.rows else served.none
            called = time.perf_counter()
            answer = answered if asked.arrays else lists(answered)
        except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
            return failure(served, error)
        asked.spent = self._called(served, asked.rows, began, made, called)
        return answer

    def _called(self, served: Served, rows: int, began: float, made: float, called: float) -> Spent:
        """Count a call of the model; what it took in parts until now."""
        self.metrics.called(rows, served.version)
        return made - began, called - made, time.perf_counter() - called

    def table(self, served: Served, asked: Asked | Question) -> Table:
        """The quick way where it can be gone; what it refuses is refused in the schema's own words."""
        if asked.columns is not None:
            with suppress(Exception):
                return self.decoder(served).table([asked.columns])
        return served.inputs.table(asked.data)


def failure(served: Served, error: Exception) -> WorkbenchError:
    """What a client is told of whatever came of its question."""
    if isinstance(error, WorkbenchError):
        return error
    return ModelFailed(f"{served.ref} failed: {type(error).__name__}: {error}", fix="see %workbench logs")


def _parts(arrays: Table, listed: dict[str, list[Any]], batch: list[Asked]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    start = 0
    for asked in batch:
        end, part = start + asked.rows, {}
        for name, values in (arrays if asked.arrays else listed).items():
            part[name] = values[start:end]
        parts.append(part)
        start = end
    return parts
