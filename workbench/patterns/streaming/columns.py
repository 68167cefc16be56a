"""The key of a record, and when it happened -> columns of what is answered to it, where that is wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from ...errors import UsageError

if TYPE_CHECKING:
    from ...data.log import Record
    from ...inference.schema import Schema
    from .batches import Batch


class Columns:
    """Adds them under the names that are given. A record that has a field of such a name keeps its own."""

    def __init__(self, key: str | None, time: str | None) -> None:
        self.key, self.time = key, time

    def check(self, schema: Schema) -> None:
        """UsageError for names that are taken."""
        taken = {field.name for field in schema.fields}
        for option, name in (("--key-as", self.key), ("--time-as", self.time)):
            if name in taken:
                raise UsageError(f"{option} {name}: there is a column {name} already", fix=f"{option} record_{name}")
            taken |= {name} if name else set()

    def __call__(self, batch: Batch) -> Batch:
        """The same batch with the columns."""
        if not self.key and not self.time:
            return batch
        pairs = zip(batch.lines, batch.records, strict=True)
        return replace(batch, lines=[self._added(*pair) for pair in pairs], time=self.time or "")

    def _added(self, line: bytes, record: Record) -> bytes:
        for name, value in self._values(record).items():
            label = orjson.dumps(name) + b":"
            if label not in line or name not in orjson.loads(line):
                line = line[:-1] + b"," + label + orjson.dumps(value) + b"}"
        return line

    def _values(self, record: Record) -> dict[str, Any]:
        found: dict[str, Any] = {self.key: record.key} if self.key else {}
        return found | ({self.time: text(record.at)} if self.time else {})


def moment(at: float) -> datetime:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(at, UTC)


def text(at: float) -> str:
    """The same as JSON has it."""
    return moment(at).isoformat().replace("+00:00", "Z")
