"""What the processes of a home ask of each other, and what happened to them."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from .database import Database
from .record import Event, Order


class Asking:
    """The orders and events of a store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def order(self, job: str, do: str, **args: Any) -> int:
        """Ask the process of a job for something; the number under which its answer will be."""
        with self.database.write() as write:
            found = write.execute(
                "insert into orders (job, do, args) values (?, ?, ?)", (job, do, json.dumps(args))
            ).lastrowid
        return int(found or 0)

    def orders(self, job: str) -> list[Order]:
        """What was asked of a job and not yet answered."""
        rows = self.database.read("select * from orders where job = ? and answer is null order by id", job)
        return [Order(row["id"], row["job"], row["do"], json.loads(row["args"])) for row in rows]

    def answer(self, order: int, ok: bool, **result: Any) -> None:
        """Answer an order."""
        with self.database.write() as write:
            write.execute("update orders set answer = ? where id = ?", (json.dumps({"ok": ok, **result}), order))

    def answered(self, order: int) -> dict[str, Any] | None:
        """The answer to an order, once there is one."""
        rows = self.database.read("select answer from orders where id = ?", order)
        return json.loads(rows[0]["answer"]) if rows and rows[0]["answer"] else None

    def event(self, name: str, text: str, **details: Any) -> None:
        """Keep that something happened."""
        with self.database.write() as write:
            insert_event(write, name, text, **details)

    def event_after(self, last: int, name: str, text: str, **details: Any) -> bool:
        """Keep that something happened, if nothing happened to that thing since the event of this number."""
        with self.database.write() as write:
            newest = write.execute("select max(id) from events where name = ?", (name,)).fetchone()[0] or 0
            if newest == last:
                insert_event(write, name, text, **details)
        return bool(newest == last)

    def last_event(self, name: str) -> Event | None:
        """What happened to a thing last."""
        rows = self.database.read("select * from events where name = ? order by id desc limit 1", name)
        return _event(rows[0]) if rows else None

    def events(self, name: str | None = None, since: float = 0.0) -> list[Event]:
        """What happened, to one thing or to all, the oldest first."""
        chosen = "" if name is None else "and name = ?"
        rows = self.database.read(
            f"select * from events where at >= ? {chosen} order by id", since, *filter(None, [name])
        )
        return [_event(row) for row in rows]


def _event(row: sqlite3.Row) -> Event:
    return Event(row["at"], row["name"], row["text"], json.loads(row["details"]), row["id"])


def insert_event(write: sqlite3.Connection, name: str, text: str, **details: Any) -> None:
    """Keep that something happened, with what else is written now."""
    write.execute(
        "insert into events (at, name, text, details) values (?, ?, ?, ?)",
        (time.time(), name, text, json.dumps(details)),
    )
