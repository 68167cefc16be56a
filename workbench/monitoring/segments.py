"""Full spool files -> Parquet segments, one for each version, whose columns are typed as the version's schema says."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from . import spool
from .gathered import Gathered

if TYPE_CHECKING:
    import pyarrow as pa

    from ..bundle.registry import Registry
    from .spool import Batch

_ANSWERED = 200


def compact(folder: Path, model: str, registry: Registry, *, seconds: float, most_bytes: float) -> int:
    """Turn what is full into segments, and remove the oldest beyond an age or a size; how many files were turned.

    Killed at any moment it loses and repeats nothing: a segment has the name of the file that it is made of.
    """
    found = spool.full(folder)
    for file in found:
        written = file.stat().st_mtime
        for kind, table in tables(spool.batches(file), model, registry).items():
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


def tables(batches: Iterable[Batch], model: str, registry: Registry) -> dict[str, pa.Table]:
    """The rows of requests, for each of `kinds`: what was refused may not fit, and leaves the types of the others."""
    found: dict[tuple[int, bool], Gathered] = defaultdict(Gathered)
    for batch in batches:
        refused = [line for line in batch.lines if line[spool.STATUS] != _ANSWERED]
        lines = [line for line in batch.lines if line[spool.STATUS] == _ANSWERED] if refused else batch.lines
        for answered, part in ((True, lines), (False, refused)):
            if part:
                found[batch.version, answered].add(part, batch)
    return {
        kinds(version)[not answered]: requests.table(f"{model}@{version}", registry)
        for (version, answered), requests in found.items()
    }


def kinds(version: int) -> tuple[str, str]:
    """How the segments of a version's requests end: of those that were answered, and of the others."""
    return f"v{version}", f"v{version}r"
