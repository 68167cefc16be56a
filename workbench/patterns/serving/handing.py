"""A request that its client would rather not wait for -> records of a queue, which a stream scores: `--async QUEUE`."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

from ...brokers.opening import topic
from ...data.encoding import as_list, dumps
from ...errors import StorageError
from ...inference.arrow import is_arrow
from ...inference.reading import ONLY
from . import routes
from .exchange import Reply
from .refusals import Refused

if TYPE_CHECKING:
    from ...brokers.protocol import Topic
    from ...inference.schema import Schema
    from .endpoint import Endpoint
    from .exchange import Headers, Request

_AGAIN = ((b"retry-after", b"1"),)


class HandingOver:
    """Puts the rows of requests on the queue `place`; each is a record with the columns that it came with, and the id
    of its request as its key. One thread puts them, so that they keep their order."""

    def __init__(self, endpoint: Endpoint, place: str) -> None:
        self.endpoint, self.place = endpoint, place
        self._thread = ThreadPoolExecutor(1, "queue")
        self._topic: Topic | None = None

    async def take(self, request: Request) -> Reply:
        """Put a request there; the 202 that says so. BadInput for rows that the model could not take; Refused with 503
        where the queue takes none."""
        values = self._values(request)
        said = request.headers.get(b"x-request-id")
        id = said.decode("latin-1")[:128] if said else str(uuid.uuid4())
        keys = [id] if len(values) == 1 else [f"{id}/{row}" for row in range(len(values))]
        about = {"request": id} | ({"caller": request.caller} if request.caller else {})
        loop = asyncio.get_running_loop()
        label = await loop.run_in_executor(self._thread, self._put, values, keys, about)
        answer = {"id": id, "state": "queued", "queue": label, "rows": len(values)}
        return Reply(dumps(answer), headers=((b"preference-applied", b"respond-async"),), status=202)

    def _values(self, request: Request) -> list[bytes]:
        """The records, of rows that are known to fit."""
        protocol = routes.find(request.path, request.headers, self.endpoint.at(request.path)) or routes.PLAIN
        request.served, lane = self.endpoint.lanes.of(protocol.ask, request)
        question = self.endpoint.question(protocol.ask, request, request.served, lane)
        request.served.inputs.table(question.data)
        return [dumps(record) for record in records(question.data, request.served.inputs)]

    def _put(self, values: list[bytes], keys: list[str], about: dict[str, Any]) -> str:
        try:
            self._topic = self._topic or topic(self.place)
            self._topic.append(values, keys, [about] * len(values))
        except StorageError as error:
            raise Refused(error.what, fix="try again in a second", status=503, headers=_AGAIN) from error
        return self._topic.label

    async def look(self, method: str, id: str, asked: Headers) -> NoReturn:
        """Refused with 404: the answers are where the stream writes."""
        fix = "look where the stream that scores it writes, by this key"
        raise Refused(f"{id[:64]} is not answered here: requests go on a queue", fix=fix, status=404)

    async def work(self) -> None:
        """Nothing, for ever; then what was put has arrived."""
        try:
            await asyncio.Event().wait()
        finally:
            self._thread.shutdown()
            if self._topic:
                self._topic.close()


def records(data: Any, schema: Schema) -> list[Any]:
    """The rows of a question one by one, with all columns that they came with."""
    if is_arrow(data):
        found: list[Any] = data.to_pylist()
        return found
    if isinstance(data, dict):
        columns = [values if isinstance(values, list) else as_list(values) for values in data.values()]
        return [dict(zip(data, row, strict=True)) for row in zip(*columns, strict=True)]
    return [{ONLY: row} if not isinstance(row, dict) and schema.kind == "array" else row for row in data]
