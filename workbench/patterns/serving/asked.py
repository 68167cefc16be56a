"""What passes between whoever asks a model and its batcher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from ...data.decoding import Columns
    from ...inference.fields import Table
    from ...inference.schema import Schema
    from .exchange import Request
    from .served import Served

Spent = tuple[float, float, float]
"""Seconds to make what the model takes, in the model, and to read what it gave."""


class Shared(NamedTuple):
    """So many requests that were asked in one call: their rows below each other, and what was answered to them, as
    arrays and as lists."""

    requests: int
    table: Table
    answered: Table
    listed: dict[str, list[Any]]


class Place(Protocol):
    """Where an answer goes, once; a future is one."""

    def done(self) -> bool:
        """Whether it, or an error, has come."""

    def set_result(self, answer: Answer, /) -> None:
        """The answer has come."""

    def set_exception(self, error: Exception, /) -> None:
        """There will be none."""


class Client(Place, Protocol):
    """Who is told the answer, unless `disconnected`."""

    disconnected: bool


@dataclass(slots=True)
class Asked:
    """One question, read for a version with this schema, and where its answer goes; after `due` (of the loop's clock)
    nobody waits for it, nor once its `client` is `disconnected`. `shared` is the call that it shared with others."""

    columns: Columns | None
    data: Any
    rows: int
    arrays: bool
    schema: Schema
    answer: Place
    due: float
    client: Any
    request: Request
    spent: Spent = (0.0, 0.0, 0.0)
    shared: Shared | None = None


@dataclass(slots=True)
class Answer:
    """The version that answered, its columns (lists, or arrays where the question wants these), and what the call
    took."""

    served: Served
    columns: dict[str, Any]
    spent: Spent
