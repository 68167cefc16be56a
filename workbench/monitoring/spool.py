"""What was asked and answered, batch by batch, with the system before a client has its answer.

One process writes one file at a time, in one call for each batch and as quickly as can be; what it wrote survives its
death. `segments` makes columns of the full ones.
"""

from __future__ import annotations

import marshal
import os
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import journal

ENDING = ".spool"
UNLOGGED = "unlogged-"  # how the facts begin that say how many requests a process could not log
FULL = 8_000_000  # bytes of a file, before another is begun
OLD = 3600.0  # seconds likewise
_SAY_AGAIN = 60.0
_HEAD = struct.Struct("<Id")
_FORM = 2  # which all Pythons read
_ALWAYS = float("inf")  # when a frame ended that nobody passes over

Line = tuple[Any, ...]
"""One request: its id, when it came (by `perf_counter`), its path, who asked, the status of its answer and what went
wrong, how many rows it had; and, where it is not `together` with others, the columns that were asked and answered, None
where they are not known: by name, or all that the version takes, in its order. A column is a list, or `packed`."""
STATUS, ROWS, ASKED, GIVEN = 4, 6, 7, 8

Together = tuple[dict[str, Any], dict[str, Any]]
"""The columns by name that were asked, and answered, in several requests, their rows below each other."""


class Batch(NamedTuple):
    """Requests that a version had answered at one time: `ended`, in seconds since 1970, and `clock`, by
    `perf_counter`; `names` are those of all columns that it takes. Of those that were
    asked `together` the rows are there."""

    version: int
    ended: float
    names: tuple[str, ...]
    clock: float
    lines: list[Line]
    together: Together | None = None


class Spool:
    """The file that this process writes into, below `folder`. `lost` counts what no disk took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lost = folder, 0
        self._file, self._size, self._began, self._number = -1, 0, 0.0, 0
        self._path = folder  # of the file
        self._named: set[int] = set()  # the versions whose columns it names
        self._said, self._said_at = 0, 0.0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, version: int, names: Sequence[str], lines: list[Line], together: Together | None = None) -> None:
        """Write down what a version, whose columns have these names, was asked and answered until now; what cannot be
        written is counted, and told in the log."""
        ended, clock = time.time(), time.perf_counter()  # of one moment: requests are put in order by their difference
        try:
            if self._file < 0 or self._size > FULL or ended - self._began > OLD:
                self._begin()
            parts = [] if version in self._named else _framed((version, tuple(names)), _ALWAYS)
            parts += _framed((version, clock, lines, together), ended)
            written = os.writev(self._file, parts)
            self._size += written
            if written < sum(map(len, parts)):
                raise OSError("the disk is full")
            self._named.add(version)
            if self.lost > self._said:
                self._tell("requests were not logged; now they are again")
        except OSError as error:
            self._close()  # what was written of a batch stays without an end, and the next begins in another file
            self.lost += len(lines)
            if time.time() - self._said_at > _SAY_AGAIN:
                self._tell(f"requests could not be logged: {error}")

    def _begin(self) -> None:
        self._close()
        self._number += 1
        self._began = time.time()
        name = f"{self._began * 1000:.0f}-{os.getpid()}-{self._number}{ENDING}"
        self._path = self.folder / name
        self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def _tell(self, what: str) -> None:
        self._said, self._said_at = self.lost, time.time()
        journal.note(f"{self.folder}: {self.lost} {what}")

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            if not self._named:  # nothing whole is in it
                self._path.unlink(missing_ok=True)
        self._file, self._size, self._named = -1, 0, set()


def packed(values: Any) -> tuple[str, tuple[int, ...], bytes]:
    """A column that is an array of numbers."""
    return values.dtype.str, values.shape, values.tobytes()


def unpacked(column: Any) -> Any:
    """The values of a column, one for each row: a list, or an array of numbers."""
    if type(column) is list:
        return column
    import numpy as np

    dtype, shape, content = column
    return np.frombuffer(content, dtype).reshape(shape)


def listed(column: Any) -> list[Any]:
    """The same as a list."""
    values: list[Any] = column if type(column) is list else unpacked(column).tolist()
    return values


def full(folder: Path) -> list[Path]:
    """The files that nobody writes into any more: their process has begun another, or is gone."""
    newest: dict[int, int] = {}
    files = [(file, *_writer(file)) for file in folder.glob(f"*{ENDING}")]
    for _, pid, number in files:
        newest[pid] = max(newest.get(pid, 0), number)
    return sorted(file for file, pid, number in files if number < newest[pid] or not lives(pid))


def batches(file: Path, since: float = 0.0) -> Iterator[Batch]:
    """What is in a file, without what had ended before `since`; of what a full disk or a kill has cut off nothing is
    left."""
    content, at, names = memoryview(file.read_bytes()), 0, dict[int, tuple[str, ...]]()
    while at + _HEAD.size <= len(content):
        size, ended = _HEAD.unpack_from(content, at)
        start, at = at + _HEAD.size, at + _HEAD.size + size
        if at > len(content):
            return
        if ended < since:
            continue
        version, *held = marshal.loads(content[start:at])
        if ended == _ALWAYS:
            (names[version],) = held
        else:
            yield Batch(version, ended, names[version], *held)


def _framed(what: Any, ended: float) -> list[bytes]:
    try:
        content = marshal.dumps(what, _FORM)
    except ValueError:
        content = marshal.dumps(_plain(what), _FORM)
    return [_HEAD.pack(len(content), ended), content]


def _plain(value: Any) -> Any:
    """Likewise, of the kinds alone that are written, where some are made of these."""
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    if isinstance(value, dict):
        return {str(name): _plain(held) for name, held in value.items()}
    if value is None or isinstance(value, bool | bytes):
        return value
    kind = next((kind for kind in (int, float) if isinstance(value, kind)), None)
    return kind(value) if kind else str.__str__(value) if isinstance(value, str) else str(value)


def _writer(file: Path) -> tuple[int, int]:
    _, pid, number = file.stem.split("-")
    return int(pid), int(number)


def lives(pid: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def key(folder: Path) -> bytes:
    """The key of digests, made once: who has the log without it cannot try values."""
    file = folder / "key"
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_bytes()
    with os.fdopen(descriptor, "wb") as new:
        new.write(made := os.urandom(32))
    return made
