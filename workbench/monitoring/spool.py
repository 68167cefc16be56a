"""What was asked and answered, as lines of JSON that are on disk before the client has its answer.

One process writes one file at a time; what it wrote survives its death. `segments` makes Parquet of the full ones.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from .. import journal

FULL = 8_000_000  # bytes of a file, before another is begun
OLD = 3600.0  # seconds likewise
_MOST_VALUES = 1_000_000
_SAY_AGAIN = 60.0
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS

Entry = dict[str, Any]
"""One request: `id`, `at` (seconds since 1970), `version`, `status`, `ms`, `path`, `caller`, `rows`, `x` and `y`
(columns asked and answered), `error`; what is not known is absent."""


class Spool:
    """The file that this process writes into, below `folder`. Columns that are `hidden` are not written; `hashed` ones
    as a digest that is the same for the same value, with the key that lies beside. `lost` counts what no disk took."""

    def __init__(self, folder: Path, *, hidden: tuple[str, ...] = (), hashed: tuple[str, ...] = ()) -> None:
        self.folder, self.hidden, self.hashed = folder, frozenset(hidden), frozenset(hashed)
        self.lost = 0
        self._file, self._size, self._began, self._number, self._said = -1, 0, 0.0, 0, 0.0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key = _key(folder) if hashed else b""

    def write(self, entries: list[Entry]) -> None:
        """Write requests down, in one call of the system; what cannot be written is counted, and told in the log."""
        lines = b"\n".join([self._line(entry) for entry in entries]) + b"\n"
        try:
            if self._file < 0 or self._size > FULL or time.time() - self._began > OLD:
                self._begin()
            written = os.write(self._file, lines)
            self._size += written
            if written < len(lines):
                raise OSError("the disk is full")
        except OSError as error:
            self._close()  # what was written of a line stays without an end, and the next begins in another file
            self._count(len(entries), error)

    def _line(self, entry: Entry) -> bytes:
        if self.hidden or self.hashed:
            entry |= {"error": self._discreet(entry)} if "error" in entry else {}
            entry |= {key: self._veiled(entry[key]) for key in ("x", "y") if key in entry}
        if _values(entry) > _MOST_VALUES:
            entry = {key: value for key, value in entry.items() if key not in ("x", "y")} | {
                "error": "too large to log"
            }
        return orjson.dumps(entry, default=str, option=_OPTIONS)

    def _veiled(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: values for name, values in columns.items() if name not in self.hidden}
        for name in self.hashed & shown.keys():
            shown[name] = [None if _is_missing(value) else self._digest(value) for value in shown[name]]
        return shown

    def _discreet(self, entry: Entry) -> str:
        """What went wrong, without a value of these columns: a refusal shows the one that does not fit."""
        said = str(entry["error"])
        columns = [entry.get("x", {}).get(name, ()) for name in self.hidden | self.hashed]
        shown = {form for column in columns for value in column for form in _forms(value)}
        for form in sorted(shown, key=len, reverse=True):
            said = said.replace(form, "…")
        return said

    def _digest(self, value: Any) -> str:
        whole = isinstance(value, float) and value.is_integer()  # 41.0 is 41, however a client writes it
        return hmac.new(self._key, str(int(value) if whole else value).encode(), hashlib.sha256).hexdigest()[:16]

    def _begin(self) -> None:
        self._close()
        self._number += 1
        self._began = time.time()
        name = f"{self._began * 1000:.0f}-{os.getpid()}-{self._number}.jsonl"
        self._file = os.open(self.folder / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def _count(self, entries: int, error: OSError) -> None:
        self.lost += entries
        if time.time() - self._said > _SAY_AGAIN:
            self._said = time.time()
            journal.note(f"{self.lost} requests could not be logged in {self.folder}: {error}")

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._size = -1, 0


def full(folder: Path) -> list[Path]:
    """The files that nobody writes into any more: their process has begun another, or is gone."""
    newest: dict[int, int] = {}
    files = [(file, *_writer(file)) for file in folder.glob("*.jsonl")]
    for _, pid, number in files:
        newest[pid] = max(newest.get(pid, 0), number)
    return sorted(file for file, pid, number in files if number < newest[pid] or not lives(pid))


def entries(file: Path) -> Iterator[Entry]:
    """The requests in a file; of a line that was cut off by a full disk or a kill nothing is left."""
    with file.open("rb") as lines:
        for line in lines:
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(entry, dict):
                yield entry


def _values(entry: Entry) -> int:
    return int(entry.get("rows", 0)) * max(1, len(entry.get("x", ()))) if "x" in entry else 0


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _forms(value: Any) -> tuple[str, ...]:
    """How a message may show a value."""
    return () if _is_missing(value) or not str(value) else (repr(value), str(value))


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


def _key(folder: Path) -> bytes:
    """The key of digests, made once: who has the log without it cannot try values."""
    file = folder / "key"
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_bytes()
    with os.fdopen(descriptor, "wb") as new:
        new.write(made := os.urandom(32))
    return made
