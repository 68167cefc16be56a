"""Full spool files -> Parquet segments, one for each version, whose columns are typed as the version's schema says."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import WorkbenchError
from ..inference.schema import Schema
from . import spool

if TYPE_CHECKING:
    import pyarrow as pa

    from ..bundle.registry import Registry
    from .spool import Entry

ABOUT = ("request", "at", "version", "status", "ms", "path", "caller", "error", "row")
"""The columns of a log that say of each row who asked it when, and what became of the request."""

_ANSWERED = 200
OWN, ANSWERED = "\x00", "\x01"
"""What the names of these columns and of the answers begin with in a segment, where inputs have their own names."""


def compact(folder: Path, model: str, registry: Registry, *, seconds: float, most_bytes: float) -> int:
    """Turn what is full into segments, and remove the oldest beyond an age or a size; how many files were turned.

    Killed at any moment it loses and repeats nothing: a segment has the name of the file that it is made of.
    """
    found = spool.full(folder)
    for file in found:
        written = file.stat().st_mtime
        for kind, table in tables(spool.entries(file), model, registry).items():
            _write(table, folder / f"{file.stem}-{kind}.parquet", written)
        file.unlink()
    _forget(folder, seconds, most_bytes)
    return len(found)


def _write(table: pa.Table, file: Path, written: float) -> None:
    import pyarrow.parquet as pq

    part = file.with_suffix(".part")
    pq.write_table(table, part, compression="zstd")
    os.chmod(part, 0o600)
    os.utime(part, (written, written))
    os.replace(part, file)


def _forget(folder: Path, seconds: float, most_bytes: float) -> None:
    kept = 0
    for file in sorted(folder.glob("*.parquet"), reverse=True):
        about = file.stat()
        kept += about.st_size
        if kept > most_bytes or about.st_mtime < time.time() - seconds:
            file.unlink()


def tables(entries: Iterator[Entry], model: str, registry: Registry) -> dict[str, pa.Table]:
    """The rows of requests, for each of `kinds`: what was refused may not fit, and leaves the types of the others."""
    import pyarrow as pa

    found: dict[tuple[int, bool], list[Entry]] = defaultdict(list)
    for entry in entries:
        found[int(entry.get("version", 0)), entry.get("status") == _ANSWERED].append(entry)
    return {
        kinds(version)[not answered]: pa.table(_columns(each, f"{model}@{version}", registry))
        for (version, answered), each in found.items()
    }


def kinds(version: int) -> tuple[str, str]:
    """How the segments of a version's requests end: of those that were answered, and of the others."""
    return f"v{version}", f"v{version}r"


def _columns(entries: list[Entry], ref: str, registry: Registry) -> dict[str, Any]:
    import pyarrow as pa

    rows = [max(1, int(entry.get("rows", 0))) if "x" in entry else 1 for entry in entries]
    about = {name: _repeated(entries, rows, name, kind) for name, kind in _about().items()}
    numbers = [i if "x" in entry else None for entry, count in zip(entries, rows, strict=True) for i in range(count)]
    about["row"] = pa.array(numbers, pa.int32())
    inputs, outputs = _schemas(ref, registry)
    asked, answered = _typed(entries, rows, "x", inputs), _typed(entries, rows, "y", outputs)
    return _begun(OWN, about) | asked | _begun(ANSWERED, answered)


def _begun(start: str, columns: dict[str, Any]) -> dict[str, Any]:
    return {start + name: values for name, values in columns.items()}


def _about() -> dict[str, Any]:
    import pyarrow as pa

    text = pa.string()
    times = {"at": pa.timestamp("us", tz="UTC"), "ms": pa.float32()}
    return {name: times.get(name, pa.int32() if name in ("version", "status") else text) for name in ABOUT[:-1]}


def _repeated(entries: list[Entry], rows: list[int], name: str, kind: Any) -> Any:
    import pyarrow as pa

    key = "id" if name == "request" else name
    values = [entry.get(key) for entry in entries]
    if name == "at":
        values = [round(value * 1e6) for value in values]  # type: ignore[operator]
    return pa.array([value for value, count in zip(values, rows, strict=True) for _ in range(count)], kind)


def _schemas(ref: str, registry: Registry) -> tuple[Schema | None, Schema | None]:
    try:
        manifest = registry.resolve(ref).manifest
        return Schema.from_json(manifest.schema), Schema.from_json(manifest.outputs)
    except WorkbenchError:
        return None, None  # it was removed


def _typed(entries: list[Entry], rows: list[int], key: str, schema: Schema | None) -> dict[str, Any]:
    """The columns that were asked or answered, in the schema's types where they fit it, as what was answered does."""
    names = list(dict.fromkeys(name for entry in entries for name in entry.get(key, ())))
    fields = {field.name: field for field in schema.fields} if schema else {}
    found = {}
    for name in sorted(names, key=lambda name: list(fields).index(name) if name in fields else len(fields)):
        values = [
            value
            for entry, count in zip(entries, rows, strict=True)
            for value in _whole(entry.get(key, {}).get(name), count)
        ]
        found[name] = _column(values, fields.get(name))
    return found


def _whole(values: list[Any] | None, count: int) -> list[Any]:
    """As many values as the request has rows; none of a column that has another number, as only refused ones have."""
    return values if values is not None and len(values) == count else [None] * count


def _column(values: list[Any], field: Any) -> Any:
    """As the field has it; of the requests that were refused some values may not fit: then as text."""
    import pyarrow as pa

    known = [i for i, value in enumerate(values) if value is not None]
    try:
        if field is None:
            return pa.array(values)
        typed = field.to_arrow(field.cast([values[i] for i in known]))
        where: list[int | None] = [None] * len(values)
        for number, i in enumerate(known):
            where[i] = number
        return typed.take(pa.array(where, pa.int64()))
    except (WorkbenchError, pa.ArrowException, ValueError, TypeError):
        return pa.array([None if value is None else str(value) for value in values])
