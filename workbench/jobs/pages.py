"""What runs, a page at a time: a home may have ten thousand runs, of which somebody looks at some."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import fields

from .database import Database
from .identity import Identity
from .record import Job


class Pages:
    """Parts of the jobs of a store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def page(
        self,
        *kinds: str,
        state: str | None = None,
        schedule: str | None = None,
        text: str = "",
        most: int = 50,
        skip: int = 0,
    ) -> list[Job]:
        """The newest `most` jobs of these kinds, after as many to `skip`: in a state, of a schedule, or with this text
        in their name or what they do."""
        chosen, values = _chosen(kinds, state, schedule, text)
        query = f"select * from jobs where {chosen} order by rowid desc limit ? offset ?"
        return [job_of(row) for row in self.database.read(query, *values, most, skip)]

    def mattering(self) -> list[Job]:
        """What runs, should run or has failed, the oldest first."""
        query = "select * from jobs where state not in ('done', 'stopped') order by created"
        return [job_of(row) for row in self.database.read(query)]

    def called(self, short: str) -> list[Job]:
        """Those whose name ends so, after its kind."""
        query = "select * from jobs where substr(name, instr(name, '/') + 1) = ? order by created"
        return [job_of(row) for row in self.database.read(query, short)]

    def counts(self, *kinds: str, text: str = "") -> Counter[str]:
        """How many jobs of these kinds, with this text, are in each state."""
        chosen, values = _chosen(kinds, None, None, text)
        rows = self.database.read(f"select state, count(*) from jobs where {chosen} group by state", *values)
        return Counter({row[0]: row[1] for row in rows})


def _chosen(kinds: tuple[str, ...], state: str | None, schedule: str | None, text: str) -> tuple[str, list[str]]:
    """As SQL; a kind is the beginning of the name, which is sorted."""
    ranges = " or ".join(["name between ? and ?"] * len(kinds))
    values = [end for kind in kinds for end in (f"{kind}/", f"{kind}0")]  # 0 comes after /
    more = {"state = ?": state, "schedule = ?": schedule, "instr(name || spec, ?)": text}
    asked = {condition: value for condition, value in more.items() if value}
    return " and ".join([f"({ranges})", *asked]), [*values, *asked.values()]


def job_of(row: sqlite3.Row) -> Job:
    """The job that a row is."""
    values = {field.name: row[field.name] for field in fields(Job)}  # a newer store may have more
    for key in ("spec", "environment", "facts"):
        values[key] = json.loads(values[key])
    values["process"] = Identity(**json.loads(values["process"])) if values["process"] else None
    return Job(**values)
