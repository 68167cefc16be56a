"""What passes between the endpoint and a protocol: the request as it came, the question read from it, the reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...data.decoding import Columns, Decoder
    from .asked import Answer
    from .served import Served

Headers = dict[bytes, bytes]
Pairs = tuple[tuple[bytes, bytes], ...]
JSON = b"application/json"
REQUEST_ID = b"x-request-id"


@dataclass(slots=True)
class Request:
    """A POST: its path and headers (names in lower case), and its whole body, inflated. `caller` is the name of the
    token that it came with, if it has one; `id` and `came` (by `perf_counter`) are there where requests are logged.
    `version` is the one that it asks for, where its path does not say that, and `served` the one that it was given."""

    path: str
    headers: Headers
    content: bytes
    caller: str = ""
    id: bytes = b""
    came: float = 0.0
    version: str = ""
    served: Served | None = None


@dataclass(slots=True)
class Reply:
    """A whole response; of one that was `sent` already, in parts, what there is to count. `id` names its request in the
    log."""

    content: bytes
    type: bytes = JSON
    headers: Pairs = ()
    status: int = 200
    sent: bool = False
    id: bytes = b""

    @property
    def pairs(self) -> Pairs:
        """All its headers, with the name of its request."""
        return (*self.headers, (REQUEST_ID, self.id)) if self.id else self.headers


@dataclass(slots=True)
class Question:
    """The rows to predict, and how their answer is written.

    `columns` are the values of each of the schema's fields; None where only `Schema.table` can read `data`, which is
    what they were read from. With `arrays` the answer's columns come as arrays instead of lists. `timeout` is for
    how many seconds its client waits, where the body says so. One that `explains` asks what its answers depend on.
    """

    columns: Columns | None
    data: Any
    rows: int
    encode: Callable[[Answer], Reply]
    arrays: bool = False
    timeout: float | None = None
    explains: bool = False


Ask = Callable[[Request, "Decoder"], Question]
"""Reads the question of a request; raises Refused where it is none."""
