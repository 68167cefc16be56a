"""Bytes on their way to a file -> their SHA-256, computed beside the writing: large state is not read again for it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Any

_CHUNK = 1 << 22
_WAITING = 8


@contextmanager
def hashed(file: Path, hashes: dict[str, str]) -> Iterator[IO[bytes]]:
    """A stream that writes `file`; its hash, in hexadecimal, is in `hashes` under the file's name at the end."""
    raw = _Hashing(file)
    with io.BufferedWriter(raw, _CHUNK) as stream:
        yield stream
    hashes[file.name] = raw.digest.hexdigest()


class _Hashing(io.RawIOBase):
    """Writes, and lets a thread hash what was written; both work outside of Python's lock."""

    def __init__(self, file: Path) -> None:
        self.digest = hashlib.sha256()
        self._file = file.open("wb", buffering=0)
        self._chunks: Queue[bytes] = Queue(_WAITING)
        self._thread = Thread(target=self._hash, name=f"hash of {file.name}", daemon=True)
        self._thread.start()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        chunk = bytes(memoryview(data)[:_CHUNK])
        written = self._file.write(chunk)
        self._chunks.put(chunk[:written])
        return written

    def close(self) -> None:
        if not self.closed:
            self._chunks.put(b"")
            self._thread.join()
            self._file.close()
        super().close()

    def _hash(self) -> None:
        while chunk := self._chunks.get():
            self.digest.update(chunk)
