"""What a run has done: one row per chunk, kept on the disk before the next begins."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...data import remote_files
from ...errors import BadInput, StorageError

_ROOM = 1_000_000
_FACTS = "create table if not exists facts (name text primary key, value text not null);"
_SCHEMA = """
create table if not exists chunks (
  number integer primary key, file text not null, rows integer not null, part text not null);
create table if not exists rejects (
  chunk integer not null, file text not null, row integer not null, column text, reason text not null,
  record text not null);
"""


@dataclass(frozen=True)
class Reject:
    """A row that got no prediction, and why."""

    file: str
    row: int
    column: str | None
    reason: str
    record: dict[str, Any]


class Kept:
    """What lasts, in the SQLite file `file`: tables of a `schema`, and facts by name. StorageError says why it cannot
    be read or written."""

    def __init__(self, file: Path, schema: str) -> None:
        self.file = file
        self._connection: Any = None
        self._lock = threading.RLock()  # one thread adds what is done while another works
        with self._refusals():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._connection.execute("pragma synchronous = full")
            self._connection.executescript(_FACTS + schema)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except (sqlite3.Error, OSError) as error:
                raise _refusal(self.file, error) from error

    @contextmanager
    def _written(self) -> Iterator[Any]:
        """All of what is executed in the block, or nothing; on the disk at its end."""
        with self._refusals():
            self._connection.execute("begin immediate")
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.rollback()
                raise

    def fact(self, name: str) -> Any:
        """What was kept under this name; None where nothing was."""
        with self._refusals():
            found = self._connection.execute("select value from facts where name = ?", (name,)).fetchone()
        return json.loads(found[0]) if found else None

    def keep(self, name: str, value: Any) -> None:
        """Keep a JSON value; on the disk when this returns."""
        with self._refusals():
            self._connection.execute("insert or replace into facts values (?, ?)", (name, json.dumps(value)))

    def close(self) -> None:
        self._connection.close()


class Ledger(Kept):
    """The ledger in `file`; it is made for the first attempt of a run and read by each further one."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, _SCHEMA)

    def begin(self, files: list[str]) -> None:
        """Keep what the input is; BadInput where it was another when the run began."""
        now = {file: fingerprint(file) for file in files}
        before = self.fact("input")
        if before is None:
            self.keep("input", now)
        elif before != now:
            changed = sorted({file for file in {**before, **now} if before.get(file) != now.get(file)})
            what = f"{changed[0]} changed since this run began: its chunks would not fit together"
            raise BadInput(what, where=changed[0], fix="begin the run anew with %batch")

    def done(self) -> dict[int, tuple[str, int, str]]:
        """The chunks that are done: file, rows, and the name of the part."""
        with self._refusals():
            return {n: (f, r, p) for n, f, r, p in self._connection.execute("select * from chunks order by number")}

    def add(self, done: Iterable[tuple[int, str, int, str, list[Reject]]]) -> None:
        """Chunks are done: for each its number, file, rows, part, which is there, and the rows that were refused."""
        with self._written() as write:
            for number, file, rows, part, rejects in done:
                write.execute("insert into chunks values (?, ?, ?, ?)", (number, file, rows, part))
                write.executemany(
                    "insert into rejects values (?, ?, ?, ?, ?, ?)",
                    [(number, r.file, r.row, r.column, r.reason, json.dumps(r.record, default=str)) for r in rejects],
                )

    def forget(self, numbers: Iterable[int]) -> None:
        """These chunks are to be done again: their parts are gone."""
        with self._written() as write:
            for number in numbers:
                write.execute("delete from chunks where number = ?", (number,))
                write.execute("delete from rejects where chunk = ?", (number,))

    def by_file(self) -> tuple[dict[str, int], dict[str, int]]:
        """How many rows of each file were scored, and refused."""
        with self._refusals():
            scored = self._connection.execute("select file, sum(rows) from chunks group by file").fetchall()
            refused = self._connection.execute("select file, count(*) from rejects group by file").fetchall()
        return dict(scored), dict(refused)

    def rejects(self) -> list[Reject]:
        """All rows that were refused, in order."""
        with self._refusals():
            rows = self._connection.execute(
                "select file, row, column, reason, record from rejects order by chunk, rowid"
            ).fetchall()
        return [Reject(file, row, column, reason, json.loads(record)) for file, row, column, reason, record in rows]

    def finish(self) -> None:
        """The output is there."""
        self.keep("finished", True)

    @property
    def finished(self) -> bool:
        return bool(self.fact("finished"))


def _refusal(file: Path, error: sqlite3.Error | OSError) -> StorageError:
    """What SQLite, or the system, says of the ledger, in words."""
    said = str(error)
    if "full" in said or "No space" in said or ("disk I/O" in said and not _room(file)):
        return StorageError(f"the disk of {file} is full", fix="make room there, then resume the run: nothing is lost")
    return StorageError(f"the ledger {file} cannot be used: {said}", fix="begin the run anew with %batch")


def _room(file: Path) -> bool:
    with suppress(OSError):
        return shutil.disk_usage(file.parent).free > _ROOM
    return True


def fingerprint(file: str) -> list[Any]:
    """Size and time of change of a local file, size and version of a remote one; nothing is known of other places."""
    if "://" in file:
        return remote_files.fingerprint(file)
    try:
        stat = os.stat(file.partition("?")[0])
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]


def line(reject: Reject) -> str:
    """A rejected row for the rejects file."""
    return json.dumps(asdict(reject), ensure_ascii=False, default=str)
