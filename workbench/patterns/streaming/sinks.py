"""A place -> what a stream writes into: each knows up to which offset it has the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...data import places
from ...errors import UsageError

if TYPE_CHECKING:
    from ...data.log import Log
    from ...inference.schema import Schema
    from .batches import Batch


class Sink(Protocol):
    """Where answers go. Each call gives the offset up to which all is there for good, None where that is as before.

    StorageError where it cannot take anything now; then nothing of the batch counts as written. One that `repeats`
    cannot tell what it has: what was sent to it is sent again as the same batch.
    """

    repeats: bool

    def position(self) -> int | None:
        """Up to where it has the answers already; None where it cannot tell."""

    def write(self, batch: Batch) -> int | None:
        """Take the answers of a batch, in order."""

    def flush(self) -> int | None:
        """Make what is held back appear, if its time has come."""

    def close(self) -> int | None:
        """Make all that is held back appear."""


def open_sink(place: str, source: str, schema: Schema) -> Sink:
    """The sink at a place, for the stream whose source is called `source`. UsageError for what none can be."""
    if place.startswith(("http://", "https://")):
        from .http_sink import HttpSink

        return HttpSink(place, source)
    at = places.parse(place)
    if at.kind == "queue":
        if at.path == source.partition("/")[0]:
            raise UsageError(f"{at.label} is what the stream reads: it would never end", fix="queue:ANOTHER")
        return QueueSink(places.log(place), source)
    if at.kind == "sql":
        from .sql_sink import SqlSink

        return SqlSink(at, source, schema)
    if not at.file.local or at.compressed:
        raise UsageError(f"{at.label}: a stream writes local files", fix="a path, a table, http://… or queue:NAME")
    if at.kind in ("csv", "tsv", "jsonl"):
        from .file_sinks import CsvSink, LinesSink

        return (
            LinesSink(at.path, source)
            if at.kind == "jsonl"
            else CsvSink(at.path, source, "\t" if at.kind == "tsv" else ",")
        )
    if at.kind == "parquet":
        from .parquet_sink import ParquetSink

        return ParquetSink(at.path, source, schema)
    raise UsageError(f"{at.label}: a stream does not write {at.kind}", fix="a .jsonl, .csv or .parquet file")


class QueueSink:
    """Another queue: the answers and the offset that they cover in one transaction, so that each is there once."""

    repeats = False

    def __init__(self, log: Log, source: str) -> None:
        self.log, self.source = log, source

    def position(self) -> int | None:
        return self.log.position(self.source) or None

    def write(self, batch: Batch) -> int | None:
        keys = [record.key for record in batch.records]
        self.log.append(batch.lines, keys, source=self.source, offset=batch.last)
        return batch.last

    def flush(self) -> int | None:
        return None

    def close(self) -> int | None:
        self.log.close()
        return None
