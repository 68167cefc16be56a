"""Feather and Arrow IPC files."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .files import FilePath, WholeFile, in_words, reading
from .pieces import PIECE_ROWS, Piece

if TYPE_CHECKING:
    import pyarrow as pa


class FeatherSource:
    """A Feather or Arrow IPC file, or an Arrow stream in a file."""

    text: str | None = None
    rows: int | None = None

    def __init__(self, file: FilePath) -> None:
        self.file, self.label = file, file.label
        self._chosen: frozenset[str] | None = None

    def choose(self, names: Collection[str]) -> None:
        self._chosen = frozenset(names)

    def settle(self, leave: Collection[str]) -> None:
        """The file has types."""

    def pieces(self) -> Iterator[Piece]:
        import pyarrow as pa

        first_row = 0
        with in_words(self.file, "read"), reading(self.file) as (stream, raw, size):
            reader = self._open(stream, size)
            for batches in _gathered(self._batches(reader)):
                table = pa.Table.from_batches(batches).combine_chunks()
                yield Piece(table, first_row, share=min(raw.tell() / size, 1.0) if size else None)
                first_row += table.num_rows
            if not first_row:
                yield Piece(reader.schema.empty_table(), 0)

    def _open(self, stream: pa.NativeFile, size: int | None) -> Any:
        import pyarrow as pa

        if size == 0:
            raise BadInput(f"{self.label} is empty: it has 0 bytes", where=self.label, fix="write or copy it again")
        try:
            start = stream.read(6)
            stream.seek(0)
            opened = pa.ipc.open_file if start == b"ARROW1" else pa.ipc.open_stream
            reader = opened(stream)
            if self._chosen is None or not self._chosen <= set(reader.schema.names):
                return reader
            fields = [i for i, name in enumerate(reader.schema.names) if name in self._chosen]
            stream.seek(0)
            return opened(stream, options=pa.ipc.IpcReadOptions(included_fields=fields))
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error

    def _batches(self, reader: Any) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        try:
            if hasattr(reader, "num_record_batches"):
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                batches = iter(reader)
            for batch in batches:
                for start in range(0, batch.num_rows, PIECE_ROWS):
                    yield batch.slice(start, PIECE_ROWS)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> BadInput:
        said = str(error).splitlines()[0]
        return BadInput(f"{self.label} is truncated or not Feather: {said}", where=self.label, fix="write it again")


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Small batches together, since each piece is one call of the model."""
    together: list[pa.RecordBatch] = []
    n_rows = 0
    for batch in batches:
        if together and n_rows + batch.num_rows > PIECE_ROWS:
            yield together
            together, n_rows = [], 0
        together.append(batch)
        n_rows += batch.num_rows
    if n_rows:
        yield together


class FeatherSink:
    """A Feather file, which is an Arrow IPC file. Categories are written as their values: the format
    has one dictionary per file, which is not known before the last piece."""

    text: str | None = None

    def __init__(self, file: FilePath) -> None:
        self.label = file.label
        self._whole = WholeFile(file)
        self._stream = self._whole.stream()
        self._writer: Any = None

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        import pyarrow as pa

        table = _plain(table).combine_chunks()  # a batch of the file for each piece, however its rows were gathered
        with in_words(self._whole.file, "write"):
            if self._writer is None:
                options = pa.ipc.IpcWriteOptions(compression="lz4" if pa.Codec.is_available("lz4") else None)
                self._writer = pa.ipc.new_file(self._stream, table.schema, options=options)
            self._writer.write_table(table)

    def close(self) -> str:
        with in_words(self._whole.file, "write"):
            self._writer.close()
        return self._whole.publish()

    def abort(self) -> None:
        self._whole.discard()


def _plain(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(field.type.value_type))
    return table
