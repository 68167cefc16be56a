"""A service of ours -> its predictions for rows of any kind, as the offline prediction gives them."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import text
from ..bundle.tables import concat, n_rows, take
from ..errors import BadInput, NotFound, WorkbenchError
from ..inference.schema import Schema
from . import given, refused
from .describing import words
from .remote import SECONDS, Remote, Silent
from .wires import Wire, wire

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

    from ..inference.fields import Table

_MOST_ROWS = 16_384
_FULL, _BUSY, _LOST = 413, (429, 503), (500, 502, 504)
_FIRST_WAIT, _LONGEST_WAIT, _GONE = 0.05, 5.0, 2.0
_STEP = "%serve MODEL prints the address of a service of Workbench; for others, verify --against"


@dataclass(frozen=True)
class About:
    """What a service says of the version that answers."""

    model: str
    version: str
    inputs: Schema
    outputs: Schema
    row_wise: bool
    max_body: int
    wire: Wire

    @classmethod
    def of(cls, said: dict[str, Any]) -> About:
        """Out of what `GET /schema` answers."""
        inputs, outputs = (Schema.from_json(said[name]) for name in ("inputs", "outputs"))
        limits = bool(said["row_wise"]), int(said["max_body"])
        return cls(str(said["model"]), str(said["version"]), inputs, outputs, *limits, wire(said.get("reads", [])))


class Client:
    """Asks the service at `url`; its connections stay open until `close`, or the end of a `with`.

    `token` is what the service asks for. `timeout` is for how many seconds one request is tried, again where the
    service is busy or restarts. Several threads may share a client. `certificate` is the file of one that is trusted.
    """

    def __init__(
        self, url: str, token: str | None = None, *, timeout: float = SECONDS, certificate: str | None = None
    ) -> None:
        self._remote = Remote(url, token=token or None, timeout=timeout, certificate=certificate)
        self._base, self._timeout = self._remote.path.removesuffix("/predict"), timeout
        self._about: About | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it asks."""
        return self._remote.url

    @property
    def about(self) -> About:
        """What the service says of the version that answered last; asked once, and again when another answers."""
        with self._lock:
            self._about = self._about or self._asked()
            return self._about

    def predict(self, rows: Any) -> Any:
        """The predictions for a frame (a series or a frame with its index), an array (an array, or a frame where the
        model answers several columns), records (records), columns (columns) or one record (a record).

        Many rows go in several requests, unless the model must see them together. BadInput names column and row;
        ModelFailed, UsageError for the token, NotFound, NotProven where the service does not answer in time.
        """
        asked = given.of(rows, self.about.inputs.kind)
        about = self.about
        table = about.inputs.table(asked.data) if asked.rows else {}
        if not asked.rows:
            return asked.back(given.nothing(about.outputs), about.outputs)
        answers = list(self._answers(table, about))
        return asked.back(concat(answers) if len(answers) > 1 else answers[0], about.outputs)

    async def apredict(self, rows: Any) -> Any:
        """`predict`, for those who await it: in a thread, so that others go on."""
        return await asyncio.to_thread(self.predict, rows)

    def close(self) -> None:
        """End its connections."""
        self._remote.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __str__(self) -> str:
        try:
            about = self.about
        except WorkbenchError as error:
            return f"client of {self.url}, which does not tell what it serves\n  why   {error.what}"
        lines = [f"client of {about.model}@{about.version} at {self.url}"]
        for label, schema in (("takes", about.inputs), ("gives", about.outputs)):
            said = ", ".join(f"{field.name} ({words(field)})" for field in schema.fields)
            lines.append(f"  {label} {said}")
        return "\n".join([*lines, "  next  client.predict(FRAME) · await client.apredict(FRAME)"])

    __repr__ = __str__

    def _asked(self) -> About:
        said = self._remote.look(f"{self._base}/schema")
        if not isinstance(said, dict) or not {"inputs", "outputs", "max_body"} <= said.keys():
            raise NotFound(f"{self.url} is no service of Workbench: it says no schema", fix=_STEP)
        return About.of(said)

    def _answers(self, table: Table, about: About) -> Iterator[Table]:
        """The answers to as few requests as the service takes."""
        rows = n_rows(table)
        step = min(rows, _MOST_ROWS) if about.row_wise else rows
        first = 0
        while first < rows:
            part = table if step >= rows else take(table, range(first, min(first + step, rows)))
            body = self._written(about, part, first)
            response = self._posted(about, body) if len(body) <= about.max_body else None
            if response is not None and response.status_code == 200:
                yield self._read(response, about)
                first += n_rows(part)
            elif response is not None and response.status_code != _FULL:
                raise refused.error(response, self._remote, first)
            elif about.row_wise and step > 1:
                step = math.ceil(step / 2)
            else:
                raise refused.too_large(len(body), about.max_body, n_rows(part), together=not about.row_wise)

    def _written(self, about: About, part: Table, first: int) -> bytes:
        try:
            return about.wire.write(about.inputs, part)
        except BadInput as error:
            row = None if error.row is None else error.row + first
            raise BadInput(error.what, column=error.column, row=row, fix=error.fix) from error

    def _posted(self, about: About, body: bytes) -> httpx.Response:
        """The response, once the service is no longer busy. It may be gone for a moment, while it restarts."""
        begun, wait = time.monotonic(), _FIRST_WAIT
        headers = {"content-type": about.wire.type, "accept": about.wire.type}
        while True:
            try:
                response = self._remote.send("POST", f"{self._base}/predict", body, headers)
                if response.status_code not in _BUSY and not _lost(response):
                    return response
                wait = max(wait, _retry_after(response))
            except NotFound:
                if time.monotonic() + wait > begun + _GONE:
                    raise
            if time.monotonic() + wait > begun + self._timeout:
                raise Silent(
                    f"{self.url} was busy for {text.seconds(self._timeout)}",
                    fix="ask with fewer at a time, or give it more --workers",
                )
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _read(self, response: httpx.Response, about: About) -> Table:
        """The answer with the dtypes of the version that gave it."""
        version = response.headers.get("x-workbench-version", about.version)
        if version != about.version:
            with self._lock:
                self._about = about = self._asked()
        used = replace(about, wire=wire([response.headers.get("content-type", "").partition(";")[0]]))
        return used.wire.read(about.outputs, response.content)


def _lost(response: httpx.Response) -> bool:
    """Whether a proxy answers, for a process of the service that has ended meanwhile: the service itself says JSON."""
    return response.status_code in _LOST and "json" not in response.headers.get("content-type", "")


def _retry_after(response: httpx.Response) -> float:
    """The seconds that a service asks for; those who give a date are asked again soon."""
    said = response.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT) if said.replace(".", "", 1).isdigit() else 0.0
