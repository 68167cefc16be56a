"""What a job writes -> files that are rotated by size, read from their end, and followed."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

BYTES = 10_000_000
KEPT = 5
_LOOK = 0.1


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


def tail(folder: Path, lines: int) -> list[str]:
    """The last lines, over the rotated files."""
    found: deque[str] = deque(maxlen=lines)
    for file in [*(folder / f"log.{number}" for number in range(KEPT - 1, 0, -1)), path(folder)]:
        with suppress(FileNotFoundError), file.open(encoding="utf-8", errors="replace") as text:
            found.extend(line.rstrip("\n") for line in text)
    return list(found)


def follow(folder: Path, ended: Callable[[], bool], lines: int = 10) -> Iterator[str]:
    """The last lines, then each as it is written, until `ended` says that no more will come."""
    yield from tail(folder, lines)
    file = _opened(path(folder), at_end=True)
    while True:
        over = ended()
        for line in file or ():
            yield line.rstrip("\n")
        if over:
            return
        if file is None or not _is(path(folder), file.fileno()):
            file = _opened(path(folder))
        time.sleep(_LOOK)


def _opened(file: Path, *, at_end: bool = False):  # type: ignore[no-untyped-def]  # noqa: ANN202 (a text file)
    try:
        text = file.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    if at_end:
        text.seek(0, os.SEEK_END)
    return text
