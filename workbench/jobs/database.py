"""One SQLite database for many processes: short transactions, errors in words, nothing shared with a fork."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import StorageError

_BUSY_SECONDS = 30.0
_JOURNAL_BYTES = 8_000_000
_NETWORK = {
    *("nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "beegfs"),
    *(
        "gpfs",
        "orangefs",
        "pvfs2",
        "wekafs",
        "panfs",
        "davfs",
        "ncpfs",
        "gfs2",
        "ocfs2",
        "fuse.sshfs",
        "fuse.glusterfs",
    ),
    *("fuse.ceph", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.davfs2", "fuse.juicefs", "fuse.blobfuse2"),
}
_ESCAPED = re.compile(r"\\([0-7]{3})")
_MOUNTS = Path("/proc/self/mounts")
_ROOM = 1_000_000
_SCHEMA = """
create table jobs (
  name text primary key, spec text not null, environment text not null, desired text not null,
  state text not null, reason text not null, since real not null, generation integer not null,
  launched integer not null, process text, restart text not null, restarts integer not null, next_try real,
  facts text not null, schedule text, due real, notify text, created real not null,
  claim text, claimed real, unique (schedule, due));
create table numbers (number integer primary key autoincrement);
create table orders (
  id integer primary key autoincrement, job text not null, do text not null, args text not null, answer text);
create table events (
  id integer primary key autoincrement, at real not null, name text not null, text text not null,
  details text not null);
create index events_by_name on events (name, id);
create table schedules (
  name text primary key, cron text not null, zone text, spec text not null, environment text not null,
  restart text not null, notify text, next_due real, paused integer not null, catch_up text not null,
  overlap text not null, created real not null);
"""
_ARRIVALS = """
alter table schedules add column starts text;
create table seen (
  schedule text not null, key text not null, run text, at real not null, primary key (schedule, key));
"""
_KEEPING = """
alter table schedules add column keep text;
"""
_STEPS = (_SCHEMA, _ARRIVALS, _KEEPING)
VERSION = len(_STEPS)
"""How the database is made, and what each later Workbench adds to it; its version is how many of them were done."""


class Database:
    """The database file in `folder`; opened when first used, in each process and thread for itself."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "state.db"
        self._local = threading.local()

    def read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query; no transaction outlives the call."""
        with self._refusals():
            return self._connection().execute(query, values).fetchall()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is the only writer from its beginning; what it wrote is on the disk after it."""
        with self._refusals():
            connection = self._connection()
            if (there := self._written_by(connection)) > VERSION:
                raise StorageError(
                    f"{self.file} was written by a newer Workbench (state {there}; this one knows {VERSION})",
                    fix="python -m pip install --upgrade deployment-workbench",
                )
            connection.execute("begin immediate")
            try:
                yield connection
                connection.commit()
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled it back already
                    connection.rollback()
                raise

    def version(self) -> int:
        """A number that changes whenever another process, or another thread, has written."""
        with self._refusals():
            return int(self._connection().execute("pragma data_version").fetchone()[0])

    @property
    def newer(self) -> bool:
        """Whether a newer Workbench has written it, so that this one can only read it."""
        with self._refusals():
            return self._written_by(self._connection()) > VERSION

    def _written_by(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute("pragma user_version").fetchone()[0])

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise refusal(self.file, error) from error
        except OSError as error:
            raise StorageError(
                f"{self.folder} cannot be used: {error.strerror}",
                fix="see to its owner, rights and space, or set WORKBENCH_STATE",
            ) from error

    def close(self) -> None:
        """Before a fork: SQLite's own records of open files must not be inherited. The next call opens it again."""
        if getattr(self._local, "pid", None) == os.getpid():
            self._local.connection.close()
            self._local.pid = None

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.connection, self._local.pid = self._open(), os.getpid()
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _open(self) -> sqlite3.Connection:
        refuse_network(self.folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.file.exists():
            os.close(os.open(self.file, os.O_CREAT | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(self.file, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("pragma synchronous = full")
        if connection.execute("pragma user_version").fetchone()[0] < VERSION:
            _bring_up(connection)
        connection.execute(f"pragma journal_size_limit = {_JOURNAL_BYTES}")
        return connection


def _bring_up(connection: sqlite3.Connection) -> None:
    """A new database, or that of an older Workbench, as this one has it."""
    connection.execute("pragma journal_mode = wal")
    connection.execute("begin immediate")
    done = connection.execute("pragma user_version").fetchone()[0]
    for statement in ";".join(_STEPS[done:]).split(";"):
        connection.execute(statement)
    connection.execute(f"pragma user_version = {max(done, VERSION)}")
    connection.commit()


def refusal(file: Path, error: sqlite3.Error) -> StorageError:
    """What SQLite says, in words."""
    said = str(error)
    if "full" in said or ("disk I/O" in said and not _room(file.parent)):
        return StorageError(f"the disk of {file.parent} is full", fix="make room there; nothing that was kept is lost")
    if "disk I/O" in said:
        return StorageError(f"the disk of {file.parent} fails: {said}", fix="see to that disk, or set WORKBENCH_STATE")
    if "malformed" in said or "not a database" in said:
        return StorageError(f"{file} is damaged: {said}", fix=_away(file))
    if "readonly" in said or "unable to open" in said:
        return StorageError(f"{file} cannot be written", fix="see to its owner and rights, or set WORKBENCH_STATE")
    return StorageError(f"{file}: {said}", fix="try again; %workbench doctor looks at the folder")


def _away(file: Path) -> str:
    """How to begin a new one: what SQLite wrote beside a damaged file must not get into its successor."""
    place = file.parent / "damaged"
    return f"end what runs, and move it away: mkdir -p {place} && mv {file}* {place}"


def refuse_network(folder: Path) -> None:
    """StorageError where the folder is on a network file system, on which SQLite's shared memory does not work."""
    kind = _file_system(folder)
    if kind in _NETWORK:
        raise StorageError(
            f"{folder} is on a network file system ({kind}), where what runs cannot be kept",
            fix="set WORKBENCH_STATE to a local folder; models may stay where they are",
        )


def _room(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free > _ROOM
    return True


def _file_system(folder: Path) -> str:
    """The type of the file system that a folder is, or will be, on; empty where the platform does not say."""
    try:
        lines = [line.split() for line in _MOUNTS.read_text().splitlines()]
    except OSError:
        return ""
    there, kind, length = Path(os.path.realpath(folder)), "", -1
    for _, mount, this, *_ in lines:
        point = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), mount))
        if there.is_relative_to(point) and len(point.parts) >= length:  # of two on one folder the later covers
            kind, length = this, len(point.parts)
    return kind
