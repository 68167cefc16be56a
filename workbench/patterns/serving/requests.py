"""What the endpoint tells the request log: each request with its answer, before the client has it."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.encoding import as_list
from ...errors import WorkbenchError
from ...inference.arrow import is_arrow
from ...monitoring.spool import Entry, Spool
from .refusals import Refused, status_of

if TYPE_CHECKING:
    from .batcher import Asked
    from .exchange import Request
    from .served import Served

_INFINITE = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


class RequestLog:
    """Writes into a spool. `worker` makes the ids of requests that come without one its own."""

    def __init__(self, spool: Spool, worker: str) -> None:
        self.spool, self._worker, self._numbers = spool, f"{worker}-{int(time.time()):x}", count(1)

    def begin(self, request: Request) -> None:
        """Note when a request came, and which it is: as `X-Request-Id` says, or by a number of this worker's."""
        said = request.headers.get(b"x-request-id")
        request.id = said.decode("latin-1")[:128] if said else f"{self._worker}-{next(self._numbers)}"
        request.came = time.time()

    def answered(self, served: Served, answered: list[tuple[Asked, Any]]) -> None:
        """Write down what the model was asked, and what it answered or why not; `refused` is told of what came late."""
        now = time.time()
        made = [
            self._entry(served, asked, answer, now) for asked, answer in answered if not isinstance(answer, Refused)
        ]
        if made:
            self.spool.write(made)

    def refused(self, served: Served, request: Request, error: WorkbenchError) -> None:
        """Write down a request that never reached the model, or whose answer came too late."""
        entry = self._about(served, request, status_of(error), time.time())
        self.spool.write([entry | {"error": self._said(error, error.what)}])

    def _entry(self, served: Served, asked: Asked, answer: Any, now: float) -> Entry:
        entry = self._about(served, asked.request, 200, now)
        entry["rows"], entry["x"] = asked.rows, _inputs(served, asked)
        if isinstance(answer, Exception):
            return entry | {"status": status_of(answer), "error": self._said(answer, str(answer))}  # type: ignore[arg-type]
        entry["y"] = _written(answer)
        return entry

    def _said(self, error: Exception, said: str) -> str:
        """The words of an error; of a value in a column that is not to be read here, only that it does not fit."""
        column = getattr(error, "column", None)
        veiled = column in self.spool.hidden | self.spool.hashed
        return f"column {column!r} holds what does not fit" if veiled else said

    @staticmethod
    def _about(served: Served, request: Request, status: int, now: float) -> Entry:
        entry: Entry = {
            "id": request.id,
            "at": request.came,
            "version": served.version,
            "status": status,
            "ms": (now - request.came) * 1000,
            "path": request.path,
        }
        if request.caller:
            entry["caller"] = request.caller
        return entry


def _inputs(served: Served, asked: Asked) -> dict[str, Any]:
    """The model's columns as they were asked; of rows that it cannot take, what came under their names."""
    if asked.columns is not None:
        return _written(dict(zip(asked.schema.names, asked.columns, strict=True)))
    try:
        return _written(served.inputs.table(asked.data))
    except WorkbenchError:
        found = _as_it_came(asked.data)
        return _written({name: values for name, values in found.items() if name in served.inputs.by_name})


def _as_it_came(data: Any) -> dict[str, Any]:
    if is_arrow(data):
        return {name: data.column(i).to_pylist() for i, name in enumerate(data.schema.names)}
    if isinstance(data, dict):
        return data
    records = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    names = dict.fromkeys(name for row in records for name in row)
    return {name: [row.get(name) for row in records] for name in names}


def _written(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns as JSON can hold them, with infinities in words: numbers in arrays as they are, all else as lists."""
    return {name: _finite(values if isinstance(values, list) else _plain(values)) for name, values in columns.items()}


def _plain(values: Any) -> Any:
    numbers = isinstance(values, np.ndarray) and values.dtype.kind in "fiub" and values.flags.c_contiguous
    return values if numbers and not (values.dtype.kind == "f" and np.isinf(values).any()) else as_list(values)


def _finite(values: Any) -> Any:
    if not isinstance(values, list) or not values:
        return values
    if isinstance(values[0], list):
        return [_finite(part) for part in values]
    if not any(infinite in values for infinite in _INFINITE):
        return values
    return [_INFINITE.get(value, value) if isinstance(value, float) else value for value in values]
