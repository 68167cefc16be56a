"""What the endpoint tells the request log: each request with its answer, before the client has it."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

from ...monitoring.spool import Entry, Spool, plain
from .refusals import status_of

if TYPE_CHECKING:
    from ...errors import WorkbenchError
    from .batcher import Asked
    from .exchange import Request
    from .served import Served


class RequestLog:
    """Writes into a spool. `worker` makes the ids of requests that come without one its own."""

    def __init__(self, spool: Spool, worker: str) -> None:
        self.spool, self._worker, self._numbers = spool, f"{worker}-{int(time.time()):x}", count(1)

    def begin(self, request: Request) -> None:
        """Note when a request came, and which it is: as `X-Request-Id` says, or by a number of this worker's."""
        said = request.headers.get(b"x-request-id")
        request.id = said.decode("latin-1")[:128] if said else f"{self._worker}-{next(self._numbers)}"
        request.came = time.time()

    def answered(self, served: Served, batch: list[Asked], answers: list[Any]) -> None:
        """Write down what the model was asked, and what it answered or why not."""
        made = [self._entry(served, asked, answer) for asked, answer in zip(batch, answers, strict=True)]
        self.spool.write(made)

    def refused(self, served: Served, request: Request, error: WorkbenchError) -> None:
        """Write down a request that never reached the model, or whose answer came too late."""
        self.spool.write([self._about(served, request, status_of(error)) | {"error": str(error.what)}])

    def _entry(self, served: Served, asked: Asked, answer: Any) -> Entry:
        entry = self._about(served, asked.request, 200) | {"rows": asked.rows, "x": _inputs(asked)}
        if isinstance(answer, Exception):
            return entry | {"status": status_of(answer), "error": str(answer)}  # type: ignore[arg-type]
        return entry | {"y": plain(answer)}

    @staticmethod
    def _about(served: Served, request: Request, status: int) -> Entry:
        now = time.time()
        entry: Entry = {"id": request.id, "at": request.came, "version": served.version, "status": status}
        entry |= {"ms": (now - request.came) * 1000, "path": request.path}
        return entry | {"caller": request.caller} if request.caller else entry


def _inputs(asked: Asked) -> dict[str, Any]:
    if asked.columns is not None:
        return dict(zip(asked.schema.names, asked.columns, strict=True))
    data = asked.data
    if isinstance(data, dict):
        return plain(data)
    if data and isinstance(data[0], dict):
        names = dict.fromkeys(name for row in data for name in row)
        return {name: [row.get(name) for row in data] for name in names}
    return {asked.schema.names[0]: list(data)}
