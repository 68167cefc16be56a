"""The ASGI application of one worker: requests -> the batcher -> responses. By hand, since it is the hot path."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ... import journal
from ...data.encoding import dumps
from ...errors import ModelFailed, WorkbenchError
from . import body, mlflow, openapi, pages, plain, v2
from .batcher import Batcher
from .refusals import Refused, body_of, status_of

if TYPE_CHECKING:
    from ...data.decoding import Decoder
    from ...monitoring.metrics import Metrics
    from .access import Access
    from .body import Headers
    from .live import Live
    from .plain import Question
    from .served import Served

Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
Ask = Callable[[Any, "Decoder"], "Question"]

_JSON = b"application/json"
_PLAIN = ("/predict", "/")


@dataclass(frozen=True)
class Limits:
    """The largest body in bytes, and how many requests may wait."""

    max_body: int = 16_000_000
    max_queue: int = 1024


@dataclass(frozen=True)
class Reply:
    """A whole response."""

    status: int
    content: bytes
    type: bytes = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Endpoint:
    """Answers for the version that `live` says, those whom `access` lets in; `name` is the deployment's."""

    def __init__(self, live: Live, *, name: str, access: Access, limits: Limits, metrics: Metrics) -> None:
        self.live, self.name, self.access, self.limits, self.metrics = live, name, access, limits, metrics
        self.batcher = Batcher(live, metrics, limits.max_queue)
        self.draining = False
        self._named: tuple[Served, tuple[tuple[bytes, bytes], ...]] | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        path, headers = scope["path"], dict(scope["headers"])
        try:
            reply = await self._reply(scope["method"], path, headers, scope, receive)
        except WorkbenchError as error:
            reply = self._refusal(path, error)
        except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
            what = f"{self.name} failed at this request: {type(error).__name__}"
            journal.note(what, error)
            reply = self._refusal(path, Refused(what, fix=f"%workbench logs {self.name} says where", status=500))
        if scope["method"] == "POST":
            self.metrics.answered(time.perf_counter() - started, reply.status)
        await self._send(reply, send, head=scope["method"] == "HEAD")

    async def _send(self, reply: Reply, send: Send, *, head: bool) -> None:
        headers = [
            (b"content-type", reply.type),
            (b"content-length", str(len(reply.content)).encode()),
            *(reply.headers or self._version(self.live.current())),
        ]
        if self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else reply.content})

    async def _reply(self, method: str, path: str, headers: Headers, scope: Any, receive: Receive) -> Reply:
        self.access.check_host(headers)
        if method == "POST":
            self.access.check(headers)
            return await self._predict(path, headers, receive)
        if method not in ("GET", "HEAD"):
            raise _not_taken(method, path, b"GET, POST", "GET to look, POST to predict")
        if (health := self._health(path)) is not None:
            return health
        cookie = self.access.check_looking(headers, scope["query_string"])
        page = self._look(path, headers.get(b"host", b"localhost").decode("latin-1"))
        if page is None and _asks(path):
            raise _not_taken(method, path, b"POST", f"POST rows to {path}; GET / shows how")
        if page is None:
            raise _nothing(path)
        return replace(page, headers=(*cookie, *self._version(self.live.current()))) if cookie else page

    async def _predict(self, path: str, headers: Headers, receive: Receive) -> Reply:
        ask = self._route(path, headers)
        said = body.json(await body.read(receive, headers, self.limits.max_body))
        served = self.live.current()
        columns, data, rows, encode = ask(said, self.batcher.decoder(served))
        if not rows:
            raise Refused("the body holds no rows", fix="send at least one row; GET / shows how")
        answer = await self.batcher.ask(columns, data, rows, served.inputs)
        return Reply(200, encode(answer), headers=self._version(answer.served))

    def _version(self, served: Served) -> tuple[tuple[bytes, bytes], ...]:
        if self._named is None or self._named[0] is not served:
            model, version = served.name.encode(), str(served.version).encode()
            self._named = served, ((b"x-workbench-model", model), (b"x-workbench-version", version))
        return self._named[1]

    def _route(self, path: str, headers: Headers) -> Ask:
        """How the body of a POST to this path is read."""
        if path in _PLAIN:
            return plain.question
        if path == "/invocations":
            mlflow.check_type(headers)
            return mlflow.question
        if _asks(path):
            self._check_model(path.removesuffix("/infer"))
            return v2.question
        if self._health(path) or self._look(path, ""):
            raise _not_taken("POST", path, b"GET", f"GET {path}, or POST rows to /predict")
        raise _nothing(path)

    def _check_model(self, path: str) -> None:
        """That `/v2/models/NAME[/versions/N]` is what answers here."""
        served = self.live.current()
        name, _, version = unquote(path.removeprefix("/v2/models/")).partition("/versions/")
        if name != served.name or (version and version != str(served.version)):
            asked = f"{name!r} version {version}" if version else repr(name)
            what = f"Request for unknown model: {asked} is not found"
            fix = f"{served.name}, version {served.version}, answers here: /v2/models/{served.name}/infer"
            raise Refused(what, fix=fix, status=404)

    def _health(self, path: str) -> Reply | None:
        """Alive while this answers; ready while it takes requests. It began to listen after it answered its example."""
        ready = not self.draining
        if path in ("/health", "/ping", "/v2/health/live", "/health/live"):
            return Reply(200, b"\n" if path in ("/ping", "/health") else b'{"live":true}')
        if path in ("/v2/health/ready", "/health/ready"):
            return Reply(200 if ready else 503, b'{"ready":true}' if ready else b'{"ready":false}')
        if path.startswith("/v2/models/") and path.endswith("/ready"):
            self._check_model(path.removesuffix("/ready"))
            return Reply(200 if ready else 503, dumps({"name": self.live.current().name, "ready": ready}))
        return None

    def _look(self, path: str, host: str) -> Reply | None:
        """What is shown at this path to somebody who reached it under this host."""
        served, token = self.live.current(), self.access.token is not None
        if path == "/metrics":
            from ...monitoring import prometheus

            figures = self.metrics.all()
            return Reply(
                200, prometheus.text(figures, served.name, str(served.version)), prometheus.CONTENT_TYPE.encode()
            )
        if path == "/openapi.json":
            return Reply(200, dumps(openapi.description(served, token=token)))
        if path in ("/", "/docs"):
            return Reply(200, pages.page(served, self.name, f"http://{host}", token=token), b"text/html; charset=utf-8")
        if path == "/version":
            return Reply(200, _version().encode(), b"text/plain; charset=utf-8")
        if path == "/v2":
            return Reply(200, dumps({"name": "workbench", "version": _version(), "extensions": []}))
        if path.startswith("/v2/models/"):
            self._check_model(path)
            return Reply(200, dumps(v2.metadata(served)))
        return None

    def _refusal(self, path: str, error: WorkbenchError) -> Reply:
        status = status_of(error)
        headers = self._version(self.live.current())
        if isinstance(error, Refused):
            headers += error.headers
        if isinstance(error, ModelFailed):
            journal.note(error)
        said = mlflow.error(error, status) if path == "/invocations" else body_of(error)
        return Reply(status, dumps(said), headers=headers)


def _asks(path: str) -> bool:
    """Whether rows are sent to this path."""
    return path in _PLAIN[:1] or path == "/invocations" or (path.startswith("/v2/models/") and path.endswith("/infer"))


def _not_taken(method: str, path: str, allowed: bytes, fix: str) -> Refused:
    return Refused(f"{method} is not taken at {path}", fix=fix, status=405, headers=((b"allow", allowed),))


def _nothing(path: str) -> Refused:
    fix = "POST /predict, /invocations or /v2/models/NAME/infer; GET / shows how"
    return Refused(f"there is nothing at {path}", fix=fix, status=404)


def _version() -> str:
    """Of Workbench."""
    from importlib.metadata import version

    return version("deployment-workbench")
