"""What a job writes -> files that are rotated by size, read from their end, and followed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

BYTES = 10_000_000
KEPT = 5
_LOOK = 0.1
_BLOCK = 1 << 16


def path(folder: Path) -> Path:
    """The file that is written to."""
    return folder / "log"


def rotate(folder: Path, most: int = BYTES) -> None:
    """Begin a new file when the log is full; follow another process of the job that has. Descriptors 1 and 2 are it."""
    file = path(folder)
    with suppress(OSError):
        if os.fstat(1).st_size > most and _is(file, 1):
            for number in range(KEPT - 1, 0, -1):
                with suppress(FileNotFoundError):
                    os.replace(file if number == 1 else folder / f"log.{number - 1}", folder / f"log.{number}")
        if os.fstat(1).st_nlink and not _is(file, 1) and _is_a_log(folder):
            reopen(file)


def _is_a_log(folder: Path) -> bool:
    """Whether descriptor 1 is one of the folder's logs, and not a terminal or a test's file."""
    return any(_is(folder / f"log.{number}", 1) for number in range(1, KEPT))


def _is(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except OSError:
        return False


def reopen(file: Path) -> None:
    """Descriptors 1 and 2 become this file."""
    new = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(new, 1)
    os.dup2(new, 2)
    os.close(new)


def tail(folder: Path, lines: int, *, rotated_only: bool = False) -> list[str]:
    """The last lines, over the rotated files, or of these alone."""
    files = [path(folder), *(folder / f"log.{number}" for number in range(1, KEPT))]
    found: list[str] = []
    for file in files[rotated_only:]:
        with suppress(FileNotFoundError), file.open("rb") as log:
            if len(found) < lines:
                found = _last(log, lines - len(found)) + found
    return found


def _last(log: IO[bytes], lines: int) -> list[str]:
    """The last lines of a file, which may be long: it is read from its end."""
    end, size, part = log.seek(0, os.SEEK_END), _BLOCK, b""
    while len(part) < end and part.count(b"\n") <= lines:
        log.seek(max(0, end - size))
        part, size = log.read(min(size, end)), 2 * size
    return part.decode(errors="replace").removesuffix("\n").split("\n")[-lines:] if part else []


def follow(folder: Path, ended: Callable[[], bool], lines: int = 10) -> Iterator[str]:
    """The last lines, then each as it is written, until `ended` says that no more will come."""
    followed = _Followed(folder)
    before = followed.read(last=False)
    yield from [*(tail(folder, lines, rotated_only=True) if len(before) < lines else []), *before][-lines:]
    while True:
        over = ended()
        yield from followed.read(last=over)
        if over:
            return
        time.sleep(_LOOK)


class _Followed:
    """What is written to the log, over rotations: a file is read to its end before the one that came after it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[IO[bytes]] = []
        self._rest = b""

    def read(self, *, last: bool) -> list[str]:
        """The lines that are new; with `last` the one that has no end yet, too."""
        self._open_new()
        found = b""
        for file in self._files:
            found += file.read()
        for file in self._files[:-KEPT]:
            file.close()
        del self._files[:-KEPT]
        whole, newline, rest = (self._rest + found).rpartition(b"\n")
        self._rest = b"" if last else rest
        parts = (whole + newline + (rest if last else b"")).decode(errors="replace")
        return parts.removesuffix("\n").split("\n") if parts else []

    def _open_new(self) -> None:
        """Open what came after the file that was opened last: other processes may still write to that one."""
        new: list[IO[bytes]] = []
        for name in ("log", *(f"log.{number}" for number in range(1, KEPT if self._files else 1))):
            with suppress(FileNotFoundError):
                file = (self._folder / name).open("rb")
                if any(_same(file, other) for other in self._files):
                    file.close()
                    break
                if not any(_same(file, other) for other in new):  # it was renamed meanwhile
                    new.insert(0, file)
        self._files += new


def _same(file: IO[bytes], other: IO[bytes]) -> bool:
    return os.path.samestat(os.fstat(file.fileno()), os.fstat(other.fileno()))
