"""CloudEvents that are sent here: `cloudevents://HOST:PORT/NAME` listens there, and what comes is kept before it is
answered, on the queue `cloudevents.NAME`, from which a group reads."""

from __future__ import annotations

import hmac
import socket
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ..data import places
from ..data.broker_places import name_of
from ..errors import BadInput, StorageError, WorkbenchError
from .cloudevents_words import events_of
from .embedded import EmbeddedReader

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn

    from ..data.grammar import Place

_LARGEST = 64_000_000
_WAITING = 1024


class EventsReader(EmbeddedReader):
    """Reads the queue of what came, and takes what comes. Who sends is answered 202 once it is on the disk, 503 where
    it cannot be kept now."""

    def __init__(self, at: Place, group: str, start: str) -> None:
        self.at, self.queue = at, f"queue:{name_of(at.kind, at.options['path'])}"
        super().__init__(self.queue, group, start)
        self.label = at.label
        self._doors: Doors | None = None

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Wait until no other process reads for this group, then listen. StorageError where the port is taken."""
        if not self.done and not super().acquire(stopping):
            return False
        if self._doors is None:
            self._doors = Doors(self.at, self.queue)
        return True

    def close(self) -> None:
        """Take nothing more, and let another process read."""
        if self._doors is not None:
            self._doors.close()
        super().close()


class Doors:
    """A server on a thread of its own."""

    def __init__(self, at: Place, queue: str) -> None:
        import uvicorn

        url = urlsplit(at.path)
        self.path, self.token = f"/{at.options['path']}", dict(parse_qsl(url.query)).get("token", "")
        self.log = places.log(queue)
        self._socket = _bound(url.hostname or "", url.port or 80, at.label)
        how: dict[str, Any] = {"interface": "asgi3", "log_level": "critical", "lifespan": "off", "access_log": False}
        config = uvicorn.Config(self.answer, **how)
        self._server: uvicorn.Server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        status, said = await self._taken(scope, receive)
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said.encode()})

    async def _taken(self, scope: Any, receive: Any) -> tuple[int, str]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"].rstrip("/") != self.path.rstrip("/"):
            return 404, f"events are taken at {self.path}"
        if scope["method"] != "POST":
            return 200, "ready"
        if self.token and not hmac.compare_digest(headers.get("authorization", ""), f"Bearer {self.token}"):
            return 401, "a token is needed: Authorization: Bearer …"
        if (body := await _body(receive)) is None:
            return 413, f"an event has at most {_LARGEST} bytes"
        try:
            found = events_of(headers, body)
            keys, heads, times = [e.key for e in found], [e.headers for e in found], [e.at for e in found]
            self.log.append([e.value for e in found], keys, heads, times=times)
        except BadInput as error:
            return 400, str(error)
        except WorkbenchError as error:
            return 503, error.what
        return 202, ""

    def close(self) -> None:
        """What was begun is answered."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self.log.close()


async def _body(receive: Any) -> bytes | None:
    parts, size, more = list[bytes](), 0, True
    while more and size <= _LARGEST:
        message = await receive()
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
    return None if size > _LARGEST else b"".join(parts)


def _bound(host: str, port: int, label: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(_WAITING)  # whoever comes before the server runs waits
    except OSError as error:
        bound.close()
        what = f"{label}: nothing can listen there: {error.strerror}"
        raise StorageError(what, fix="name another port, or end what listens there") from error
    return bound
