"""A place -> what a stream writes into: each knows up to which offset it has the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...brokers.opening import topic
from ...brokers.protocol import NotTaken, of_lane
from ...data import places
from ...data.folders import absolute_output, is_folder
from ...data.grammar import expand
from ...errors import UsageError
from .batches import Dead, Unfit

if TYPE_CHECKING:
    from ...brokers.protocol import Marks, Topic
    from ...data.grammar import Place
    from ...inference.schema import Schema
    from .batches import Batch
    from .parquet_sink import Closes


class Sink(Protocol):
    """Where answers go. Each call gives the offsets up to which all is there for good, none where that is as before.

    StorageError where it cannot take anything now; then nothing of the batch counts as written. One that `repeats`
    cannot tell what it has: what was sent to it is sent again as the same batch. Unfit for records of a batch that it
    will never take.
    """

    repeats: bool

    def position(self, lane: str) -> int | None:
        """Up to where it has the answers of a lane already; None where it cannot tell. It takes none of these again."""

    def write(self, batch: Batch) -> Marks:
        """Take the answers of a batch, in order."""

    def rewind(self, marks: Marks) -> None:
        """From here on what comes after these is taken, though it was before. UsageError where it cannot be."""

    def flush(self) -> Marks:
        """Make what is held back appear, if its time has come."""

    def close(self) -> Marks:
        """Make all that is held back appear."""


def absolute(place: str, read: str) -> str:
    """An output as it reads from every folder. UsageError for what a stream that reads a place does not write."""
    if _is_address(place):
        from .http_sink import check_address

        check_address(place)
        return place
    if not is_folder(place):
        _check(places.parse(place), read)
    return absolute_output(place)


def _check(at: Place, read: str) -> None:
    if at.queued:
        if at.label == read:
            raise UsageError(f"{at.label} is what the stream reads: it would never end", fix="queue:ANOTHER")
    elif at.kind == "sql":
        if "table" not in at.options:
            raise UsageError(f"{at.label} is a query", fix="?table=NAME")
        if at.options.get("mode") == "replace":
            raise UsageError(f"{at.label}: a stream replaces no table", fix="mode=append, or name another table")
    elif not at.file.local or at.compressed:
        raise UsageError(f"{at.label}: a stream writes local files", fix="a path, a table, http://… or queue:NAME")
    elif at.kind not in ("csv", "tsv", "jsonl", "parquet"):
        raise UsageError(f"{at.label}: a stream does not write {at.kind}", fix="a .jsonl or .csv file, or a folder")


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def open_all(
    places: str | list[str], source: str, schema: Schema, turn: int = 0, closes: Closes = (None, None)
) -> Sink:
    """The sink at a place, or those at several as one. `turn`: how often the stream was told to read on elsewhere."""
    from .several import Several

    if isinstance(places, str):
        return open_sink(places, source, schema, turn, closes)
    opened: list[Sink] = []
    try:
        for place in places:
            opened.append(open_sink(place, source, schema, turn, closes))
    except BaseException:
        for sink in opened:
            sink.close()
        raise
    return Several(opened)


def open_sink(place: str, source: str, schema: Schema, turn: int = 0, closes: Closes = (None, None)) -> Sink:
    """The sink at a place, for the stream whose source is called `source`. UsageError for what none can be."""
    place = absolute(place, f"queue:{source.partition('/')[0]}")
    named = f"{source}+{turn}" if turn else source  # to whoever knows records by it, those of each turn are new
    if _is_address(place):
        from .http_sink import HttpSink

        return HttpSink(place, named)
    at = None if is_folder(place) else places.parse(place)
    if at is None or at.kind == "parquet":
        from .parquet_sink import ParquetSink

        return ParquetSink(at.path if at else expand(place), source, schema, closes)
    if at.queued:
        return QueueSink(topic(place), named)
    if at.kind == "sql":
        from .sql_sink import SqlSink

        return SqlSink(at, source, schema)
    from .file_sinks import CsvSink, LinesSink

    if at.kind == "jsonl":
        return LinesSink(at.path, source, closes)
    return CsvSink(at.path, source, places.delimiter(at), closes)


class QueueSink:
    """A queue, topic or stream. One that tells has the answers and the offset that they cover at once, so that each is
    there once; to one that does not, they are sent again as the same batch."""

    def __init__(self, topic: Topic, source: str) -> None:
        self.topic, self.source = topic, source
        self.repeats = not topic.tells

    def position(self, lane: str) -> int | None:
        return self.topic.position(of_lane(self.source, lane)) or None

    def write(self, batch: Batch) -> Marks:
        source = of_lane(self.source, batch.lane)
        if self.topic.tells:
            batch = batch.after(self.topic.position(source))
        records = batch.records
        said = [[getattr(one, what) for one in records] for what in ("key", "headers", "offset", "at")]
        keys, heads, offsets, times = said
        try:
            self.topic.append(batch.lines, keys, heads, source=source, offset=batch.last, offsets=offsets, times=times)
        except NotTaken as error:
            if 1 < len(records) == len(error.which):
                raise  # it is to blame, and not the records
            dead = [Dead(records[number], error.what) for number in error.which]
            raise Unfit(dead, batch.marks if error.others else None) from error
        return batch.marks

    def rewind(self, marks: Marks) -> None:
        """Its records have other names in each turn."""

    def flush(self) -> Marks:
        return {}

    def close(self) -> Marks:
        self.topic.close()
        return {}
