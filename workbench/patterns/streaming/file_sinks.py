"""JSON Lines and CSV files that a stream adds to: the file, and beside it how much of it counts.

After each batch the file is on the disk, then a note beside it (its length, and the offsets that it covers) is renamed
into place. Whoever opens it again cuts the file to that length: what a kill left half written is written anew.
Where it is said after how many rows or seconds, the file is closed then: it gets a name with the time, and a new one is
begun.
"""

from __future__ import annotations

import csv
import fcntl
import io
import itertools
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bundle.storage import refused
from ...data.columns import as_text
from ...errors import StorageError, UsageError
from .batches import Dead, Unfit

if TYPE_CHECKING:
    from ...brokers.protocol import Marks
    from ...data.log import Record
    from .batches import Batch
    from .parquet_sink import Closes

_HEADER_BYTES = 1_000_000


class LinesSink:
    """A JSON Lines file: each record as it came, with the predictions added. A file that was moved away, or emptied,
    is begun again, as those do who keep files small."""

    repeats = False

    def __init__(self, path: str, source: str, closes: Closes = (None, None)) -> None:
        self.path, self.source = Path(path), source
        self.most, self.longest = closes
        self.note = self.path.with_name(f".{self.path.name}.offset")
        self.length, self.offsets = 0, dict[str, int]()
        self.rows, self.began = 0, time.monotonic()
        self._file = -1
        with self._refusals():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
            try:
                self._settle()
            except BaseException:
                self.close()
                raise

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            what = f"another stream writes {self.path}"
            raise StorageError(what, fix="name another file, or stop that stream") from error

    def _settle(self) -> None:
        """What the note says of it; a file without one is taken if it is empty."""
        size = os.fstat(self._file).st_size
        noted = json.loads(self.note.read_text()) if self.note.exists() else None
        if noted and noted["source"] == self.source:
            self.length, self.offsets = noted["length"], noted["offsets"]
            self.rows = noted["rows"]
            since = max(0.0, time.time() - noted["since"])  # a clock that was put back makes it no older
            self.began = time.monotonic() - since
            self._cut()
        elif size:
            why = f"the stream of {noted['source']} wrote it" if noted else "it holds something else"
            raise UsageError(f"{self.path} is there already: {why}", fix="name another file, or move this one away")
        self._keep(self.length, self.offsets)

    def _cut(self) -> None:
        """To the length that counts."""
        size = os.fstat(self._file).st_size
        if size == 0:
            self.length = self.rows = 0
            self.began = time.monotonic()
        if size < self.length:
            what = f"{self.path} was cut: it had {self.length} bytes and has {size}"
            raise StorageError(what, fix="move it away, and a new one is begun")
        if size > self.length:
            os.ftruncate(self._file, self.length)

    def position(self, lane: str) -> int | None:
        return self.offsets.get(lane)

    def write(self, batch: Batch) -> Marks:
        batch = batch.after(self.offsets.get(batch.lane, -1))
        with self._refusals():
            self._follow()
            self._cut()  # an earlier try was cut off, by a full disk say
            content = self.content(batch)
            _write(self._file, content, self.length)
            os.fsync(self._file)
            self.rows += len(batch.lines)
            self._keep(self.length + len(content), self.offsets | batch.marks)
            self._close_if_due()
        return batch.marks

    def _close_if_due(self) -> None:
        """Give a file that is full, or old, a name of its own; the next batch begins another."""
        full = self.most is not None and self.rows >= self.most
        old = self.longest is not None and self.rows and time.monotonic() - self.began >= self.longest
        if self._file >= 0 and (full or old):
            stem, ending = self.path.stem, self.path.suffix
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            names = (self.path.with_name(f"{stem}-{stamp}-{number}{ending}") for number in itertools.count(1))
            os.rename(self.path, next(name for name in names if not name.exists()))
            self.close()
            self.rows = 0

    def _follow(self) -> None:
        """Begin again where the file was moved away."""
        if self._file >= 0 and self.path.exists() and os.path.samestat(self.path.stat(), os.fstat(self._file)):
            return
        if not self.path.parent.is_dir():
            raise StorageError(f"there is no folder {self.path.parent}", fix="put it back, or stop the stream")
        self.close()
        self._open()

    def content(self, batch: Batch) -> bytes:
        """What a batch is in the file."""
        return b"\n".join([*batch.lines, b""])

    def _keep(self, length: int, offsets: Marks) -> None:
        new = self.note.with_name(f"{self.note.name}.new")
        noted = {"length": length, "offsets": offsets, "source": self.source}
        since = time.time() - (time.monotonic() - self.began)
        with new.open("w") as file:
            file.write(json.dumps(noted | {"rows": self.rows, "since": since}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.note)
        self.length, self.offsets = length, offsets

    def rewind(self, marks: Marks) -> None:
        with self._refusals():
            self._keep(self.length, self.offsets | marks)

    def flush(self) -> Marks:
        with self._refusals():
            self._close_if_due()
        return {}

    def close(self) -> Marks:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        return {}

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(self.path.parent, error) from error


def _write(file: int, content: bytes, at: int) -> None:
    """All of it, at this place: nothing is held back in a buffer that a later try would write as well."""
    left = memoryview(content)
    while left:
        written = os.pwrite(file, left, at)
        left, at = left[written:], at + written


class CsvSink(LinesSink):
    """A CSV file, with the columns of the first record and the predictions; other fields are left out."""

    def __init__(self, path: str, source: str, delimiter: str, closes: Closes = (None, None)) -> None:
        self.delimiter = delimiter
        super().__init__(path, source, closes)
        self.columns: list[str] = []
        if self.length:
            with self._refusals():
                begin = os.pread(self._file, min(self.length, _HEADER_BYTES), 0).decode(errors="replace")
            self.columns = next(csv.reader(io.StringIO(begin, newline=""), delimiter=delimiter))

    def content(self, batch: Batch) -> bytes:
        rows = batch.rows()
        self.columns = self.columns or list(rows[0] if rows else ())
        self._refuse_unplaced(rows, batch.records)
        lines = [] if self.length or not rows else [self._line(self.columns)]
        lines += [self._line(list(map(row.get, self.columns))) for row in rows]
        return "".join(lines).encode()

    def _refuse_unplaced(self, rows: list[dict[str, Any]], records: list[Record]) -> None:
        """Unfit for records whose predictions are called otherwise, for they have a field of that name themselves."""
        known, dead = set(self.columns), []
        for row, record in zip(rows, records, strict=True):
            own = (name.removesuffix("_predicted") for name in row.keys() - known if name.endswith("_predicted"))
            if taken := next((name for name in own if name in known), None):
                dead.append(
                    Dead(record, f"{self.path.name} has no second column {taken!r}: it has a field of that name")
                )
        if dead:
            raise Unfit(dead)

    def _line(self, values: list[Any]) -> str:
        cells = [self._cell(value) for value in values]
        return self.delimiter.join(cells if len(cells) > 1 or cells[0] else ['""']) + "\n"

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        text = str(as_text(value))
        quoted = isinstance(value, str | dict | list) and any(
            mark in text for mark in ('"', "\r", "\n", self.delimiter)
        )
        return '"' + text.replace('"', '""') + '"' if quoted else text
