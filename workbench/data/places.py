"""The store behind a place: `source` reads it, `sink` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .grammar import Place, absolute, parse
from .pieces import Sink, Source

if TYPE_CHECKING:
    from .log import Log

__all__ = ["absolute", "columns", "delimiter", "log", "parse", "refuse_missing", "same", "sink", "source"]


def delimiter(place: Place) -> str:
    """What separates the values of a CSV file. UsageError."""
    given = place.options.get("delimiter")
    said = {"tab": "\t", "\\t": "\t", None: "\t" if place.kind == "tsv" else ","}.get(given, given)
    if said is None or len(said) != 1:
        raise UsageError(
            f"{place.label}: a delimiter is one character, not {given!r}", fix="?delimiter=; or ?delimiter=tab"
        )
    return said


def source(place: str) -> Source:
    """The input at a place. Raises UsageError, NotFound, BadInput, StorageError."""
    at = parse(place)
    if at.queued:
        raise UsageError(
            f"{at.label} is a queue", fix=f"%stream MODEL {at.label} -o OUTPUT, or %workbench tail {at.label}"
        )
    encoding = at.options.get("encoding", "utf-8")
    if at.kind in ("csv", "tsv"):
        from .delimited import DelimitedSource

        return DelimitedSource(at.file, delimiter(at), encoding)
    if at.kind == "jsonl":
        from .jsonlines import JsonLinesSource

        return JsonLinesSource(at.file, encoding)
    if at.kind == "parquet":
        from .parquet import ParquetSource

        return ParquetSource(at.file)
    if at.kind == "feather":
        from .feather import FeatherSource

        return FeatherSource(at.file)
    if at.kind == "excel":
        from .excel import ExcelSource

        return ExcelSource(at.file, at.options.get("sheet"))
    from .sql import SqlSource

    for name in {"mode", "key"} & at.options.keys():
        raise UsageError(f"{at.label}: {name}= is for an output", fix="leave it out")
    return SqlSource(at.path, at.label, table=at.options.get("table"), query=at.options.get("query"))


def refuse_missing(place: str) -> None:
    """NotFound for a local file that is not there."""
    at = parse(place)
    if not at.queued and at.kind != "sql" and at.file.local:
        from .files import refuse_missing as refuse

        refuse(at.file)


def sink(place: str, *, mode: str | None = None) -> Sink:
    """The output at a place, where nothing appears before it is closed. `mode` says what becomes of a table that is
    there, instead of the place. Raises UsageError, StorageError."""
    at = parse(place)
    if at.queued:
        raise UsageError(f"{at.label} is a queue", fix=f"%workbench put {at.label} INPUT puts rows on it")
    _refuse_reading_options(at)
    if at.kind in ("csv", "tsv"):
        from .quoting import DelimitedSink

        return DelimitedSink(at.file, delimiter(at))
    if at.kind == "jsonl":
        from .jsonlines import JsonLinesSink

        return JsonLinesSink(at.file)
    if at.kind == "parquet":
        from .parquet import ParquetSink

        return ParquetSink(at.file)
    if at.kind == "feather":
        from .feather import FeatherSink

        return FeatherSink(at.file)
    if at.kind == "excel":
        from .excel import ExcelSink

        return ExcelSink(at.file)
    from .sql_table import SqlSink

    mode = mode or at.options.get("mode", "fail")
    key = columns(at.options.get("key"))
    return SqlSink(at.path, at.label, table=at.options["table"], mode=mode, key=key)


def columns(said: str | None) -> tuple[str, ...]:
    """`id,day` -> the names of columns."""
    return tuple(name.strip() for name in (said or "").split(",") if name.strip())


def log(place: str) -> Log:
    """The embedded log of a `queue:NAME`. Raises UsageError for any other place."""
    from .. import paths
    from .log import Log

    at = parse(place)
    if at.kind != "queue":
        raise UsageError(f"{at.label} is no queue", fix="queue:NAME")
    folder = paths.state(paths.home()) / "queues"
    return Log(folder, at.path, durable=at.options.get("durable") == "yes")


def _refuse_reading_options(at: Place) -> None:
    for name in ("encoding", "sheet", "query"):
        if name in at.options:
            fix = "?table=NAME" if name == "query" else "text is written as utf-8" if name == "encoding" else None
            raise UsageError(f"{at.label}: {name}= is for an input", fix=fix)


def same(a: str, b: str) -> bool:
    """Whether two places are one file or table."""
    first, second = parse(a), parse(b)
    if first.kind == "sql":
        return second.kind == "sql" and (first.path, first.options.get("table")) == (
            second.path,
            second.options.get("table"),
        )
    return Path(first.path).resolve() == Path(second.path).resolve()
