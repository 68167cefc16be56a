"""A folder of Parquet parts, each named by the offsets that it covers and renamed into place when it is whole."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bundle.storage import refused

if TYPE_CHECKING:
    from .batches import Batch

PART_ROWS = 50_000
PART_SECONDS = 10.0
_PART = re.compile(r"^part-(\d+)-(\d+)\.parquet$")


class ParquetSink:
    """Rows gather until a part is worth its file, by number or by time; the source is committed only then."""

    def __init__(self, path: str, source: str) -> None:
        self.folder, self.source = Path(path), source
        self.rows: list[dict[str, Any]] = []
        self.first = self.last = 0
        self.since = time.monotonic()
        with self._refusals():
            self.folder.mkdir(parents=True, exist_ok=True)

    def position(self) -> int | None:
        with self._refusals():
            ends = [int(match[2]) for name in os.listdir(self.folder) if (match := _PART.match(name))]
        return max(ends, default=None)

    def write(self, batch: Batch) -> int | None:
        if batch.first > self.last:  # else it was taken before, and only its part could not be written
            self.first = self.first or batch.first
            self.since = self.since if self.rows else time.monotonic()
            self.rows += batch.rows()
            self.last = batch.last
        return self._part() if len(self.rows) >= PART_ROWS else self.flush()

    def flush(self) -> int | None:
        due = self.last and time.monotonic() - self.since > PART_SECONDS
        return self._part() if due else None

    def close(self) -> int | None:
        return self._part() if self.last else None

    def _part(self) -> int:
        import pyarrow as pa
        from pyarrow import parquet

        name = f"part-{self.first:012}-{self.last:012}.parquet"
        new = self.folder / f".{name}.new"
        with self._refusals():
            parquet.write_table(pa.Table.from_pylist(self.rows), new)
            with new.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(new, self.folder / name)
        done, self.rows, self.first, self.last = self.last, [], 0, 0
        return done

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(self.folder, error) from error
