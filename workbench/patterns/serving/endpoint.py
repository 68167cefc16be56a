"""The ASGI application of one worker: requests -> the batcher -> responses. By hand, since it is the hot path; all else
is for the site behind it."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ...data.encoding import dumps
from ...errors import WorkbenchError
from . import body, deferring, events, patience, routes, yielded
from .answering import STAYS, Answering, Limits, identified
from .compression import PAYS, compress
from .exchange import Reply, Request
from .joined import end_unread
from .place import Place
from .refusals import Refused, not_taken, status_of
from .routes import PLAIN, Protocol

if TYPE_CHECKING:
    from ...monitoring.metrics import Metrics
    from .access import Access
    from .deferring import Deferring
    from .exchange import Headers, Pairs
    from .handing import HandingOver
    from .live import Live
    from .served import Served

Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]


class Endpoint(Answering):
    """Answers over HTTP."""

    def __init__(self, live: Live, *, name: str, access: Access, limits: Limits, metrics: Metrics) -> None:
        super().__init__(live, name=name, access=access, limits=limits, metrics=metrics)
        self.deferring: Deferring | HandingOver | None = None
        self._site: Any = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] != "POST":
            await self._take(scope, receive, send)
            return
        self.metrics.begun()
        try:
            await self._take(scope, receive, send)
        finally:
            self.metrics.ended()

    async def _take(self, scope: Any, receive: Receive, send: Send) -> None:
        path, headers = scope["path"], dict(scope["headers"])
        protocol, request = PLAIN, None
        started = time.perf_counter()
        try:
            self.access.check_host(headers, scope)
            if scope["method"] != "POST":
                await self._look(path, headers, scope, receive, send)
                return
            caller = self.access.check(headers)
            found = routes.FIXED.get(path) or routes.find(path, headers, self.at(path))
            if found is None:
                if self._health(path) is not None:
                    raise not_taken("POST", path, b"GET", f"GET {path}, or POST rows to /predict")
                await self._visit(scope, receive, self._named_by(receive, send))
                return
            protocol, request = found, Request(path, headers, b"", caller)
            reply = await self._predict(protocol, request, receive, send)
        except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
            reply = self.failed(protocol, error, request)
            end_unread(receive)
        if scope["method"] == "POST":
            self.told_of(path, headers, reply.status, started, request.served if request else None)
        if not reply.sent:
            await self._send(reply, scope, headers, send)

    async def _send(self, reply: Reply, scope: Any, asked: Headers, send: Send) -> None:
        if len(reply.content) >= PAYS:
            await compress(reply, asked)
        headers = [
            (b"content-type", reply.type),
            (b"content-length", str(len(reply.content)).encode()),
            *reply.pairs,
        ]
        if self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.content})

    async def _predict(self, protocol: Protocol, request: Request, receive: Receive, send: Send) -> Reply:
        request.content = await body.read(receive, request.headers, self.limits.max_body)
        if protocol.explains:
            return await self._explain(protocol, request, getattr(receive, "__self__", STAYS))
        if self.deferring and deferring.wanted(request.headers):
            return await self.deferring.take(request)
        client = getattr(receive, "__self__", STAYS)
        if events.wanted(request.headers):
            return await self._send_events(protocol, request, client, send)
        return await self.answer(protocol.ask, request, client)

    async def _explain(self, protocol: Protocol, request: Request, client: Any) -> Reply:
        from .explaining import explained

        request.served, lane = self.lanes.of(protocol.ask, request)
        question = self.question(protocol.ask, request, request.served, lane)
        due = lane.loop.time() + patience.of(request.headers, self.limits.timeout)
        reply = await explained(request.served, lane, question, due, client)
        reply.headers += self.version(request.served)
        return reply

    async def _send_events(self, protocol: Protocol, request: Request, client: Any, send: Send) -> Reply:
        def headers() -> Pairs:
            close = ((b"connection", b"close"),) if self.draining else ()
            return self.version(request.served) + identified(request) + close

        async with aclosing(yielded.answer(self, protocol.ask, request, client)) as parts:
            status = await events.send(parts, headers, send, self.told)
        return Reply(b"", status=status, sent=True)

    async def reply(self, request: Request) -> Reply:
        """The reply to a request that was let in before, whatever it is."""
        protocol = PLAIN
        try:
            protocol = routes.find(request.path, request.headers, self.at(request.path)) or PLAIN
            return await self.answer(protocol.ask, request)
        except Exception as error:  # noqa: BLE001 who fetches it gets an answer whatever happens
            return self.failed(protocol, error, request)

    async def _look(self, path: str, headers: Headers, scope: Any, receive: Receive, send: Send) -> None:
        """Answer who sends no rows: whether it is well, to anybody; all else to who may look."""
        if (health := self._health(path)) is not None:
            if scope["method"] not in ("GET", "HEAD"):
                raise not_taken(scope["method"], path, b"GET", f"GET {path}, or POST rows to /predict")
            health.headers += self.version()
            await self._send(health, scope, headers, send)
            return
        if path.startswith(deferring.PREFIX) and self.deferring and scope["method"] in ("GET", "HEAD", "DELETE"):
            await self._look_up(path, headers, scope, send)
            return
        shown = path == "/metrics" and self.access.open_metrics
        cookie = () if shown else self.access.check_looking(headers, scope["query_string"], Place.of(scope))
        await self._visit(scope, receive, self._named_by(receive, send, cookie))

    async def _look_up(self, path: str, headers: Headers, scope: Any, send: Send) -> None:
        """The answer to a request that was to be answered later."""
        assert self.deferring
        self.access.check_looking(headers, scope["query_string"], Place.of(scope))
        reply = await self.deferring.look(scope["method"], path.removeprefix(deferring.PREFIX), headers)
        await self._send(reply, scope, headers, send)

    def _named_by(self, receive: Receive, send: Send, further: Pairs = ()) -> Send:
        """Sends what the site answers with the version in its headers, and these."""

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                end_unread(receive)
                message["headers"] = [*message["headers"], *further, *self.version()]
                if self.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        return sending

    async def _visit(self, scope: Any, receive: Receive, send: Send) -> None:
        """Let the site answer; it is made in a thread, so that no prediction waits for the first who looks."""
        if self._site is None:
            self._site = await asyncio.to_thread(self._made)
        await self._site(scope, receive, send)

    def _made(self) -> Any:
        from .looking.site import site

        made = site(self)
        gc.freeze()  # what it imported is never looked at again
        return made

    def _health(self, path: str) -> Reply | None:
        """Live while this answers; ready while it takes requests. It began to listen after it answered its example."""
        status = 200 if self.ready else 503
        if path in ("/v2/health/live", "/health/live"):
            return Reply(b'{"live":true}')
        if path in ("/ping", "/health"):  # MLflow's, where SageMaker looks too, to know whether to send requests
            return Reply(b"\n", status=status)
        if path in ("/v2/health/ready", "/health/ready"):
            return Reply(dumps({"ready": self.ready}), status=status)
        if path.startswith("/v2/models/") and path.endswith("/ready"):
            served = self.at(path)
            routes.check_model(path.removesuffix("/ready"), served)
            return Reply(dumps({"name": served.name, "ready": self.ready}), status=status)
        if path.startswith("/v1/models/") and ":" not in path:
            served = self.live.current()
            routes.check_model(path, served)
            return Reply(dumps({"name": served.name, "ready": self.ready}), status=status)
        return None

    def failed(self, protocol: Protocol, error: Exception, request: Request | None) -> Reply:
        """The reply to who gets no answer."""
        reply = self._refusal(protocol, self.told(error), request.served if request else None)
        reply.id = request.id if request else b""
        return reply

    def _refusal(self, protocol: Protocol, error: WorkbenchError, served: Served | None) -> Reply:
        status = status_of(error)
        headers = self.version(served)
        if isinstance(error, Refused):
            headers += error.headers
        reply = protocol.refusal(error, status)
        reply.headers, reply.status = headers, status
        return reply
