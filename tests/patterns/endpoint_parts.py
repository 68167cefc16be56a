"""An endpoint of a model, asked as its server asks it, without a socket: thousands of requests in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.monitoring.metrics import Metrics
from workbench.patterns.serving.access import Access
from workbench.patterns.serving.answering import Limits
from workbench.patterns.serving.endpoint import Endpoint
from workbench.patterns.serving.live import Live
from workbench.patterns.serving.served import Served


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return orjson.loads(self.content)


class Asking:
    """Asks the endpoint of a model, named m, that a function is; the loop is closed with `close`."""

    def __init__(self, function: Callable[[Any], Any], example: Any, folder: Path, **limits: int) -> None:
        self.loop = asyncio.new_event_loop()
        schema = Schema.infer(example)
        predictor = Predictor(function, schema, name="m@1", row_wise=True)
        table = schema.table(example)
        served = Served("m", 1, predictor, Schema.infer_table(predictor.predict(table)), table, None)
        self.endpoint = self.loop.run_until_complete(self._made(served, folder, limits))

    async def _made(self, served: Served, folder: Path, limits: dict[str, int]) -> Endpoint:
        access = Access("service/m", None, local=False)
        metrics = Metrics(folder / "metrics", 0, 1)
        return Endpoint(Live(served), name="service/m", access=access, limits=Limits(**limits), metrics=metrics)

    def close(self) -> None:
        self.endpoint.batcher.thread.shutdown()
        self.loop.close()

    def post(self, path: str, content: Any, headers: dict[str, str] | None = None) -> Answered:
        """The answer to a POST of these bytes, or of this as JSON."""
        return self.all([(path, content, headers or {})])[0]

    def get(self, path: str) -> Answered:
        return self.loop.run_until_complete(self._asked("GET", path, b"", {}))

    def all(self, requests: list[tuple[str, Any, dict[str, str]]]) -> list[Answered]:
        """The answers to POSTs that come at once."""

        async def together() -> list[Answered]:
            return list(await asyncio.gather(*(self._asked("POST", *request) for request in requests)))

        return self.loop.run_until_complete(together())

    async def _asked(self, method: str, path: str, content: Any, headers: dict[str, str]) -> Answered:
        said = content if isinstance(content, bytes) else orjson.dumps(content)
        sent: list[Any] = []
        given = {"host": "localhost"} | headers
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()]
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": raw, "scheme": "http", "root_path": "", "http_version": "1.1"}

        async def receive() -> Any:
            return {"type": "http.request", "body": said, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.endpoint(scope, receive, send)
        named = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], named, b"".join(part.get("body", b"") for part in sent[1:]))
