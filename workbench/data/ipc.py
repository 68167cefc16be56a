"""Arrow IPC that anybody may have sent -> a table, no larger than its bytes account for; and tables as Arrow IPC.

Arrow believes what a message says of its lengths: a few bytes may claim billions of rows, or decompress to gigabytes.
So the messages are looked at before Arrow makes anything of them, and the table before anybody else does.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC = b"ARROW1"
_LARGER, _LEAST = 8, 16 << 20
"""How much larger than its bytes a table may be, where it is compressed or holds dictionaries; and what is no harm."""
_BITS = 8
_SCHEMA, _SCHEMA_COLUMN = 128 << 10, 2 << 10
"""The most bytes that a schema takes, and that each column adds to it."""
_FEW_ROWS = 64
_HEADER, _ID_DATA = 2, 1
_LENGTH, _NODES, _BUFFERS, _COMPRESSION = range(4)


def read(content: bytes, label: str, wanted: Collection[str] | None, columns: int) -> pa.Table:
    """The table in a stream or a file of Arrow: its columns of the `wanted` names, or all. BadInput, which calls it
    `label`, where it is damaged, or more than its bytes account for; `columns` are expected at least."""
    import pyarrow as pa

    room = left = max(_LEAST, _LARGER * len(content))
    try:
        body = _messages_of(content)
        for message in pa.ipc.MessageReader.open_stream(body):
            left -= _held(message, left, _SCHEMA + _SCHEMA_COLUMN * columns)
        with pa.ipc.open_stream(body, options=pa.ipc.IpcReadOptions(use_threads=False)) as reader:
            _refuse_twice(reader.schema.names, label)
            table = reader.read_all()
        table = table if wanted is None else table.select([name for name in table.column_names if name in wanted])
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, struct.error, MemoryError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInput(f"{label} is no Arrow that can be read: {said}", fix=_FIX) from error
    return _kept(table, room)


_FIX = "write it again, as in pyarrow.ipc.new_stream(sink, table.schema).write_table(table)"


def _messages_of(content: bytes) -> pa.Buffer:
    """The messages of a stream; those of a file stand between its magic words, before its footer."""
    import pyarrow as pa

    whole = pa.py_buffer(content)
    if not content.startswith(_MAGIC):
        return whole
    tail = len(_MAGIC) + 4
    footer = int.from_bytes(content[-tail:-4][:4], "little", signed=True) if content.endswith(_MAGIC) else 0
    end = len(content) - tail - footer
    return whole.slice(8, max(end - 8, 0)) if footer > 0 else whole.slice(8)


def _held(message: pa.Message, room: int, most_schema: int) -> int:
    """How many bytes a message has once it is decompressed. ValueError where it claims more than these hold."""
    metadata, body = memoryview(message.metadata), memoryview(message.body or b"")
    if message.type == "schema" and len(metadata) > most_schema:
        raise ValueError(f"its schema has {len(metadata)} bytes: leave out the columns that the model does not take")
    header = _Fields.root(metadata).table(_HEADER)
    batch = header.table(_ID_DATA) if header and message.type == "dictionary" else header
    if batch is None or message.type not in ("record batch", "dictionary"):
        return len(body)
    held = _decompressed(batch, body, room)
    claimed = max([batch.number(_LENGTH), *(rows for rows, _ in batch.pairs(_NODES))])
    if claimed > _BITS * held + _FEW_ROWS:
        raise ValueError(f"it claims {claimed} rows in {held} bytes")
    return held


def _decompressed(batch: _Fields, body: memoryview, room: int) -> int:
    buffers = list(batch.pairs(_BUFFERS))
    if sum(length for _, length in buffers) > len(body):
        raise ValueError("its buffers overlap, or are cut off")
    if batch.table(_COMPRESSION) is None:
        return len(body)
    sizes = [int(struct.unpack_from("<q", body, start)[0]) for start, length in buffers if length]
    total = sum(max(size, 0) for size in sizes) + len(body)
    if total > room:
        raise ValueError("it decompresses to far more than was sent: send it without compression, or fewer rows")
    return total


class _Fields:
    """A table of a flatbuffer, in which Arrow describes a message; pyarrow has verified it."""

    def __init__(self, raw: memoryview, at: int) -> None:
        self.raw, self.at = raw, at

    @classmethod
    def root(cls, raw: memoryview) -> _Fields:
        return cls(raw, struct.unpack_from("<I", raw, 0)[0])

    def _place(self, field: int) -> int | None:
        slots = self.at - struct.unpack_from("<i", self.raw, self.at)[0]
        if 4 + 2 * field >= struct.unpack_from("<H", self.raw, slots)[0]:
            return None
        offset = struct.unpack_from("<H", self.raw, slots + 4 + 2 * field)[0]
        return self.at + offset if offset else None

    def _pointed(self, field: int) -> int | None:
        place = self._place(field)
        return None if place is None else place + struct.unpack_from("<I", self.raw, place)[0]

    def number(self, field: int) -> int:
        place = self._place(field)
        return 0 if place is None else int(struct.unpack_from("<q", self.raw, place)[0])

    def table(self, field: int) -> _Fields | None:
        at = self._pointed(field)
        return None if at is None else _Fields(self.raw, at)

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """The members of a vector of two long numbers each."""
        at = self._pointed(field)
        if at is not None:
            count = struct.unpack_from("<I", self.raw, at)[0]
            yield from struct.iter_unpack("<qq", self.raw[at + 4 : at + 4 + 16 * count])


def _refuse_twice(names: list[str], label: str) -> None:
    from .columns import twice

    if again := twice(names):
        raise BadInput(f"{label} has the column {again[0]!r} twice", column=again[0], fix="rename one of them")


def _kept(table: pa.Table, room: int) -> pa.Table:
    """The table, if what it stands for is not much larger than it is. BadInput for types that no model takes."""
    import pyarrow as pa

    views = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    for i, name in enumerate(table.column_names):
        column = table.column(i)
        room -= _stands_for(column, name)
        if room < 0:
            what = f"column {name!r} stands for far more bytes than it was sent in"
            raise BadInput(what, column=name, fix="send fewer rows at a time")
        if column.type in views:
            table = table.set_column(i, name, column.cast(views[column.type]))
    return table


def _stands_for(column: pa.ChunkedArray, name: str) -> int:
    """How many bytes values have that stand in a dictionary, or elsewhere; 0 where they are where they belong."""
    import pyarrow as pa

    kind = column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
    if pa.types.is_dictionary(kind) and _is_plain(kind.value_type):
        return sum(map(_expanded, column.chunks))
    if kind in (pa.string_view(), pa.binary_view()):
        return sum(map(_viewed, column.chunks))
    if _is_plain(kind) or _is_list(kind):
        return 0
    raise BadInput(f"column {name!r} is {kind}, which no model takes", column=name, fix="write it as plain values")


def _is_plain(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    return bool(texts or types.is_null(kind) or types.is_primitive(kind) or types.is_decimal(kind))


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
    return _is_plain(kind)


def _expanded(chunk: Any) -> int:
    """The bytes of a dictionary's values, each as often as it is used."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = chunk.dictionary.type
    if pa.types.is_primitive(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind):
        return 8 * len(chunk)
    return int(pc.sum(pc.cast(pc.binary_length(chunk.dictionary), pa.int64()).take(chunk.indices)).as_py() or 0)


def _viewed(chunk: Any) -> int:
    """The bytes of views, each as long as it says, though they may be of the same bytes."""
    import numpy as np

    views = chunk.buffers()[1]
    if views is None:
        return 0
    lengths = np.frombuffer(views, np.int32)[4 * chunk.offset : 4 * (chunk.offset + len(chunk)) : 4]
    return int(lengths.sum(dtype=np.int64))


def stream(table: pa.Table) -> bytes:
    """The table as a stream of Arrow."""
    import pyarrow as pa

    return _written(table, pa.ipc.new_stream)


def file(table: pa.Table) -> bytes:
    """The table as a file of Arrow."""
    import pyarrow as pa

    return _written(table, pa.ipc.new_file)


def _written(table: pa.Table, begin: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with begin(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
