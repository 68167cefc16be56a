"""Schedules: what starts runs, on a cycle exactly one for each time that is due."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
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
    """What starts runs of `spec` at the times of `cron` in `zone`, or where that is empty when what `starts` names has
    come: `{"file": GLOB, "settle": SECONDS}`, `{"message": PLACE, "group": NAME}`, `{"webhook": URL}`,
    `{"after": NAME}` or `{"drift": NAME}`. After an outage `catch_up` says which of the missed
    runs come: `latest`, `all`, `skip`; while one still runs, `overlap` says what becomes of another that is due: `skip`
    leaves it out, `queue` lets it wait, `replace` stops the one that runs. `keep` says how many of its runs stay, or
    for how long."""

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
    starts: dict[str, Any] | None = None
    keep: str | None = None

    @property
    def when(self) -> str:
        """What starts its runs, in words."""
        return cycles.words(self.cron) if self.starts is None else " ".join(str(value) for value in _said(self.starts))

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
        every: str | None,
        spec: dict[str, Any],
        environment: dict[str, Any],
        *,
        starts: dict[str, Any] | None = None,
        there: Iterable[str] = (),
        zone: str | None = None,
        restart: str = "never",
        notify: str | None = None,
        catch_up: str = "latest",
        overlap: str = "skip",
        keep: str | None = None,
    ) -> tuple[Schedule, list[str]]:
        """Make it so: the schedule, and in words what changed. `there` are the keys of what is there already where it
        begins to look, and starts nothing. UsageError for a cycle or zone that there is not."""
        line = cycles.line(every) if every is not None else ""
        due = _next_due(line, zone, time.time())
        own: dict[str, Any] = {"cron": line, "zone": zone, "restart": restart, "notify": notify, "catch_up": catch_up}
        own |= {"spec": json.dumps(spec), "environment": json.dumps(environment), "overlap": overlap}
        own |= {"starts": json.dumps(starts) if starts else None, "keep": keep}
        with self.database.write() as write:
            row = write.execute("select * from schedules where name = ?", (name,)).fetchone()
            before = schedule_of(row) if row else None
            moved = before is None or (before.cron, before.zone, before.starts) != (line, zone, starts)
            own["next_due"] = due if moved or before is None else before.next_due
            if before is None:
                own |= {"name": name, "paused": 0, "created": time.time()}
                names = ", ".join(own)
                write.execute(f"insert into schedules ({names}) values ({marks(own)})", tuple(own.values()))
            else:
                settings = ", ".join(f"{key} = ?" for key in own)
                write.execute(f"update schedules set {settings} where name = ?", (*own.values(), name))
            if moved:
                seen = [(name, key, time.time()) for key in there]
                write.executemany("insert or ignore into seen (schedule, key, at) values (?, ?, ?)", seen)
            now = schedule_of(write.execute("select * from schedules where name = ?", (name,)).fetchone())
        return now, _changes(before, now) if before else ["created"]

    def schedules(self) -> list[Schedule]:
        """All schedules, the oldest first."""
        return [schedule_of(row) for row in self.database.read("select * from schedules order by created")]

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
        due = _next_due(schedule.cron, schedule.zone, time.time())
        with self.database.write() as write:
            write.execute("update schedules set paused = ?, next_due = ? where name = ?", (int(paused), due, name))

    def remove_schedule(self, name: str) -> None:
        """Forget a schedule; its runs stay."""
        self.schedule(name)
        with self.database.write() as write:
            write.execute("delete from schedules where name = ?", (name,))
            write.execute("delete from seen where schedule = ?", (name,))

    def take_due(self, now: float) -> list[tuple[Schedule, float]]:
        """Add the runs that are due, and set when the next are: all of it is kept, or nothing. The times of the runs,
        each of which one caller only is given."""
        taken = []
        with self.database.write() as write:
            rows = write.execute("select * from schedules where paused = 0 and next_due <= ?", (now,)).fetchall()
            for schedule in map(schedule_of, rows):
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


def insert_run(write: sqlite3.Connection, schedule: Schedule, due: float, **cause: Any) -> str | None:
    """The run of a schedule for this time, and what `cause` it has; None where there is one already."""
    if write.execute("select 1 from jobs where schedule = ? and due = ?", (schedule.name, due)).fetchone():
        return None
    spec = {**schedule.spec, "cause": cause} if cause else schedule.spec
    name = new_name(write)
    insert_job(write, name, spec, schedule.environment, schedule.restart, schedule.notify, schedule.name, due)
    return name


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


def marks(values: Collection[Any]) -> str:
    """So many places for values in a statement."""
    return ", ".join("?" * len(values))


def _next_due(cron: str, zone: str | None, after: float) -> float | None:
    return next(cycles.times(cron, zone, after)) if cron else None


def _said(starts: dict[str, Any]) -> Iterator[Any]:
    """`file /data/in/*.csv`, `after schedule/extract`."""
    yield from next(iter(starts.items()))


def _changes(before: Schedule, now: Schedule) -> list[str]:
    said = [f"starts on {before.when} → {now.when}"] * (before.when != now.when)
    zones = [schedule.zone or "of the machine" for schedule in (before, now)]
    said += [f"zone {zones[0]} → {zones[1]}"] * (before.zone != now.zone)
    said += [f"catch-up {before.catch_up} → {now.catch_up}"] * (before.catch_up != now.catch_up)
    said += [f"overlap {before.overlap} → {now.overlap}"] * (before.overlap != now.overlap)
    said += [f"keep-runs {before.keep or 'as usual'} → {now.keep or 'as usual'}"] * (before.keep != now.keep)
    keys = [key for key in {**before.spec, **now.spec} if before.spec.get(key) != now.spec.get(key)]
    return said + [f"{key} {before.spec.get(key)} → {now.spec.get(key)}" for key in keys]


def schedule_of(row: sqlite3.Row) -> Schedule:
    """The schedule of a row."""
    values = {field.name: row[field.name] for field in fields(Schedule)}  # a newer store may have more
    values |= {key: json.loads(values[key] or "null") for key in ("spec", "environment", "starts")}
    return Schedule(**{**values, "paused": bool(values["paused"])})
