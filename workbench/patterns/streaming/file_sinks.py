"""JSON Lines and CSV files that a stream adds to: the file, and beside it how much of it counts.

After each batch the file is on the disk, then a note beside it (its length, and the offset that it covers) is renamed
into place. Whoever opens it again cuts the file to that length: what a kill left half written is written anew.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...bundle.storage import refused
from ...errors import UsageError

if TYPE_CHECKING:
    from .batches import Batch


class LinesSink:
    """A JSON Lines file: each record as it came, with the predictions added."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = Path(path), source
        self.note = self.path.with_name(f".{self.path.name}.offset")
        with self._refusals():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "ab")  # noqa: SIM115 (closed by `close`)
            self.length, self._offset = self._noted()
            self._file.truncate(self.length)

    def _noted(self) -> tuple[int, int]:
        if self.note.exists():
            found = json.loads(self.note.read_text())
            if found["source"] != self.source:
                raise self._taken(f"the stream of {found['source']} writes it")
            return found["length"], found["offset"]
        if self._file.tell():
            raise self._taken("it holds something else")
        return 0, 0

    def _taken(self, why: str) -> UsageError:
        self._file.close()
        return UsageError(f"{self.path} is there already: {why}", fix="name another file, or move this one away")

    def position(self) -> int | None:
        return self._offset or None

    def write(self, batch: Batch) -> int | None:
        with self._refusals():
            self._file.seek(0, os.SEEK_END)
            if self._file.tell() != self.length:
                self._file.truncate(self.length)  # an earlier try was cut off, by a full disk say
            self._file.write(self.content(batch))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._keep(self._file.tell(), batch.last)
        return batch.last

    def content(self, batch: Batch) -> bytes:
        """What a batch is in the file."""
        lines = batch.lines()
        return b"\n".join(lines) + b"\n" if lines else b""

    def _keep(self, length: int, offset: int) -> None:
        new = self.note.with_name(f"{self.note.name}.new")
        with new.open("w") as file:
            json.dump({"length": length, "offset": offset, "source": self.source}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.note)
        self.length, self._offset = length, offset

    def flush(self) -> int | None:
        return None

    def close(self) -> int | None:
        self._file.close()
        return None

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(self.path.parent, error) from error


class CsvSink(LinesSink):
    """A CSV file, with the columns of the first record and the predictions."""

    def __init__(self, path: str, source: str, delimiter: str) -> None:
        self.delimiter = delimiter
        super().__init__(path, source)
        self.columns: list[str] = []
        if self.length:
            with self._refusals(), self.path.open(newline="", encoding="utf-8") as file:
                self.columns = next(csv.reader(file, delimiter=delimiter))

    def content(self, batch: Batch) -> bytes:
        rows = batch.rows()
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\n")
        if rows and not self.columns:
            self.columns = list(rows[0])
            writer.writerow(self.columns)
        writer.writerows([[_cell(row.get(name)) for name in self.columns] for row in rows])
        return text.getvalue().encode()


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
