"""What the endpoint tells the request log: each request with its answer, before the client has it."""

from __future__ import annotations

import time
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.encoding import as_list
from ...errors import WorkbenchError
from ...inference.arrow import is_arrow
from ...monitoring.spool import packed
from .exchange import REQUEST_ID
from .refusals import Refused, status_of

if TYPE_CHECKING:
    from ...monitoring.spool import Line, Spool, Together
    from ...monitoring.veil import Veil
    from .asked import Asked, Shared
    from .exchange import Request
    from .served import Served

_MOST_VALUES = 1_000_000
_FEW = 4096  # rows that are not too many values, however many columns there are
_ANSWERED = 200


class RequestLog:
    """Writes into a spool, what the veil lets through. `worker` makes the ids of requests that come without one its
    own."""

    def __init__(self, spool: Spool, veil: Veil, worker: str) -> None:
        self.spool, self.veil = spool, veil
        self._start, self._numbers = f"{worker}-{int(time.time()):x}-".encode(), count(1)

    def begin(self, request: Request, came: float) -> None:
        """Note when a request came, and which it is: as `X-Request-Id` says, or by a number of this worker's."""
        said = request.headers.get(REQUEST_ID)
        request.id = said[:128] if said else b"%b%d" % (self._start, next(self._numbers))
        request.came = came

    def answered(self, served: Served, answered: list[tuple[Asked, Any]]) -> None:
        """Write down what the model was asked, and what it answered or why not; `refused` is told of what came late."""
        shared = answered[0][0].shared
        if shared and shared.requests == len(answered) and not self.veil:
            asked = [(asked.request, asked.rows) for asked, _ in answered]
            lines: list[Line] = [(r.id, r.came, r.path, r.caller, _ANSWERED, "", rows) for r, rows in asked]
            self._write(served, lines, _together(shared, answered))
            return
        lines = [self._line(served, asked, answer) for asked, answer in answered if not isinstance(answer, Refused)]
        if lines:
            self._write(served, lines)

    def refused(self, served: Served, request: Request, error: WorkbenchError) -> None:
        """Write down a request that never reached the model, or whose answer came too late."""
        said = self._said(error, error.what, {})
        self._write(served, [(*_who(request), status_of(error), said, 0, None, None)])

    def _write(self, served: Served, lines: list[Line], together: Together | None = None) -> None:
        self.spool.write(served.version, served.inputs.names, lines, together)

    def _line(self, served: Served, asked: Asked, answer: Any) -> Line:
        if not self.veil and _is_usual(asked, answer):
            return *_who(asked.request), _ANSWERED, "", asked.rows, asked.columns, answer
        who, inputs = _who(asked.request), _inputs(served, asked)
        status, said = _ANSWERED, ""
        if isinstance(answer, Exception):
            status, said = status_of(answer), self._said(answer, str(answer), inputs)  # type: ignore[arg-type]
        if asked.rows * max(1, len(inputs)) > _MOST_VALUES:
            return *who, status, "too large to log", 0, None, None
        given = None if said else _kept(self.veil.columns(_plain(answer)))
        return *who, status, said, asked.rows, _kept(self.veil.columns(inputs)), given

    def _said(self, error: Exception, said: str, inputs: dict[str, Any]) -> str:
        """The words of an error; of a value in a column that is not to be read here, only that it does not fit."""
        column = getattr(error, "column", None)
        if column in self.veil.covered:
            return f"column {column!r} holds what does not fit"
        return self.veil.said(said, inputs) if self.veil else said


def _is_usual(asked: Asked, answer: Any) -> bool:
    """Whether it was answered, and all of it is lists already, and not too many."""
    return type(answer) is dict and asked.columns is not None and not asked.arrays and asked.rows < _FEW


def _together(shared: Shared, answered: list[tuple[Asked, Any]]) -> Together:
    """The columns of requests that were asked together: numbers as the model had them, all else as it came."""

    def came(place: int) -> list[Any]:
        return list(chain.from_iterable(asked.columns[place] for asked, _ in answered if asked.columns))

    table, given = shared.table.items(), shared.answered.items()
    inputs = {name: packed(values) if _numbers(values) else came(place) for place, (name, values) in enumerate(table)}
    return inputs, {name: packed(values) if _numbers(values) else shared.listed[name] for name, values in given}


def _who(request: Request) -> tuple[bytes, float, str, str]:
    return request.id, request.came, request.path, request.caller


def _inputs(served: Served, asked: Asked) -> dict[str, Any]:
    """The model's columns as they were asked; of rows that it cannot take, what came under their names."""
    if asked.columns is not None:
        return dict(zip(asked.schema.names, asked.columns, strict=True))
    try:
        return _plain(served.inputs.table(asked.data))
    except WorkbenchError:
        found = _as_it_came(asked.data)
        return _plain({name: values for name, values in found.items() if name in served.inputs.by_name})


def _as_it_came(data: Any) -> dict[str, Any]:
    if is_arrow(data):
        return {name: data.column(i).to_pylist() for i, name in enumerate(data.schema.names)}
    if isinstance(data, dict):
        return data
    records = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    names = dict.fromkeys(name for row in records for name in row)
    return {name: [row.get(name) for row in records] for name in names}


def _plain(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns as lists; numbers in arrays as they are."""
    return {
        name: values if isinstance(values, list) or _numbers(values) else as_list(values)
        for name, values in columns.items()
    }


def _numbers(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind in "fiub"


def _kept(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: packed(values) if _numbers(values) else values for name, values in columns.items()}
