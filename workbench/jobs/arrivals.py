"""What arrives -> runs: exactly one for each file that came and each run that another one follows."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from ..errors import NotFound
from .database import Database
from .planning import Schedule, insert_run, schedule_of

_APART = 1e-3


class Arrivals:
    """What the schedules of a store have seen come."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def arrived(self, schedule: str, key: str, **cause: Any) -> str | None:
        """Add the run for what has come, and keep that it was seen: both, or neither. The run; None where it was seen
        before, or the schedule is paused or gone."""
        with self.database.write() as write:
            row = write.execute("select * from schedules where name = ? and paused = 0", (schedule,)).fetchone()
            return _taken(write, schedule_of(row), key, cause) if row else None

    def run_now(self, schedule: str) -> str:
        """Add a run of a schedule that nothing but somebody started; it waits for those before it."""
        with self.database.write() as write:
            row = write.execute("select * from schedules where name = ?", (schedule,)).fetchone()
            if row is None:
                raise NotFound(f"there is no {schedule}", fix="%workbench schedules lists them")
            return _added(write, schedule_of(row))

    def seen(self, schedule: str) -> set[str]:
        """The keys of what a schedule has seen."""
        return {row["key"] for row in self.database.read("select key from seen where schedule = ?", schedule)}

    def started_by(self, schedule: str) -> int:
        """How many runs were started by what came."""
        query = "select count(*) as n from seen where schedule = ? and run is not null"
        return int(self.database.read(query, schedule)[0]["n"])

    def take_followers(self) -> list[str]:
        """Add a run for each that is done and that a schedule follows; each is followed once."""
        if not self.database.read("select 1 from schedules where starts like '{\"after\"%'"):
            return []
        with self.database.write() as write:
            rows = write.execute("select * from schedules where paused = 0 and starts is not null").fetchall()
            followers = [schedule for schedule in map(schedule_of, rows) if (schedule.starts or {}).get("after")]
            runs = [
                _taken(write, schedule, name, {"run": name})
                for schedule in followers
                for name in _to_follow(write, schedule)
            ]
        return [run for run in runs if run]


def _taken(write: sqlite3.Connection, schedule: Schedule, key: str, cause: dict[str, Any]) -> str | None:
    now = time.time()
    found = write.execute("insert or ignore into seen (schedule, key, at) values (?, ?, ?)", (schedule.name, key, now))
    if not found.rowcount:
        return None
    run = _added(write, schedule, **cause)
    write.execute("update seen set run = ? where schedule = ? and key = ?", (run, schedule.name, key))
    return run


def _added(write: sqlite3.Connection, schedule: Schedule, **cause: Any) -> str:
    """A run that is due now, after all that were."""
    last = write.execute("select max(due) as due from jobs where schedule = ?", (schedule.name,)).fetchone()["due"]
    name = insert_run(write, schedule, max(time.time(), (last or 0.0) + _APART), **cause)
    assert name
    return name


def _to_follow(write: sqlite3.Connection, schedule: Schedule) -> list[str]:
    """The run of that name, or those of that schedule which were done since this one was made."""
    assert schedule.starts
    after = schedule.starts["after"]
    rows = write.execute(
        "select name from jobs where state = 'done' and (name = ? or schedule = ? and since >= ?)"
        " and name not in (select key from seen where schedule = ?) order by since",
        (after, after, schedule.created, schedule.name),
    )
    return [row["name"] for row in rows.fetchall()]
