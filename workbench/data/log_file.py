"""The file of an embedded log: made, opened, and what SQLite or the disk says of it in words."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import suppress
from pathlib import Path

from ..errors import StorageError, UsageError

VERSION = 1
"""Of the tables; a file with a higher one is refused, for a newer Workbench knows what it holds."""

_NAME = re.compile(r"^[A-Za-z0-9_][\w.-]{0,99}$")
_BUSY_SECONDS = 30.0
_JOURNAL_BYTES = 16_000_000
_SCHEMA = """
create table records (offset integer primary key, at real not null, key text, headers text, value blob not null);
create table groups (name text primary key, offset integer not null, generation integer not null);
create table positions (source text primary key, offset integer not null);
create table counts (name text primary key, number integer not null);
insert into counts values ('last', 0), ('bytes', 0), ('made', random() & 0x7fffffffffff);
"""


def check_name(name: str, what: str = "queue") -> None:
    """UsageError for what is no name of a queue, or of a group of one."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a {what}", fix=f"letters, digits, _, - and ., as in {what}:departures"
        )


def connect(file: Path, name: str, *, durable: bool) -> sqlite3.Connection:
    """A connection to the file, made if it is not there. StorageError for a file that is no log, or a newer one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():  # SQLite would let others read it; to close one that is open would let go of its locks
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
        if not _version(connection):
            _make(connection, name, file)
        if _version(connection) > VERSION:
            what = f"queue {name} was written by a newer Workbench: {file}"
            raise StorageError(what, fix="update Workbench: pip install -U deployment-workbench")
        with suppress(sqlite3.OperationalError):  # locked by another that does the same
            connection.execute("pragma journal_mode = wal")
        connection.execute(f"pragma journal_size_limit = {_JOURNAL_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _make(connection: sqlite3.Connection, name: str, file: Path) -> None:
    connection.execute("begin immediate")
    try:
        if not _version(connection):
            if connection.execute("select count(*) from sqlite_master").fetchone()[0]:
                raise StorageError(f"queue {name}: {file} is a database, and no queue", fix="move it away")
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {VERSION}")
        connection.execute("commit")
    except BaseException:
        connection.rollback()
        raise


def refusal(name: str, file: Path, error: Exception) -> StorageError:
    """What SQLite or the disk says, in words."""
    said = str(error)
    if "full" in said or "disk I/O" in said or getattr(error, "errno", 0) == 28:
        return StorageError(f"queue {name}: the disk of {file.parent} is full", fix="make room there; nothing was lost")
    if "malformed" in said or "not a database" in said:
        return StorageError(f"queue {name} is damaged: {said}: {file}", fix=f"mv {file} {file}.damaged")
    return StorageError(f"queue {name}: {said}: {file}", fix=f"see to the owner, rights and space of {file.parent}")
