"""Requests that are answered later, and their answers for a while: one file that all workers of a service share.

A worker claims what waits, and says from time to time that it is still at it; what one had claimed that died, or says
nothing, is claimed by another.

It is not the embedded log of `data.log`: that is read in its order, by one process at a time for a group, which commits
all up to an offset. Here all workers answer, what is quick overtakes what is slow, what kills its worker is given up
after some tries, and an answer is found, and forgotten, by its id. A log would hold the bodies alone; claims, tries and
answers would be tables beside it, and two files would have to agree after a kill.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import StorageError
from ...monitoring.spool import lives
from .exchange import Reply, Request
from .refusals import Busy, Refused

KEPT = 3600.0  # seconds that an answer can be fetched
LEASE = 10.0  # seconds after which a worker that said nothing is taken for dead
_MOST_TRIES = 3
_MOST_BYTES = 1_000_000_000
_BUSY_SECONDS = 30.0
_CALLER = b"x-workbench-caller"  # as a header, among those that are kept
_SCHEMA = """
create table if not exists asked (
    number integer primary key, id text unique not null, at real not null, path text not null, headers text not null,
    body blob not null, worker text, seen real, tries integer not null default 0,
    done real, status integer, type blob, reply blob, more text
);
create index if not exists waiting on asked (number) where done is null;
"""


class Claimed(NamedTuple):
    """A request that a worker has taken on."""

    id: str
    request: Request
    tries: int


class Deferred:
    """The requests of the service whose folder this is; at most `most` wait. `worker` names who asks, `N-PID`."""

    def __init__(self, folder: Path, most: int, worker: str) -> None:
        self.file, self.most, self.worker = folder / "deferred.db", most, worker
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                connection = self._open()
                connection.execute("begin immediate")
                try:
                    yield connection
                    connection.execute("commit")
                except BaseException:
                    connection.rollback()
                    raise
        except (sqlite3.Error, OSError) as error:
            fix = f"see to the space and the rights of {self.file.parent}; or ask without Prefer: respond-async"
            raise StorageError(f"the request cannot be kept: {error}", fix=fix) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self.file.exists():
                os.close(os.open(self.file, os.O_CREAT | os.O_WRONLY, 0o600))
            made = sqlite3.connect(self.file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            made.execute("pragma journal_mode = wal")
            made.execute("pragma synchronous = normal")
            made.executescript(_SCHEMA)
            self._connection = made
        return self._connection

    def add(self, request: Request) -> str:
        """Keep a request; its id. Busy where too many wait."""
        name = str(uuid.uuid4())
        said = request.headers | {_CALLER: request.caller.encode()}
        headers = json.dumps({key.decode("latin-1"): value.decode("latin-1") for key, value in said.items()})
        with self._writing() as connection:
            waiting = connection.execute("select count(*) from asked where done is null").fetchone()[0]
            if waiting >= self.most or self.file.stat().st_size > _MOST_BYTES:
                raise Busy(f"{waiting} requests wait to be answered later", fix="try again in a second")
            row = (name, time.time(), request.path, headers, request.content)
            connection.execute("insert into asked (id, at, path, headers, body) values (?, ?, ?, ?, ?)", row)
        return name

    def claim(self, most: int) -> list[Claimed]:
        """Take on what waits, the oldest first, and what a dead worker had taken on."""
        now = time.time()
        held = self._rows("select distinct coalesce(worker, '') from asked where done is null")
        free = [worker for (worker,) in held if not worker or not _lives(worker)]
        which = f"done is null and (coalesce(worker, '') in ({_marks(free)}) or seen < ?)"
        if not held:
            return []
        with self._writing() as connection:
            query = f"select number from asked where {which} order by number limit ?"
            numbers = [number for (number,) in connection.execute(query, (*free, now - LEASE, most))]
            mine = f"number in ({_marks(numbers)})"
            claim = f"update asked set worker = ?, seen = ?, tries = tries + 1 where {mine}"
            connection.execute(claim, (self.worker, now, *numbers))
            query = f"select id, path, headers, body, tries from asked where {mine} order by number"
            rows = connection.execute(query, numbers).fetchall()
        return [_claimed(*row) for row in rows]

    def _rows(self, query: str) -> list[Any]:
        """What a query finds, without keeping others from writing."""
        if not self.file.exists():
            return []
        try:
            with self._lock:
                return self._open().execute(query).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{self.file} cannot be read: {error}", fix="see to its rights") from error

    def alive(self) -> None:
        """Say that what this worker took on is still worked at; forget answers that were kept long enough."""
        now = time.time()
        with self._writing() as connection:
            connection.execute("update asked set seen = ? where worker = ? and done is null", (now, self.worker))
            connection.execute("delete from asked where done < ?", (now - KEPT,))

    def give_back(self) -> None:
        """Let others have what this worker has taken on and not answered."""
        if self._connection is not None:
            mine = "update asked set worker = null, tries = tries - 1 where worker = ? and done is null"
            with self._writing() as connection:
                connection.execute(mine, (self.worker,))

    def done(self, id: str, reply: Reply) -> None:
        """Keep the answer, unless one is there."""
        more = json.dumps([[name.decode("latin-1"), value.decode("latin-1")] for name, value in reply.pairs])
        values = (time.time(), reply.status, reply.type, reply.content, more, id)
        keep = "update asked set done = ?, status = ?, type = ?, reply = ?, more = ?, body = x'' where id = ?"
        with self._writing() as connection:
            connection.execute(f"{keep} and done is null", values)

    def find(self, id: str) -> Reply | None:
        """The answer; None while there is none. Refused with 404 for an id that is not known, or no more."""
        rows: list[Any] = []
        if self.file.exists():
            with self._writing() as connection:
                query = "select done, status, type, reply, more from asked where id = ?"
                rows = connection.execute(query, (id,)).fetchall()
        if not rows:
            fix = f"ask again; an answer is kept for {KEPT / 60:.0f} minutes"
            raise Refused(f"there is no request {id[:64]}", fix=fix, status=404)
        ((when, status, kind, content, more),) = rows
        if when is None:
            return None
        headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(more))
        return Reply(content, kind, headers, status)

    def remove(self, id: str) -> None:
        """Forget a request and its answer; whoever is at it answers nobody. Refused with 404 likewise."""
        self.find(id)
        with self._writing() as connection:
            connection.execute("delete from asked where id = ?", (id,))

    def close(self) -> None:
        """Give back what was taken on."""
        self.give_back()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _claimed(id: str, path: str, said: str, body: bytes, tries: int) -> Claimed:
    headers = _bytes(said)
    caller = headers.pop(_CALLER, b"").decode()
    return Claimed(id, Request(path, headers, body, caller), tries)


def too_often(claimed: Claimed) -> bool:
    """Whether its workers ended at it so often that it is not tried again."""
    return claimed.tries > _MOST_TRIES


def _lives(worker: str) -> bool:
    """Whether the process of a worker is there; a number that was given again is found out by its silence."""
    return lives(int(worker.rpartition("-")[2]))


def _marks(values: list[Any]) -> str:
    return ", ".join("?" * len(values))


def _bytes(said: str) -> dict[bytes, bytes]:
    return {key.encode("latin-1"): value.encode("latin-1") for key, value in json.loads(said).items()}
