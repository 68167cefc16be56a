"""A request that was let in -> its reply, whichever wire it came over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import journal
from ...errors import BadInput, ModelFailed, WorkbenchError
from ...monitoring.figures import by_version
from . import patience
from .exchange import REQUEST_ID
from .lanes import Lanes
from .live import named_in
from .refusals import Refused, status_of

if TYPE_CHECKING:
    from ...monitoring.figures import Figures
    from ...monitoring.metrics import Metrics
    from ...monitoring.traces import Traces
    from .access import Access
    from .asked import Answer
    from .batcher import Batcher
    from .exchange import Ask, Headers, Pairs, Question, Reply, Request
    from .live import Live
    from .requests import RequestLog
    from .served import Served


@dataclass(frozen=True)
class Limits:
    """The largest body in bytes, how many requests may wait, and for how many seconds one of them."""

    max_body: int = 16_000_000
    max_queue: int = 1024
    timeout: float = 60.0


@dataclass(slots=True)
class Asking:
    """A request that was read by `ask`: the version whose turn it is, where that is asked, and when nobody waits any
    more, by the loop's clock; it `began` to be and was `read` at these moments of `perf_counter`."""

    ask: Ask
    request: Request
    served: Served
    lane: Batcher
    question: Question
    due: float
    began: float
    read: float


class _Stays:
    """A client of which nothing is known."""

    disconnected = False


STAYS = _Stays()


class Answering:
    """Answers for the versions that `live` says, those whom `access` lets in; `name` is the deployment's."""

    def __init__(self, live: Live, *, name: str, access: Access, limits: Limits, metrics: Metrics) -> None:
        self.live, self.name, self.access, self.limits, self.metrics = live, name, access, limits, metrics
        self.lanes = Lanes(live, metrics, limits.max_queue)
        self.draining = False
        self.calls = 0  # under way, beside the requests over HTTP
        self.traces: Traces | None = None
        self.grpc = ""  # its address, where calls are answered too
        self._named: tuple[Served, Pairs, bytes] | None = None
        self._log: RequestLog | None = None

    @property
    def log(self) -> RequestLog | None:
        """Where requests are written down, if they are."""
        return self._log

    @log.setter
    def log(self, log: RequestLog | None) -> None:
        self._log = log
        for lane in self.lanes:
            lane.log = log

    @property
    def batcher(self) -> Batcher:
        """Where the live version is asked."""
        return self.lanes.first

    @property
    def ready(self) -> bool:
        """Whether it takes requests, and its model is not in a call that outlasts what any request may take."""
        return not self.draining and self.lanes.stuck < self.limits.timeout

    async def answer(self, ask: Ask, request: Request, client: Any = STAYS) -> Reply:
        """The reply to a request that was let in, read by `ask`."""
        try:
            asking = self.asking(ask, request)
            if asking.question.explains:
                return await self.explained(asking, client)
            answer = await asking.lane.ask(asking.question, asking.served.inputs, asking.due, client, request)
            return self.replied(asking, answer)
        except WorkbenchError as error:
            self.lost(request, error)
            raise

    def asking(self, ask: Ask, request: Request) -> Asking:
        """Read a request for the version whose turn it is."""
        began = time.perf_counter()
        if log := self.log:
            log.begin(request, began)
        served, lane = self.lanes.of(ask, request)
        request.served = served
        question = self.question(ask, request, served, lane)
        return Asking(ask, request, served, lane, question, self.due(request, question), began, time.perf_counter())

    def replied(self, asking: Asking, answer: Answer) -> Reply:
        """The reply to what was asked. It is counted, and a shadow gets a copy of the request."""
        answered = time.perf_counter()
        reply = asking.question.encode(answer)
        reply.headers += self.version(answer.served)
        reply.id = asking.request.id
        if self.lanes.shadow:
            self.lanes.shadow.copy(asking.ask, asking.request, answer)
        ended, (made, model, listed) = time.perf_counter(), answer.spent
        read, encoded = asking.read - asking.began, ended - answered
        self.metrics.took(ended - asking.began, read + made, model, encoded + listed, answer.served.version)
        return reply

    def lost(self, request: Request, error: Exception) -> None:
        """A request has no answer: it is counted, and written down if it never reached the model."""
        if request.served and isinstance(error, WorkbenchError):
            self.metrics.failed(request.served.version, status_of(error))
        if (log := self.log) and request.id and isinstance(error, Refused):
            log.refused(request.served or self.live.current(), request, error)

    async def explained(self, asking: Asking, client: Any) -> Reply:
        """What its answers depend on, in the form of an answer. It is not one: neither the log nor a shadow has it."""
        from .explaining import output

        served, question = asking.served, asking.question
        reply = question.encode(await output(served, asking.lane, question, asking.due, client))
        reply.headers += self.version(served)
        reply.id = asking.request.id
        return reply

    def told_of(self, path: str, headers: Headers, status: int, came: float, served: Served | None) -> None:
        """Count the response to a POST that came at this moment of `perf_counter`, and trace it."""
        self.metrics.answered(status, served.version if served else 0)
        if self.traces:
            self.trace(path, headers, status, time.perf_counter() - came, served)

    def question(self, ask: Ask, request: Request, served: Served, lane: Batcher) -> Question:
        try:
            question = ask(request, lane.decoder(served))
        except BadInput as error:
            if self.log and request.id:
                self.log.refused(served, request, error)
            raise
        return question

    def due(self, request: Request, question: Question) -> float:
        """When nobody waits for the answer any more, by the loop's clock: as its headers or its body say, but not later
        than any may be."""
        seconds = patience.of(request.headers, self.limits.timeout)
        return self.batcher.loop.time() + (seconds if question.timeout is None else min(seconds, question.timeout))

    @property
    def versions(self) -> list[Served]:
        """Those that answer, the live one first; a shadow does not."""
        route = self.live.route()
        return list(route.versions[:1] if route.table.shadow else route.versions)

    def counted(self, served: Served | None = None) -> dict[int, Figures]:
        """What was counted of each version that answers, or of one of them."""
        seen = by_version(self.metrics.values)
        which = self.versions if served is None else [served]
        return {one.version: seen[one.version] for one in which if one.version in seen}

    def at(self, path: str) -> Served:
        """The version that a path names; the live one where it names none that answers."""
        route = self.live.route()
        return (route.named(named_in(path)) if route.shared else None) or route.served

    def version(self, served: Served | None = None) -> Pairs:
        """The headers that say which version answered, or answers now."""
        served = served or self.live.current()
        if self._named is None or self._named[0] is not served:
            model, version = served.name.encode(), str(served.version).encode()
            pairs = (b"x-workbench-model", model), (b"x-workbench-version", version)
            self._named = served, pairs, b"".join(b"%b: %b\r\n" % pair for pair in pairs)
        return self._named[1]

    def lines(self, reply: Reply) -> bytes:
        """The headers of a reply, as they are written; most have those of the version alone."""
        _, pairs, lines = self._named or (None, None, b"")
        if reply.headers is not pairs:
            lines = b"".join(b"%b: %b\r\n" % pair for pair in reply.headers)
        named = b"x-request-id: %b\r\n" % reply.id if reply.id else b""
        return b"content-type: %b\r\n%b%b" % (reply.type, lines, named)

    def told(self, error: Exception) -> WorkbenchError:
        """What a client is told of an error; the log has it too, where the client is not to blame."""
        if isinstance(error, ModelFailed):
            journal.note(error)
        if isinstance(error, WorkbenchError):
            return error
        what = f"{self.name} failed at this request: {type(error).__name__}"
        journal.note(what, error)
        return Refused(what, fix=f"%workbench logs {self.name} says where", status=500)

    def trace(self, path: str, headers: Headers, status: int, seconds: float, served: Served | None) -> None:
        """Tell those who collect traces of a request, and of the version that it was given."""
        assert self.traces
        served = served or self.live.current()
        about = {"workbench.model": served.name, "workbench.version": served.version}
        self.traces.answered(path, headers, status, seconds, about)


def identified(request: Request) -> Pairs:
    """The header that names a request in the log."""
    return ((REQUEST_ID, request.id),) if request.id else ()
