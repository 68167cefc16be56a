"""The ASGI application of one worker: requests -> the batcher -> responses. By hand, since it is the hot path."""

from __future__ import annotations

import hmac
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from ...data.encoding import dumps
from ...errors import ModelFailed, WorkbenchError
from . import body, mlflow, pages, plain, v2
from .batcher import Batcher
from .refusals import Refused, body_of, status_of

if TYPE_CHECKING:
    from ...data.decoding import Decoder
    from ...monitoring.metrics import Metrics
    from .body import Headers
    from .live import Live
    from .plain import Question
    from .served import Served

Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
Ask = Callable[[Any, "Decoder"], "Question"]

_JSON = b"application/json"
_PLAIN = ("/predict", "/")
_LOCAL = (b"127.0.0.1", b"localhost", b"[::1]", b"::1")


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
    """Answers for the version that `live` says. `token` None lets everybody ask; `name` is the deployment's, for
    messages; on a loopback address (`local`) other names of the host are refused, as a page that rebinds DNS uses."""

    def __init__(
        self, live: Live, *, name: str, token: str | None, limits: Limits, metrics: Metrics, local: bool = True
    ) -> None:
        self.live, self.name, self.limits, self.metrics, self.local = live, name, limits, metrics, local
        self.token = f"Bearer {token}".encode() if token else None
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
            traceback.print_exc(file=sys.stderr)
            what = f"{self.name} failed at this request: {type(error).__name__}"
            reply = self._refusal(path, Refused(what, fix=f"%workbench logs {self.name} says where", status=500))
        if scope["method"] == "POST":
            self.metrics.answered(time.perf_counter() - started, failed=reply.status >= 400)
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
        self._check_host(headers)
        if method == "POST":
            self._check_token(headers)
            return await self._predict(path, headers, receive)
        if method not in ("GET", "HEAD"):
            raise _not_taken(method, path, b"GET, POST", "GET to look, POST to predict")
        if (health := self._health(path)) is not None:
            return health
        self._check_token(headers, scope["query_string"])
        page = self._look(path)
        if page is None and _asks(path):
            raise _not_taken(method, path, b"POST", f"POST rows to {path}; GET / shows how")
        if page is None:
            raise _nothing(path)
        return page

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
        if self._health(path) or self._look(path):
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

    def _look(self, path: str) -> Reply | None:
        served = self.live.current()
        if path == "/metrics":
            from ...monitoring import prometheus

            figures = self.metrics.all()
            return Reply(
                200, prometheus.text(figures, served.name, str(served.version)), prometheus.CONTENT_TYPE.encode()
            )
        if path == "/openapi.json":
            return Reply(200, dumps(pages.openapi(served)))
        if path in ("/", "/docs"):
            return Reply(200, pages.page(served, self.name), b"text/html; charset=utf-8")
        if path == "/version":
            return Reply(200, pages.version().encode(), b"text/plain; charset=utf-8")
        if path == "/v2":
            return Reply(200, dumps({"name": "workbench", "version": pages.version(), "extensions": []}))
        if path.startswith("/v2/models/"):
            self._check_model(path)
            return Reply(200, dumps(v2.metadata(served)))
        return None

    def _check_token(self, headers: Headers, query: bytes = b"") -> None:
        if self.token is None:
            return
        given = headers.get(b"authorization", b"")
        if not given and query:
            given = b"Bearer " + parse_qs(query).get(b"token", [b""])[0]
        if not hmac.compare_digest(given, self.token):
            own = self.name.partition("/")[2]
            wrong = f"the token of {self.name} is another one" if given else f"{self.name} asks for a token"
            fix = f'send it, as in curl -H "Authorization: Bearer $(workbench token {own})"'
            raise Refused(wrong, fix=fix, status=401, headers=((b"www-authenticate", b"Bearer"),))

    def _check_host(self, headers: Headers) -> None:
        if not self.local:
            return
        host = headers.get(b"host", b"localhost").lower()
        if host.rpartition(b":")[0] not in _LOCAL and host not in _LOCAL:
            what = f"the request is for the host {host.decode('latin-1')}; {self.name} answers as localhost"
            fix = "ask 127.0.0.1 or localhost; for other machines, %serve with --host 0.0.0.0"
            raise Refused(what, fix=fix, status=421)

    def _refusal(self, path: str, error: WorkbenchError) -> Reply:
        status = status_of(error)
        headers = self._version(self.live.current())
        if isinstance(error, Refused):
            headers += error.headers
        if isinstance(error, ModelFailed):
            print(f"{time.strftime('%F %T')} {error}", file=sys.stderr, flush=True)  # noqa: T201 (its log)
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
