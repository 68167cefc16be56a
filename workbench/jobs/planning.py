"""Schedules: what starts runs on a cycle, exactly one for each time that is due."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass, fields
from itertools import islice, takewhile
from typing import Any

from .. import text
from ..errors import NotFound
from . import cron as cycles
from .database import Database
from .record import OVER

CATCH_UP = ("latest", "all", "skip")
OVERLAP = ("skip", "queue", "replace")
_MOST_MISSED = 1000


@dataclass(frozen=True)
class Schedule:
    """What starts runs of `spec` at the times of `cron` in `zone`. After an outage `catch_up` says which of the missed
    runs come: `latest`, `all`, `skip`; while one still runs, `overlap` says what becomes of another that is due: `skip`
    leaves it out, `queue` lets it wait, `replace` stops the one that runs."""

    name: str
    cron: str
    zone: str | None
    spec: dict[str, Any]
    environment: dict[str, Any]
    restart: str
    notify: str | None
    next_due: float | None
    paused: bool
    catch_up: str
    overlap: str
    created: float

    def dues(self, number: int) -> list[float]:
        """So many of the next times at which it is due; none while it is paused."""
        if self.paused or self.next_due is None:
            return []
        return [self.next_due, *islice(cycles.times(self.cron, self.zone, self.next_due), number - 1)]


class Plans:
    """The schedules of a store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def put_schedule(
        self,
        name: str,
        every: str,
        spec: dict[str, Any],
        environment: dict[str, Any],
        *,
        zone: str | None = None,
        restart: str = "never",
        notify: str | None = None,
        catch_up: str = "latest",
        overlap: str = "skip",
    ) -> tuple[Schedule, list[str]]:
        """Make it so: the schedule, and in words what changed. UsageError for a cycle or zone that there is not."""
        line = cycles.line(every)
        due = next(cycles.times(line, zone, time.time()))
        values = (line, zone, json.dumps(spec), json.dumps(environment), restart, notify, catch_up, overlap)
        with self.database.write() as write:
            row = write.execute("select * from schedules where name = ?", (name,)).fetchone()
            if row is None:
                write.execute(
                    "insert into schedules (cron, zone, spec, environment, restart, notify, catch_up, overlap, name,"
                    " next_due, paused, created) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                    (*values, name, due, time.time()),
                )
                return _schedule(write.execute("select * from schedules where name = ?", (name,)).fetchone()), [
                    "created"
                ]
            before = _schedule(row)
            changes = _changes(before, line, zone, spec, catch_up, overlap)
            moved = (before.cron, before.zone) != (line, zone)
            write.execute(
                "update schedules set cron = ?, zone = ?, spec = ?, environment = ?, restart = ?, notify = ?,"
                " catch_up = ?, overlap = ?, next_due = ? where name = ?",
                (*values, due if moved else before.next_due, name),
            )
            return _schedule(write.execute("select * from schedules where name = ?", (name,)).fetchone()), changes

    def schedules(self) -> list[Schedule]:
        """All schedules, the oldest first."""
        return [_schedule(row) for row in self.database.read("select * from schedules order by created")]

    def schedule(self, name: str) -> Schedule:
        """The schedule of this name. NotFound."""
        found = self.schedules()
        for schedule in found:
            if schedule.name == name:
                return schedule
        near = text.closest(name, [schedule.name for schedule in found])
        raise NotFound(
            f"there is no {name}", fix=f"did you mean {near}?" if near else "%workbench schedules lists them"
        )

    def pause_schedule(self, name: str, *, paused: bool) -> None:
        """Start nothing, or go on with the next time that is due from now."""
        schedule = self.schedule(name)
        due = next(cycles.times(schedule.cron, schedule.zone, time.time()))
        with self.database.write() as write:
            write.execute("update schedules set paused = ?, next_due = ? where name = ?", (int(paused), due, name))

    def remove_schedule(self, name: str) -> None:
        """Forget a schedule; its runs stay."""
        self.schedule(name)
        with self.database.write() as write:
            write.execute("delete from schedules where name = ?", (name,))

    def take_due(self, now: float) -> list[tuple[Schedule, float]]:
        """Add the runs that are due, and set when the next are: all of it is kept, or nothing. The times of the runs,
        each of which one caller only is given."""
        taken = []
        with self.database.write() as write:
            rows = write.execute("select * from schedules where paused = 0 and next_due <= ?", (now,)).fetchall()
            for schedule in map(_schedule, rows):
                for due in _chosen(write, schedule, now):
                    if insert_run(write, schedule, due):
                        taken.append((schedule, due))
                following = next(cycles.times(schedule.cron, schedule.zone, now))
                write.execute("update schedules set next_due = ? where name = ?", (following, schedule.name))
        return taken


def _chosen(write: sqlite3.Connection, schedule: Schedule, now: float) -> list[float]:
    """The times whose runs come now; what still runs is told to stop where they take its place."""
    assert schedule.next_due is not None
    still = f"schedule = ? and state not in {OVER}"
    running = write.execute(f"select 1 from jobs where {still}", (schedule.name,)).fetchone()
    if running and schedule.overlap == "skip":
        return []
    due = _missed(schedule, schedule.next_due, now)
    if due and schedule.overlap == "replace":
        write.execute(f"update jobs set desired = 'stopped' where {still}", (schedule.name,))
        return due[-1:]
    return due


def _missed(schedule: Schedule, first: float, now: float) -> list[float]:
    latest = cycles.latest(schedule.cron, schedule.zone, now, first)
    if schedule.catch_up == "all":
        later = takewhile(lambda due: due <= now, cycles.times(schedule.cron, schedule.zone, first))
        return [first, *islice(later, _MOST_MISSED)]
    return [latest] if schedule.catch_up == "latest" or latest == first else []


def insert_run(write: sqlite3.Connection, schedule: Schedule, due: float) -> bool:
    """The run of a schedule for this time; whether there was none yet."""
    if write.execute("select 1 from jobs where schedule = ? and due = ?", (schedule.name, due)).fetchone():
        return False
    insert_job(
        write,
        new_name(write),
        schedule.spec,
        schedule.environment,
        schedule.restart,
        schedule.notify,
        schedule.name,
        due,
    )
    return True


def new_name(write: sqlite3.Connection) -> str:
    """`run/17`: no number is given twice."""
    return f"run/{write.execute('insert into numbers default values').lastrowid}"


def insert_job(
    write: sqlite3.Connection,
    name: str,
    spec: dict[str, Any],
    environment: dict[str, Any],
    restart: str,
    notify: str | None,
    schedule: str | None = None,
    due: float | None = None,
) -> None:
    """A new job, which should run."""
    now = time.time()
    write.execute(
        "insert into jobs (name, spec, environment, desired, state, reason, since, generation, launched, restart,"
        " restarts, facts, schedule, due, notify, created)"
        " values (?, ?, ?, 'running', 'starting', '', ?, 1, 0, ?, 0, '{}', ?, ?, ?, ?)",
        (name, json.dumps(spec), json.dumps(environment), now, restart, schedule, due, notify, now),
    )


def _changes(
    before: Schedule, line: str, zone: str | None, spec: dict[str, Any], catch_up: str, overlap: str
) -> list[str]:
    said = [f"every {before.cron} → {line}"] * (before.cron != line)
    said += [f"zone {before.zone or 'of the machine'} → {zone or 'of the machine'}"] * (before.zone != zone)
    said += [f"catch-up {before.catch_up} → {catch_up}"] * (before.catch_up != catch_up)
    said += [f"overlap {before.overlap} → {overlap}"] * (before.overlap != overlap)
    keys = [key for key in {**before.spec, **spec} if before.spec.get(key) != spec.get(key)]
    return said + [f"{key} {before.spec.get(key)} → {spec.get(key)}" for key in keys]


def _schedule(row: sqlite3.Row) -> Schedule:
    values = {field.name: row[field.name] for field in fields(Schedule)}  # a newer store may have more
    values |= {key: json.loads(values[key]) for key in ("spec", "environment")}
    return Schedule(**{**values, "paused": bool(values["paused"])})
