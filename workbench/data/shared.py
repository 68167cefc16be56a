"""Tables -> other processes of this machine, through memory that both have."""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class Room:
    """Memory that a child process has too, under the descriptor `fd`: it holds one table at a time, and keeps its
    size for the next."""

    def __init__(self) -> None:
        self._file: Any = None
        if hasattr(os, "memfd_create"):
            self.fd = os.memfd_create("workbench-rows")
        else:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 it lasts as long as this does
            self.fd = self._file.fileno()
        self._mapped: mmap.mmap | None = None

    def put(self, table: pa.Table) -> int:
        """Write a table over the one before; how many bytes it has there."""
        import pyarrow as pa

        counted = pa.MockOutputStream()
        _write(table, counted)
        size = int(counted.size())
        if self._mapped is None or len(self._mapped) < size:
            os.ftruncate(self.fd, size)
            self._mapped = mmap.mmap(self.fd, size)
        _write(table, pa.FixedSizeBufferWriter(pa.py_buffer(self._mapped)))
        return size

    def close(self) -> None:
        """Give it back, once no process reads it."""
        self._mapped = None
        if self._file is None:
            os.close(self.fd)
        else:
            self._file.close()


def _write(table: pa.Table, sink: Any) -> None:
    import pyarrow as pa

    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def read(fd: int, size: int) -> pa.Table:
    """The table that another process put there; it is not copied, and lasts until the next is put."""
    import pyarrow as pa

    mapped = mmap.mmap(fd, size, access=mmap.ACCESS_READ)
    return pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()
