"""A folder of Parquet parts, each named by the lane and offsets that it covers, renamed into place when whole."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bundle.storage import refused
from ...data.columns import ValueTypes
from ...errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from ...brokers.protocol import Marks
    from ...inference.schema import Schema
    from .batches import Batch

PART_ROWS = 50_000
PART_SECONDS = 10.0
Closes = tuple[int | None, float | None]
"""After how many rows, and how many seconds, a part is closed, where that is said."""
_PART = re.compile(r"^part-(?:(.+)-)?(\d+)-(\d+)\.parquet$")


@dataclass(slots=True)
class _Part:
    """What gathers of one lane: the offsets that it covers, since when, and its rows."""

    first: int
    last: int
    since: float
    rows: list[dict[str, Any]] = field(default_factory=list)


class ParquetSink:
    """Rows gather until a part is worth its file, by number or by time; the source is committed only then.

    A column keeps the type that it had in the part before, where its values allow that.
    """

    repeats = False

    def __init__(self, path: str, source: str, schema: Schema, closes: Closes = (None, None)) -> None:
        self.folder, self.source = Path(path), source
        self.most, self.longest = closes
        self.gathering: dict[str, _Part] = {}
        with self._refusals():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._own()
            self.types = self._seen() or _known(schema)
            self.ends = self._ends()

    def _own(self) -> None:
        """The folder is that of one stream: by the offsets of another, its records would count as written."""
        note = self.folder / ".source"
        owner = note.read_text(encoding="utf-8") if note.exists() else ""
        if self._parts() and owner != self.source:
            who = f"the stream of {owner} wrote" if owner else "something else wrote"
            raise UsageError(f"{self.folder} holds parts that {who}", fix="name another folder, or move this one away")
        for left in self.folder.glob(".*.new"):
            left.unlink()
        if owner != self.source:
            new = self.folder / ".source.new"
            new.write_text(self.source, encoding="utf-8")
            os.replace(new, note)

    def _parts(self) -> list[str]:
        return sorted(name for name in os.listdir(self.folder) if _PART.match(name))

    def _seen(self) -> dict[str, pa.DataType]:
        """The types of the last part."""
        from pyarrow import parquet

        parts = self._parts()
        return {field.name: field.type for field in parquet.read_schema(self.folder / parts[-1])} if parts else {}

    def _ends(self) -> Marks:
        """Up to where the parts reach in each lane."""
        ends: Marks = {}
        for match in filter(None, map(_PART.match, self._parts())):
            lane = match[1] or ""
            ends[lane] = max(int(match[3]), ends.get(lane, -1))
        return ends

    def position(self, lane: str) -> int | None:
        return self.ends.get(lane)

    def write(self, batch: Batch) -> Marks:
        part = self.gathering.get(batch.lane)
        has = self.ends.get(batch.lane, -1)
        batch = batch.after(max(part.last, has) if part else has)  # a part could not be written before
        if part is None:
            part = self.gathering[batch.lane] = _Part(batch.first, batch.last, time.monotonic())
        part.rows += batch.rows()
        part.last = max(part.last, batch.last)
        return self._published(batch.lane) if len(part.rows) >= (self.most or PART_ROWS) else self.flush()

    def rewind(self, marks: Marks) -> None:
        if any(offset < self.ends.get(lane, 0) for lane, offset in marks.items()):
            what = f"{self.folder} has those records: its parts are named by them"
            raise UsageError(what, fix="replay into another folder: %stream MODEL INPUT --name NAME -o FOLDER")

    def flush(self) -> Marks:
        old = time.monotonic() - (PART_SECONDS if self.longest is None else self.longest)
        return self._all(lane for lane, part in self.gathering.items() if part.since < old)

    def close(self) -> Marks:
        return self._all(self.gathering)

    def _all(self, lanes: Iterable[str]) -> Marks:
        done: Marks = {}
        for lane in list(lanes):
            done |= self._published(lane)
        return done

    def _published(self, lane: str) -> Marks:
        part = self.gathering[lane]
        if part.rows:
            self._publish(f"part-{lane and lane + '-'}{part.first:012}-{part.last:012}.parquet", part.rows)
        del self.gathering[lane]
        self.ends[lane] = max(part.last, self.ends.get(lane, -1))
        return {lane: self.ends[lane]}

    def _publish(self, name: str, rows: list[dict[str, Any]]) -> None:
        from pyarrow import parquet

        table = self._table(rows)
        new = self.folder / f".{name}.new"
        with self._refusals():
            parquet.write_table(table, new)
            with new.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(new, self.folder / name)
        self.types |= {field.name: field.type for field in table.schema}

    def _table(self, rows: list[dict[str, Any]]) -> pa.Table:
        import pyarrow as pa

        names = dict.fromkeys(name for row in rows for name in row)
        return pa.table({name: _column([row.get(name) for row in rows], self.types.get(name)) for name in names})

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(self.folder, error) from error


def _known(schema: Schema) -> dict[str, pa.DataType]:
    """The types of the model's own numbers: a part without any has them too."""
    import pyarrow as pa

    numbers = [field for field in schema.fields if field.kind == "number" and not field.shape]
    return {f.name: pa.int64() if getattr(f.runtime, "kind", "f") in "iu" else pa.float64() for f in numbers}


def _column(values: list[Any], before: pa.DataType | None) -> pa.Array:
    import pyarrow as pa

    types = ValueTypes()
    types.add("values", values)
    made = types.build("values", values)
    if before is None or made.type == before:
        return made
    if made.null_count == len(made):
        return pa.nulls(len(made), before)
    whole = pa.types.is_integer(made.type) and all(value is None or abs(value) <= 2**53 for value in values)
    return made.cast(before) if whole and pa.types.is_floating(before) else made
