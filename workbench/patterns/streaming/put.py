"""Rows -> records of a queue; and the last records of a queue -> something to look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import text
from ...brokers.opening import topic
from ...data import frames, places
from ...data.encoding import as_list, dumps
from ...errors import BadInput, WorkbenchError
from ...inference.casting import plain
from ...inference.reading import ONLY

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.log import Record

_ROWS = 1000


@dataclass(frozen=True)
class Put:
    """How many rows went onto which queue, and the offset of the last, where its broker tells."""

    place: str
    rows: int
    last: int | str | None
    seconds: float

    def __str__(self) -> str:
        took = f"{text.count(self.rows, 'row')} put in {text.seconds(self.seconds)}"
        last = text.count(self.last) if isinstance(self.last, int) else self.last
        return f"{self.place} ✓ {took}" + (f", up to offset {last}" if last is not None else "")

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"place": self.place, "rows": self.rows, "last": self.last}


def put(place: str, input: Any, *, key: str | None = None, rate: float | None = None) -> Put:
    """Put the rows of a frame, a file or a list of records on a queue; `rate` rows a second where that is given.

    BadInput where there is no column `key`. An error says how many rows are there, where it is not the first's.
    """
    started, rows = time.monotonic(), 0
    to = topic(place)
    try:
        last = to.append([])
        for records in _records(input):
            keys = _keys(records, key) if key and records else None
            size = _ROWS if rate is None else max(1, min(_ROWS, round(rate / 20)))
            for at in range(0, len(records), size):
                some = records[at : at + size]
                values = [_json(record, rows + number) for number, record in enumerate(some)]
                last = to.append(values, keys and keys[at : at + size])
                rows += len(some)
                _wait(started, rows, rate)
        return Put(to.label, rows, last, time.monotonic() - started)
    except WorkbenchError as error:
        if rows:
            done = f"the first {text.count(rows, 'row')} are on {to.label}: put the others alone"
            error.fix = "; ".join(filter(None, (error.fix, done)))
        raise
    finally:
        to.close()


def values_of(input: Any) -> Iterator[bytes]:
    """The rows of a frame, a file or a list of records, each as the text of its record. BadInput."""
    row = 0
    for records in _records(input):
        for record in records:
            yield _json(record, row)
            row += 1


def _wait(started: float, rows: int, rate: float | None) -> None:
    if rate:
        time.sleep(max(0.0, started + rows / rate - time.monotonic()))


def _json(record: Any, row: int) -> bytes:
    try:
        return dumps(record)
    except (TypeError, RecursionError) as error:
        with suppress(TypeError, ValueError, RecursionError):  # whole numbers of more than 64 bits
            return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        raise BadInput(f"row {row} cannot be JSON: {error}", row=row, fix="give numbers, text, times, lists") from error


def _keys(records: list[Any], key: str) -> list[str | None]:
    if not any(isinstance(record, dict) and key in record for record in records):
        names = list(dict.fromkeys(name for record in records if isinstance(record, dict) for name in record))
        near = text.closest(key, names)
        fix = f"did you mean {near}?" if near else f"columns: {', '.join(map(str, names)) or 'none'}"
        raise BadInput(f"there is no column {key!r} to be the key", column=key, fix=fix)
    found = [record.get(key) if isinstance(record, dict) else None for record in records]
    return [None if value is None else str(value) for value in found]


def _records(input: Any) -> Iterator[list[Any]]:
    """The rows, some at a time, as JSON has them."""
    if isinstance(input, list | tuple):
        yield list(input)
    elif isinstance(input, str | Path):
        source = places.source(str(input))
        source.settle(())
        for piece in source.pieces():
            names = piece.table.column_names
            lines = piece.lines and [json.loads(line) for line in piece.lines]  # lists and records in them stay such
            yield lines or _of_columns({name: _values(piece.table.column(name)) for name in names})
    elif isinstance(input, dict) and not any(isinstance(v, list | tuple) or hasattr(v, "ndim") for v in input.values()):
        yield [input]
    elif isinstance(input, dict):
        yield _of_columns({str(name): as_list(_array(values)) for name, values in input.items()})
    elif hasattr(input, "dtype") and not hasattr(input, "iloc"):
        rows = as_list(_array(input))
        yield rows if input.ndim > 1 else [{ONLY: row} for row in rows]
    else:
        frame, _ = frames.frame_of(input)
        for table, _ in frames.tables(frame):
            yield _of_columns({name: _values(table.column(name)) for name in table.column_names})


def _array(values: Any) -> Any:
    """An array as those of an example are; BadInput for one value."""
    import pandas as pd

    return pd.Series(values).array if isinstance(values, list | tuple) else plain(values, ONLY)


def _values(column: pa.ChunkedArray) -> list[Any]:
    return as_list(column.to_pandas().array)


def _of_columns(columns: dict[str, list[Any]]) -> list[Any]:
    if len({len(values) for values in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in columns.items())
        raise BadInput(f"the columns have different numbers of rows: {lengths}", fix="give as many values to each")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class Tail(list["Record"]):
    """Records of a queue, the newest last; `named` says how their places are called."""

    def __init__(self, records: Iterable[Record], named: Callable[[Record], str]) -> None:
        super().__init__(records)
        self.named = named

    def __str__(self) -> str:
        if not self:
            return "no records"
        shown = [(self.named(r), _moment(r.at), r.key or "", _short(r)) for r in self]
        return text.table(("offset", "time", "key", "record"), shown)

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
    at = topic(place)
    try:
        return Tail(at.newest(most), at.named)
    finally:
        at.close()
