"""The request log of a service as a frame: its segments, and what is not yet in one."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from . import spool
from .segments import ABOUT, ANSWERED, OWN, tables

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..bundle.registry import Registry

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)")


def moment(said: str) -> float:
    """`1h` (an hour ago), `7d`, or a date with or without a time, here -> seconds since 1970. UsageError."""
    if ago := _AGO.fullmatch(said.strip()):
        return time.time() - float(ago[1]) * _UNITS[ago[2][0]]
    try:
        return datetime.fromisoformat(said).timestamp()
    except ValueError:
        raise UsageError(f"{said!r} is no time", fix="as in 30m, 1h, 7d or 2026-11-30T14:00") from None


def seconds(said: str) -> float:
    """`12h`, `7d` -> seconds. UsageError."""
    if long := _AGO.fullmatch(said.strip()):
        return float(long[1]) * _UNITS[long[2][0]]
    raise UsageError(f"{said!r} is no span of time", fix="as in 30m, 12h or 7d")


def log(
    folder: Path,
    model: str,
    registry: Registry,
    *,
    since: float = 0.0,
    until: float | None = None,
    version: int | None = None,
    failed: bool = False,
    request: str | None = None,
    most: int | None = None,
) -> pd.DataFrame:
    """One row for each row that was asked, in the order of time: who asked when, the model's inputs, its answers.

    since, until: seconds since 1970. failed: only what was not answered. most: the last so many rows.
    """
    import pyarrow as pa

    keep = _keeps(since, until, version, failed, request)
    found = [*_segments(folder, since, version, keep), *_fresh(folder, model, registry, version, keep)]
    if not found:
        return pa.table({name: pa.array([], pa.string()) for name in ABOUT}).to_pandas()
    whole = pa.concat_tables(_fitting(found), promote_options="permissive").sort_by(f"{OWN}at")
    whole = whole.slice(max(0, whole.num_rows - most)) if most else whole
    return whole.rename_columns(names(whole.column_names, model)).to_pandas()


def names(stored: list[str], model: str) -> list[str]:
    """As people call them: `prediction_churn` where an input is called `prediction`, `at_` where one is called `at`."""
    taken = {name for name in stored if name[:1] not in (OWN, ANSWERED)}
    named = []
    for name in stored:
        start, own = name[:1], name[1:]
        if start in (OWN, ANSWERED) and own in taken:
            own += "_" if start == OWN else f"_{model}"
        taken.add(own)
        named.append(own if start in (OWN, ANSWERED) else name)
    return named


def _keeps(since: float, until: float | None, version: int | None, failed: bool, request: str | None) -> Any:
    """Which rows are meant, as Arrow says it."""
    import pyarrow.compute as pc

    keep = pc.field(OWN + "at") >= datetime.fromtimestamp(since, UTC)
    if until is not None:
        keep &= pc.field(OWN + "at") < datetime.fromtimestamp(until, UTC)
    if version is not None:
        keep &= pc.field(OWN + "version") == version
    if failed:
        keep &= pc.field(OWN + "status") >= 400
    if request is not None:
        keep &= pc.field(OWN + "request") == request
    return keep


def _segments(folder: Path, since: float, version: int | None, keep: Any) -> list[pa.Table]:
    import pyarrow.parquet as pq

    files = [
        file
        for file in sorted(folder.glob("*.parquet"))
        if file.stat().st_mtime >= since and (version is None or file.stem.endswith(f"-v{version}"))
    ]
    found = [pq.read_table(file, filters=keep) for file in files]
    return [table for table in found if table.num_rows]


def _fresh(folder: Path, model: str, registry: Registry, version: int | None, keep: Any) -> list[pa.Table]:
    """What is in no segment yet. A file that becomes one meanwhile is in both, or gone: the segment counts."""
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        made = {path.stem.rpartition("-v")[0] for path in folder.glob("*.parquet")}
        if file.stem in made:
            continue
        try:
            by_version = tables(spool.entries(file), model, registry)
        except FileNotFoundError:
            continue
        found += [table.filter(keep) for number, table in by_version.items() if version in (None, number)]
    return [table for table in found if table.num_rows]


def _fitting(found: list[pa.Table]) -> list[pa.Table]:
    """The tables, with columns as text whose types do not fit each other from version to version."""
    import pyarrow as pa

    try:
        pa.unify_schemas([table.schema for table in found], promote_options="permissive")
    except pa.ArrowTypeError:
        kinds: dict[str, set[str]] = {}
        for field in (field for table in found for field in table.schema):
            kinds.setdefault(field.name, set()).add(str(field.type))
        mixed = {name for name, types in kinds.items() if len(types) > 1}
        return [_as_text(table, mixed) for table in found]
    return found


def _as_text(table: pa.Table, names: set[str]) -> pa.Table:
    import pyarrow as pa

    for i, name in enumerate(table.column_names):
        if name in names:
            table = table.set_column(
                i, name, pa.array([None if v is None else str(v) for v in table[name].to_pylist()])
            )
    return table
