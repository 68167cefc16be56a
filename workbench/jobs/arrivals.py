"""What arrives -> runs: exactly one for each file or message that came, and each run that another one follows."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from ..errors import NotFound
from .database import Database
from .planning import Schedule, insert_run, schedule_of
from .record import OVER

_APART = 1e-3
_FOLLOWING = ("after", "drift")


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

    def run_for(self, schedule: str, key: str) -> str | None:
        """The run that was started for what has come; None where nothing was."""
        found = self.database.read("select run from seen where schedule = ? and key = ?", schedule, key)
        return found[0]["run"] if found else None

    def forget_told(self, before: float) -> None:
        """Let go of the keys of messages and calls that came before then, which nobody sends any more."""
        told = "select name from schedules where starts like '{\"message\"%' or starts like '{\"webhook\"%'"
        if self.database.read(f"select 1 from seen where at < ? and schedule in ({told}) limit 1", before):
            with self.database.write() as write:
                write.execute(f"delete from seen where at < ? and schedule in ({told})", (before,))

    def waiting(self, schedule: str) -> int:
        """How many runs of a schedule are not over."""
        query = f"select count(*) as n from jobs where schedule = ? and state not in {OVER}"
        return int(self.database.read(query, schedule)[0]["n"])

    def started_by(self, schedule: str) -> int:
        """How many runs were started by what came."""
        query = "select count(*) as n from seen where schedule = ? and run is not null"
        return int(self.database.read(query, schedule)[0]["n"])

    def take_followers(self) -> list[str]:
        """Add a run for each that is done, or has found drift, and that a schedule follows; each is followed once."""
        if not self.database.read(
            "select 1 from schedules where starts like '{\"after\"%' or starts like '{\"drift\"%'"
        ):
            return []
        with self.database.write() as write:
            rows = write.execute("select * from schedules where paused = 0 and starts is not null").fetchall()
            followers = [
                one for one in map(schedule_of, rows) if one.starts and not one.starts.keys().isdisjoint(_FOLLOWING)
            ]
            runs = [
                _taken(write, schedule, name, cause)
                for schedule in followers
                for name, cause in _to_follow(write, schedule)
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


def _to_follow(write: sqlite3.Connection, schedule: Schedule) -> list[tuple[str, dict[str, Any]]]:
    """The runs since this one was made that it follows, each with what it is told of."""
    assert schedule.starts
    if "drift" in schedule.starts:
        return _drifted(write, schedule, schedule.starts["drift"])
    after = schedule.starts["after"]
    rows = write.execute(
        "select name from jobs where state = 'done' and (name = ? or schedule = ? and since >= ?)"
        " and name not in (select key from seen where schedule = ?) order by since",
        (after, after, schedule.created, schedule.name),
    )
    return [(row["name"], {"run": row["name"]}) for row in rows.fetchall()]


def _drifted(write: sqlite3.Connection, schedule: Schedule, thing: str) -> list[tuple[str, dict[str, Any]]]:
    """The looks at a thing with which its drift began."""
    rows = write.execute(
        "select name, facts from jobs where state = 'done' and since >= ? and json_extract(spec, '$.name') = ?"
        " and json_extract(facts, '$.begins') and name not in (select key from seen where schedule = ?) order by since",
        (schedule.created, thing, schedule.name),
    )
    return [(row["name"], _of_drift(thing, row)) for row in rows.fetchall()]


def _of_drift(thing: str, row: sqlite3.Row) -> dict[str, Any]:
    """The cause of a run, with what a notebook may be told of it."""
    told = {"drift": thing, "columns": json.loads(row["facts"]).get("columns", []), "run": row["name"]}
    return {"drift": row["name"], "message": json.dumps(told)}
