"""The embedded log behind `queue:NAME`: an append-only file of records that several processes write and read at once.

One SQLite file per topic. Records have offsets that count up and are never given again; groups of readers keep theirs.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .. import text
from ..errors import NotFound, StorageError
from .log_file import check_name as check_name
from .log_file import connect, refusal

KEPT_SECONDS = 7 * 86400.0
KEPT_BYTES = 1_000_000_000
_SLICE = 10_000


class Record(NamedTuple):
    """One record: its offset, when it happened (seconds since 1970; where nobody said, when it was put), its key,
    headers and value; the lane of its broker that its offset counts in."""

    offset: int
    at: float
    key: str | None
    headers: dict[str, Any] | None
    value: bytes
    lane: str = ""


_record = partial(tuple.__new__, Record)
"""A row as a record, at the price of a tuple."""


class Log:
    """One topic. `durable`: what was put survives a loss of power, and not only the end of a process. `kept`: how many
    bytes of values it holds at most."""

    tells = True

    def __init__(
        self, folder: Path, name: str, *, durable: bool = False, create: bool = True, kept: int = KEPT_BYTES
    ) -> None:
        check_name(name)
        self.folder, self.name, self.kept = folder, name, kept
        self.label = f"queue:{name}"
        self.file = folder / f"{name}.db"
        if not create and not self.file.exists():
            raise NotFound(f"there is no queue {name}", fix=f"%workbench put queue:{name} ROWS makes it")
        with self._refusals():
            self._connection = connect(self.file, name, durable=durable)
            self._inode = os.stat(self.file).st_ino

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise refusal(self.name, self.file, error) from error

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is the only writer from its beginning."""
        with self._refusals():
            self._connection.execute("begin immediate")
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                self._connection.rollback()
                raise

    def query(self, query: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        with self._refusals():
            return self._connection.execute(query, values).fetchall()

    def append(
        self,
        values: Sequence[bytes],
        keys: Sequence[str | None] | None = None,
        headers: Sequence[dict[str, Any] | None] | None = None,
        *,
        source: str = "",
        offset: int = 0,
        offsets: Sequence[int] = (),
        times: Sequence[float] = (),
    ) -> int:
        """Add records, all or none; the offset of the last.

        With `source`, they are what became of that source's records up to `offset`: nothing is added if its records
        were added already. `times`: when each happened, if not now. StorageError where the topic is full, naming the
        group that lags.
        """
        size = sum(map(len, values))
        with self.write() as connection:
            counts = dict(connection.execute("select name, number from counts").fetchall())
            if source and offset <= self._position(connection, source):
                return int(counts["last"])
            if (needed := counts["bytes"] + size - self.kept) > 0:
                counts["bytes"] -= self._make_room(connection, needed)
            last: int = counts["last"]
            now = time.time()
            rows = zip(
                range(last + 1, last + 1 + len(values)),
                times or [now] * len(values),
                keys or [None] * len(values),
                [json.dumps(h) if h else None for h in headers] if headers else [None] * len(values),
                values,
                strict=True,
            )
            connection.executemany("insert into records values (?, ?, ?, ?, ?)", rows)
            last += len(values)
            connection.execute("update counts set number = ? where name = 'last'", (last,))
            connection.execute("update counts set number = ? where name = 'bytes'", (counts["bytes"] + size,))
            if source:
                connection.execute("insert or replace into positions values (?, ?)", (source, offset))
        return last

    def position(self, source: str) -> int:
        """Up to where the records of a source were added."""
        return self._position(self._connection, source)

    @staticmethod
    def _position(connection: sqlite3.Connection, source: str) -> int:
        found = connection.execute("select offset from positions where source = ?", (source,)).fetchone()
        return int(found[0]) if found else 0

    def read(self, after: int, most: int) -> list[Record]:
        """Records beyond an offset, at most so many."""
        rows = self.query(
            "select offset, at, key, headers, value, '' from records where offset > ? limit ?", after, most
        )
        if any(row[3] for row in rows):
            return [Record(o, at, key, json.loads(h) if h else None, value) for o, at, key, h, value, _ in rows]
        return [_record(row) for row in rows]

    def newest(self, most: int) -> list[Record]:
        """The last records, the newest last. NotFound where nothing was ever put, and no group reads."""
        if not self.last and not self.offsets():
            raise NotFound(f"{self.label} has no records", fix=f"%workbench put {self.label} ROWS puts some on it")
        return self.read(max(0, self.last - most), most)

    def named(self, record: Record) -> str:
        """The offset, as people read it."""
        return text.count(record.offset)

    @property
    def first(self) -> int:
        """The offset before the oldest record that is kept."""
        found = self.query("select offset from records limit 1")
        return int(found[0][0]) - 1 if found else self.last

    @property
    def last(self) -> int:
        """The offset of the newest record, 0 where none was ever put."""
        return int(self.query("select number from counts where name = 'last'")[0][0])

    def before(self, moment: float) -> int:
        """The offset of the last record that happened by then (seconds since 1970), or that before the first."""
        return int(self.query("select coalesce(max(offset), 0) from records where at <= ?", moment)[0][0]) or self.first

    @property
    def identity(self) -> str:
        """What tells it from another of its name, made after it was removed: offsets begin anew there."""
        found = self.query("select number from counts where name = 'made'")
        return f"{found[0][0]:x}" if found else "0"

    def there(self) -> bool:
        """Whether its file is still the one that was opened."""
        try:
            return os.stat(self.file).st_ino == self._inode
        except OSError:
            return False

    def offsets(self) -> dict[str, int]:
        """The groups, and the offset up to which each is done."""
        return dict(self.query("select name, offset from groups"))

    def forget(self, group: str) -> None:
        """A group reads no more: what it is not done with is kept for others alone."""
        with self.write() as connection:
            connection.execute("delete from groups where name = ?", (group,))

    def changed(self) -> int:
        """A number that changes whenever another process has written."""
        return int(self.query("pragma data_version")[0][0])

    def trim(self, *, seconds: float = KEPT_SECONDS) -> int:
        """Let go of records older than that which every group is done with; how many."""
        gone = 0
        while True:
            with self.write() as connection:
                done = connection.execute("select coalesce(min(offset), 0) from groups").fetchone()[0]
                old = "select offset from records where offset <= ? and at < ? limit ?"
                deleted = self._delete(connection, old, (done, time.time() - seconds, _SLICE))
            gone += deleted[0]
            if deleted[0] < _SLICE:
                return gone

    def _make_room(self, connection: sqlite3.Connection, needed: int) -> int:
        """Let go of the oldest tenth that all groups are done with; the bytes that this gave."""
        lagging = connection.execute("select name, offset from groups order by offset limit 1").fetchone()
        done = lagging[1] if lagging else self.last
        wanted, given = max(needed, self.kept // 10), 0
        while given < wanted:
            rows, freed = self._delete(
                connection, "select offset from records where offset <= ? limit ?", (done, _SLICE)
            )
            given += freed
            if not rows:
                break
        if given < needed:
            who = f"group {lagging[0]} is at {lagging[1]} of {self.last}" if lagging else "no group reads it"
            what = f"queue {self.name} is full ({self.kept / 1e9:g} GB): {who}"
            fix = f"let it catch up: %workbench status; or stop what uses it and remove {self.file}"
            raise StorageError(what, fix=fix)
        return given

    @staticmethod
    def _delete(connection: sqlite3.Connection, which: str, values: tuple[Any, ...]) -> tuple[int, int]:
        freed = connection.execute(
            f"select coalesce(sum(length(value)), 0) from records where offset in ({which})", values
        ).fetchone()[0]
        deleted = connection.execute(f"delete from records where offset in ({which})", values).rowcount
        connection.execute("update counts set number = number - ? where name = 'bytes'", (freed,))
        return deleted, int(freed)

    def close(self) -> None:
        self._connection.close()
