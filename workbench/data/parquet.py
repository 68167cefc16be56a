"""Parquet: read and written by the tuned Arrow loop, whose types pass through as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .files import FilePath, WholeFile, in_words, reading
from .pieces import PIECE_ROWS, Piece

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetSource:
    """A Parquet file."""

    text: str | None = None

    def __init__(self, file: FilePath) -> None:
        self.file, self.label = file, file.label
        self.rows: int | None = None
        with in_words(file, "read"), reading(file) as (stream, _, size):
            opened = self._open(stream, size)
            self.rows, self._there = opened.metadata.num_rows, opened.schema_arrow.names
        self._columns: list[str] | None = None

    def choose(self, names: Collection[str]) -> None:
        if set(names) <= set(self._there):
            self._columns = [name for name in self._there if name in names]

    def settle(self, leave: Collection[str]) -> None:
        """The file has types."""

    def pieces(self) -> Iterator[Piece]:
        import pyarrow as pa

        first_row = 0
        with in_words(self.file, "read"), reading(self.file) as (stream, _, size):
            reader = self._open(stream, size)
            for batch in self._batches(reader):
                yield Piece(pa.Table.from_batches([batch]), first_row)
                first_row += batch.num_rows
            if not first_row:
                empty = reader.schema_arrow.empty_table()
                yield Piece(empty.select(self._columns) if self._columns is not None else empty, 0)

    def _batches(self, reader: Any) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        try:
            for batch in reader.iter_batches(batch_size=PIECE_ROWS, columns=self._columns):
                if batch.num_rows:
                    yield batch
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error

    def _open(self, stream: pa.NativeFile, size: int | None) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if size == 0:
            raise BadInput(f"{self.label} is empty: it has 0 bytes", where=self.label, fix="write or copy it again")
        try:
            # pre-buffering would hold whole row groups: three times the time and four times the memory
            return pq.ParquetFile(stream, pre_buffer=False, buffer_size=1 << 20)
        except pa.ArrowInvalid as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> BadInput:
        said = str(error).splitlines()[0]
        return BadInput(f"{self.label} is truncated or not Parquet: {said}", where=self.label, fix="write it again")


class ParquetSink:
    """A Parquet file; the first rows give its types."""

    text: str | None = None

    def __init__(self, file: FilePath) -> None:
        self.label = file.label
        self._whole = WholeFile(file)
        self._stream = self._whole.stream()
        self._writer: Any = None

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        import pyarrow.parquet as pq

        with in_words(self._whole.file, "write"):
            if self._writer is None:
                # a dictionary of floating-point values is built at great cost and then thrown away
                texts = [field.name for field in table.schema if _repeats(field.type)]
                self._writer = pq.ParquetWriter(self._stream, table.schema, use_dictionary=texts or False)
            self._writer.write_table(table, row_group_size=1 << 20)

    def close(self) -> str:
        with in_words(self._whole.file, "write"):
            self._writer.close()
        return self._whole.publish()

    def abort(self) -> None:
        if self._writer is not None:
            with suppress(Exception):  # a full disk refuses the footer as well
                self._writer.close()
            self._writer.is_open = False  # else it tries again when it is collected
        self._whole.discard()


def _repeats(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return not (pa.types.is_floating(kind) or pa.types.is_nested(kind) or pa.types.is_boolean(kind))
