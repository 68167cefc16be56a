"""Rows -> records of a queue; and the last records of a queue -> something to look at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ... import text
from ...data import frames, places
from ...data.encoding import as_list
from ...errors import BadInput, NotFound

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.log import Record

_ROWS = 1000


@dataclass(frozen=True)
class Put:
    """How many rows went onto which queue, and the offset of the last."""

    place: str
    rows: int
    last: int
    seconds: float

    def __str__(self) -> str:
        took = f"{text.count(self.rows, 'row')} put in {text.seconds(self.seconds)}"
        return f"{self.place} ✓ {took}, up to offset {text.count(self.last)}"

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"place": self.place, "rows": self.rows, "last": self.last}


def put(place: str, input: Any, *, key: str | None = None, rate: float | None = None) -> Put:
    """Put the rows of a frame, a file or a list of records on a queue; `rate` rows a second where that is given.

    BadInput where there is no column `key`.
    """
    started, rows = time.monotonic(), 0
    log = places.log(place)
    try:
        for records in _records(input):
            size = _ROWS if rate is None else max(1, min(_ROWS, round(rate / 20)))
            for at in range(0, len(records), size):
                some = records[at : at + size]
                log.append([orjson.dumps(record) for record in some], _keys(some, key) if key else None)
                rows += len(some)
                _wait(started, rows, rate)
        return Put(places.parse(place).label, rows, log.last, time.monotonic() - started)
    finally:
        log.close()


def _wait(started: float, rows: int, rate: float | None) -> None:
    if rate:
        time.sleep(max(0.0, started + rows / rate - time.monotonic()))


def _keys(records: list[dict[str, Any]], key: str) -> list[str | None]:
    if key not in records[0]:
        near = text.closest(key, records[0])
        fix = f"did you mean {near}?" if near else f"columns: {', '.join(map(str, records[0]))}"
        raise BadInput(f"there is no column {key!r} to be the key", column=key, fix=fix)
    return [None if record[key] is None else str(record[key]) for record in records]


def _records(input: Any) -> Iterator[list[dict[str, Any]]]:
    """The rows, some at a time, as JSON has them."""
    if isinstance(input, list):
        yield input
        return
    if isinstance(input, str | Path):
        source = places.source(str(input))
        source.settle(())
        tables: Iterator[pa.Table] = (piece.table for piece in source.pieces())
    else:
        frame, _ = frames.frame_of(input)
        tables = (table for table, _ in frames.tables(frame))
    for table in tables:
        columns = {name: as_list(table.column(name).to_pandas().array) for name in table.column_names}
        yield [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class Tail(list["Record"]):
    """Records of a queue, the newest last."""

    def __str__(self) -> str:
        if not self:
            return "no records"
        shown = [(text.count(r.offset), _moment(r.at), r.key or "", _short(r)) for r in self]
        return text.table(("offset", "put", "key", "record"), shown)

    __repr__ = __str__

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {
                "offset": r.offset,
                "at": r.at,
                "key": r.key,
                "headers": r.headers,
                "value": r.value.decode("utf-8", "replace"),
            }
            for r in self
        ]


def _short(record: Record) -> str:
    value = record.value.decode("utf-8", "replace")
    value = value if len(value) <= 100 else f"{value[:99]}…"
    return f"{record.headers['error']} ← {value}" if record.headers and "error" in record.headers else value


def _moment(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def tail(place: str, most: int = 10) -> Tail:
    """The last records of a queue. NotFound where there is none of that name."""
    at = places.parse(place)
    log = places.log(place)
    try:
        if not log.last and at.path not in log.offsets():
            raise NotFound(f"{at.label} has no records", fix=f"%workbench put {at.label} ROWS puts some on it")
        return Tail(log.read(max(0, log.last - most), most))
    finally:
        log.close()
