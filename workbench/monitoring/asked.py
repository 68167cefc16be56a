"""The request log of a service as a frame: its segments, and what is not yet in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import spool
from .gathered import ABOUT, ANSWERED, OWN
from .segments import kinds, tables

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..bundle.registry import Registry


def log(
    folder: Path,
    model: str,
    registry: Registry,
    *,
    since: float = 0.0,
    until: float | None = None,
    version: int | None = None,
    failed: bool = False,
    most: int | None = None,
) -> pd.DataFrame:
    """One row for each row that was asked, in the order of time: who asked when, the model's inputs, its answers.

    since, until: seconds since 1970. failed: only what was not answered. most: the last so many rows.
    """
    import pyarrow as pa

    keep = _keeps(since, until, version, failed)
    read, fresh = _fresh(folder, model, registry, since, version, keep)
    found = [*_segments(folder, since, version, keep, read, most), *fresh]
    if not found:
        return pa.table({name: pa.array([], pa.string()) for name in ABOUT}).to_pandas()
    whole = _in_order(found, most)
    return whole.set_axis(names(list(whole.columns), model), axis=1)


@dataclass(frozen=True)
class Logged:
    """A request of the log: the version that it was for, what was asked and answered (None where that is not there),
    and why it was not."""

    version: int
    asked: pa.Table | None
    answered: pa.Table | None
    error: str


def one(folder: Path, model: str, registry: Registry, request: str) -> Logged | None:
    """The request of this id; the last one where clients gave it to several, None where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keep = pc.field(f"{OWN}request") == request
    read, fresh = _fresh(folder, model, registry, 0.0, None, keep)
    found = [*_segments(folder, 0.0, None, keep, read), *fresh]
    if not found:
        return None
    last = max(pc.max(table[f"{OWN}at"]).as_py() for table in found)
    found = [table.filter(pc.field(f"{OWN}at") == pa.scalar(last, table[f"{OWN}at"].type)) for table in found]
    found.sort(key=lambda table: table.num_rows - table[f"{OWN}row"].null_count)  # one that was given up has no rows
    return _logged(found[-1])


def _logged(table: pa.Table) -> Logged:
    own, status = table.column_names, table[f"{OWN}status"][0].as_py()
    asked = [name for name in own if name[:1] not in (OWN, ANSWERED)]
    answered = [name for name in own if name.startswith(ANSWERED)] if status == 200 else []
    return Logged(
        table[f"{OWN}version"][0].as_py(),
        table.select(asked) if asked and not table[f"{OWN}row"].null_count else None,
        table.select(answered).rename_columns([name[1:] for name in answered]) if answered else None,
        table[f"{OWN}error"][0].as_py() or "",
    )


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


def _keeps(since: float, until: float | None, version: int | None, failed: bool) -> Any:
    """Which rows are meant, as Arrow says it."""
    import pyarrow.compute as pc

    keep = pc.field(OWN + "at") >= datetime.fromtimestamp(since, UTC)
    if until is not None:
        keep &= pc.field(OWN + "at") < datetime.fromtimestamp(until, UTC)
    if version is not None:
        keep &= pc.field(OWN + "version") == version
    if failed:
        keep &= pc.field(OWN + "status") >= 400
    return keep


def _segments(
    folder: Path, since: float, version: int | None, keep: Any, read: set[str], most: int | None = None
) -> list[pa.Table]:
    """The rows of segments beside those of files that were `read`; of the last ones where only so many are wanted: what
    was written before the oldest of these holds none that is later."""
    import pyarrow.parquet as pq

    found: list[pa.Table] = []
    for written, file in sorted(_written(folder), reverse=True):
        if written < since or (most is not None and written < _oldest(found, most)):
            break
        made_of, _, kind = file.stem.rpartition("-")
        if made_of not in read and (version is None or kind in kinds(version)):
            with suppress(FileNotFoundError):  # it is too old, or one too many, just now
                table = pq.read_table(file, filters=keep)
                found += [table] * bool(table.num_rows)
    return found[::-1]


def _written(folder: Path) -> Iterator[tuple[float, Path]]:
    """The segments, and when each was written, without those that are forgotten meanwhile."""
    for file in folder.glob("*.parquet"):
        with suppress(FileNotFoundError):
            yield file.stat().st_mtime, file


def _oldest(found: list[pa.Table], most: int) -> float:
    """When the last so many rows of these begin; long ago where they are fewer."""
    import numpy as np

    times = [table[f"{OWN}at"].to_numpy() for table in found]
    if sum(map(len, times)) < most:
        return 0.0
    return float(np.sort(np.concatenate(times))[-most].astype("datetime64[us]").astype(float)) / 1e6


def _fresh(
    folder: Path, model: str, registry: Registry, since: float, version: int | None, keep: Any
) -> tuple[set[str], list[pa.Table]]:
    """The files that are not yet gone, and what is in them: the segments of one that goes meanwhile are all there."""
    read, found = set[str](), []
    for file in sorted(folder.glob(f"*{spool.ENDING}")):
        try:
            fresh = tables(spool.batches(file, since), model, registry)
        except FileNotFoundError:
            continue
        read.add(file.stem)
        found += [table.filter(keep) for kind, table in fresh.items() if version is None or kind in kinds(version)]
    return read, [table for table in found if table.num_rows]


def _in_order(found: list[pa.Table], most: int | None) -> pd.DataFrame:
    """The rows of all tables, or the last of them, by time; columns whose types do not fit each other keep each value
    as it is."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    unlike, names = _unlike(found), list(dict.fromkeys(name for table in found for name in table.column_names))
    fitting = [table.drop_columns([name for name in table.column_names if name in unlike]) for table in found]
    whole = pa.concat_tables(fitting, promote_options="permissive")
    order = pc.sort_indices(whole, sort_keys=[(f"{OWN}at", "ascending")])
    order = order.slice(max(0, len(order) - most)) if most else order
    frame = whole.take(order).to_pandas()
    for name in unlike:
        values = [value for table in found for value in _values(table, name)]
        frame[name] = pd.Series([values[i] for i in order.to_pylist()], dtype=object)
    return frame[names]


def _values(table: pa.Table, name: str) -> list[Any]:
    found: list[Any] = table[name].to_pylist() if name in table.column_names else [None] * table.num_rows
    return found


def _unlike(found: list[pa.Table]) -> set[str]:
    """The columns whose types do not fit each other, from version to version or where some were refused."""
    import pyarrow as pa

    kinds: dict[str, list[pa.Field]] = {}
    for field in (field for table in found for field in table.schema):
        kinds.setdefault(field.name, []).append(field)
    unlike = set[str]()
    for name, fields in kinds.items():
        try:
            pa.unify_schemas([pa.schema([field]) for field in fields], promote_options="permissive")
        except pa.ArrowException:
            unlike.add(name)
    return unlike
