"""What should run, what runs, and what was asked of it: read and written by every process of a home."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import text
from ..errors import JobFailed, NotFound, UsageError
from . import identity
from .arrivals import Arrivals
from .asking import Asking, insert_event
from .database import Database
from .identity import Identity
from .pages import Pages, job_of
from .planning import Plans, insert_job, new_name
from .record import OVER, Job

CLAIM_SECONDS = 30.0
_LOG_FOLDER = "jobs"
_OTHERS = {
    "python": "another interpreter",
    "env_file": "another file of variables",
    "env_file_written": "variables written anew",
}
_OF_THE_SHELL = {"PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LANG", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "USER"}
_TOLD = "select * from jobs where notify is not null and (state not in ('stopped', 'failed', 'done') or since > ?)"
_ANEW = (
    "update jobs set state = 'starting', reason = '', since = ?, restarts = 0, next_try = null, process = null"
    " where name = ? and state in ('stopped', 'failed')"
)
_TOLD_WITHIN = 7 * 86400.0


class Store(Plans, Arrivals, Asking, Pages):
    """The jobs, orders and events of one home, in `folder`. StorageError says why it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Database(folder))
        self.folder = folder
        self._seen = threading.local()  # each thread has a connection, whose versions are numbered for itself

    def changed(self) -> bool:
        """Whether anybody wrote since this was last asked; quick enough to ask twenty times a second."""
        before, now = getattr(self._seen, "version", None), self.database.version()
        self._seen.version = now
        return before != now

    def job_folder(self, name: str) -> Path:
        """The folder of a job's log, token and ledgers, which its owner alone can read."""
        folder = self.folder_of(name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def folder_of(self, name: str) -> Path:
        """Where that folder is, or would be."""
        return self.folder / _LOG_FOLDER / name.replace("/", "-")

    def get(self, name: str) -> Job:
        """The job of this full name. NotFound."""
        rows = self.database.read("select * from jobs where name = ?", name)
        if not rows:
            raise self._unknown(name)
        return job_of(rows[0])

    def jobs(self, kind: str | None = None, *, over: bool = True) -> list[Job]:
        """All jobs, or those of a kind, or without `over` those that are not over; the oldest first."""
        chosen = "" if over else f"where state not in {OVER}"
        found = [job_of(row) for row in self.database.read(f"select * from jobs {chosen} order by created")]
        return [job for job in found if kind in (None, job.kind)]

    def begun_since(self, moment: float, most: int) -> list[Job]:
        """The runs that were asked for since then, the last first."""
        query = "select * from jobs where created > ? and name like 'run/%' order by created desc limit ?"
        return [job_of(row) for row in self.database.read(query, moment, most)]

    def wished(self) -> list[Job]:
        """Of what somebody wants to know, told or not: all that is not over, and what has ended lately."""
        return [job_of(row) for row in self.database.read(_TOLD, time.time() - _TOLD_WITHIN)]

    def find(self, short: str) -> Job:
        """The job of this name, or the only one that is called so for short. NotFound, UsageError."""
        if "/" in short:
            return self.get(short)
        matches = self.called(short)
        if len(matches) > 1:
            names = " or ".join(job.name for job in matches)
            raise UsageError(f"{short} may be {names}", fix=f"name one: {matches[0].name}")
        if not matches:
            raise self._unknown(short)
        return matches[0]

    def _unknown(self, name: str) -> NotFound:
        names = [job.name for job in self.jobs()]
        near = text.closest(name, [*names, *(n.partition("/")[2] for n in names)])
        fix = f"did you mean {near}?" if near else "%workbench status lists what runs"
        return NotFound(f"nothing that runs is called {name}", fix=fix)

    def put(
        self,
        name: str,
        spec: dict[str, Any],
        environment: dict[str, Any],
        *,
        restart: str = "always",
        notify: str | None = None,
        live: Iterable[str] = (),
    ) -> tuple[Job, list[str]]:
        """Make it so: the job, and in words what changed; nothing where it runs like that already. Where nothing but
        what is `live` changes, the process that runs takes it up."""
        with self.database.write() as write:
            row = write.execute("select * from jobs where name = ?", (name,)).fetchone()
            if row is None:
                insert_job(write, name, spec, environment, restart, notify)
                changes = ["created"]
            else:
                job = job_of(row)
                changes = _changes(job, spec, environment, notify)
                as_live = replace(job, spec=job.spec | {key: spec[key] for key in live})
                again = bool(_changes(as_live, spec, environment, notify))
                _change(write, job, spec, environment, notify, changes, again=again)
        return self.get(name), changes

    def add_run(
        self,
        spec: dict[str, Any],
        environment: dict[str, Any],
        *,
        restart: str = "never",
        notify: str | None = None,
    ) -> Job:
        """A new run, `run/17`."""
        with self.database.write() as write:
            name = new_name(write)
            insert_job(write, name, spec, environment, restart, notify)
        return self.get(name)

    def desire(self, name: str, desired: str) -> None:
        """`running`, `paused` or `stopped` from now on; what had given up is tried anew."""
        with self.database.write() as write:
            write.execute("update jobs set desired = ? where name = ?", (desired, name))
            if desired == "running":
                write.execute(_ANEW, (time.time(), name))

    def restart(self, name: str) -> None:
        """A new process is wanted in the place of the one that runs, or of the one that had given up."""
        with self.database.write() as write:
            write.execute(
                "update jobs set generation = generation + 1, desired = 'running', restarts = 0, next_try = null"
                " where name = ?",
                (name,),
            )
            write.execute(_ANEW, (time.time(), name))

    def remove(self, name: str) -> None:
        """Forget a job. JobFailed while its process lives."""
        job = self.get(name)
        if job.process and job.process.alive():
            raise JobFailed(f"{name} still runs", fix=f"%workbench stop {name}")
        with self.database.write() as write:
            write.execute("delete from jobs where name = ?", (name,))
            write.execute("delete from orders where job = ?", (name,))

    def claim(self, name: str) -> bool:
        """Get the right to start a process for the job; one gets it, and loses it when it dies or dawdles."""
        with self.database.write() as write:
            row = write.execute("select * from jobs where name = ?", (name,)).fetchone()
            if row is None or not _wants_a_process(job_of(row)) or _claimed(row) or _waits(write, row):
                return False
            mine = json.dumps(identity.own().to_json())
            write.execute("update jobs set claim = ?, claimed = ? where name = ?", (mine, time.time(), name))
        return True

    def started(self, name: str, process: Identity, generation: int) -> None:
        """This process was started for that generation of the job; what the one before did is no stage of it. Which
        one that was, if any, and when it was followed stands in its facts as `before`."""
        now = time.time()
        with self.database.write() as write:
            write.execute(
                "update jobs set process = ?, launched = ?, claim = null, state = 'starting', reason = '', since = ?,"
                " facts = case when process is null then json_remove(facts, '$.stage', '$.before') else"
                " json_set(json_remove(facts, '$.stage'), '$.before', json_array(json(process), ?)) end where name = ?",
                (json.dumps(process.to_json()), generation, now, now, name),
            )

    def report(
        self,
        name: str,
        *,
        process: Identity | None,
        state: str | None = None,
        reason: str = "",
        facts: dict[str, Any] | None = None,
    ) -> None:
        """What a process says of its job; unheard once another process has its place."""
        with self.database.write() as write:
            row = write.execute("select process, state, reason, facts from jobs where name = ?", (name,)).fetchone()
            if row is None or row["process"] != (json.dumps(process.to_json()) if process else None):
                return
            if state and (state, reason) != (row["state"], row["reason"]):
                write.execute(  # blocked for another reason it is blocked still
                    "update jobs set since = case state when ? then since else ? end, state = ?, reason = ?"
                    " where name = ?",
                    (state, time.time(), state, reason, name),
                )
                _keep_failure(write, name, state, reason)
            if facts:
                merged = json.dumps(json.loads(row["facts"]) | facts)
                write.execute("update jobs set facts = ? where name = ?", (merged, name))

    def refused(self, name: str, reason: str) -> None:
        """No process could be started for the job: it has failed."""
        with self.database.write() as write:
            write.execute(
                "update jobs set state = 'failed', reason = ?, since = ?, process = null, claim = null where name = ?",
                (reason, time.time(), name),
            )
            _keep_failure(write, name, "failed", reason)

    def ended(self, name: str, process: Identity | None, state: str, reason: str = "") -> bool:
        """The process of a job is gone, and this is what became of it; unheard if it has another by now."""
        known = json.dumps(process.to_json()) if process else None
        with self.database.write() as write:
            found = write.execute(
                "update jobs set state = ?, reason = ?, since = ?, process = null"
                " where name = ? and process is ? and state not in ('done', 'failed', 'stopped')",
                (state, reason, time.time(), name, known),
            )
            if found.rowcount:
                _keep_failure(write, name, state, reason)
        return found.rowcount == 1

    def failed_start(self, name: str, restarts: int, next_try: float | None) -> None:
        """How often its process has ended before its time, and when the next is due."""
        with self.database.write() as write:
            write.execute("update jobs set restarts = ?, next_try = ? where name = ?", (restarts, next_try, name))


def _keep_failure(write: sqlite3.Connection, name: str, state: str, reason: str) -> None:
    if state == "failed":
        insert_event(write, name, f"failed: {reason}")


def _changes(job: Job, spec: dict[str, Any], environment: dict[str, Any], notify: str | None) -> list[str]:
    """In words what is different from what there is."""
    said = []
    for key in [key for key in {**job.spec, **spec} if job.spec.get(key) != spec.get(key)]:
        said += _change_of(key, job.spec.get(key), spec.get(key))
    names = _differing(job.environment["variables"], environment["variables"])
    said += [f"variables {names}"] * bool(names)
    said += [words for key, words in _OTHERS.items() if environment.get(key) != job.environment.get(key)]
    said += ["tells another"] * (job.notify != notify)
    return said + ["started again"] * (job.desired == "stopped" or job.over)


def _change_of(key: str, before: Any, now: Any) -> list[str]:
    """Of what has parts, those that are different."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [part for name in {**before, **now} for part in _change_of(name, before.get(name), now.get(name))]
    return [] if before == now else [f"{key} {_short(before)} → {_short(now)}"]


def _differing(before: dict[str, str], now: dict[str, str]) -> str:
    """The names of the variables that have another value, but for those of the place where something is asked for."""
    names = (before.keys() | now.keys()) - _OF_THE_SHELL
    return ", ".join(sorted(name for name in names if before.get(name) != now.get(name)))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "yes"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "none" if value in (None, "") else "yes" if value is True else "no" if value is False else str(value)


def _change(
    write: sqlite3.Connection,
    job: Job,
    spec: dict[str, Any],
    environment: dict[str, Any],
    notify: str | None,
    changes: list[str],
    *,
    again: bool,
) -> None:
    """What changed, and where that is wanted, a process that begins `again`."""
    if not changes:
        return
    if not again:
        write.execute("update jobs set spec = ? where name = ?", (json.dumps(spec), job.name))
        return
    write.execute(
        "update jobs set spec = ?, environment = ?, notify = ?, desired = 'running', generation = generation + 1,"
        " restarts = 0, next_try = null where name = ?",
        (json.dumps(spec), json.dumps(environment), notify, job.name),
    )
    if job.over:
        write.execute("update jobs set state = 'starting', reason = '', process = null where name = ?", (job.name,))


def _wants_a_process(job: Job) -> bool:
    """Whether it should run and does not, or should run otherwise than its process was started for."""
    if job.desired == "stopped" or job.over:
        return False
    return job.launched < job.generation or job.process is None or not job.process.alive()


def _waits(write: sqlite3.Connection, row: sqlite3.Row) -> bool:
    """Whether an earlier run of its schedule is not over: they come one after the other."""
    return row["schedule"] is not None and bool(
        write.execute(
            "select 1 from jobs where schedule = ? and due < ? and state not in ('done', 'failed', 'stopped')",
            (row["schedule"], row["due"]),
        ).fetchone()
    )


def _claimed(row: sqlite3.Row) -> bool:
    if row["claim"] is None or abs(time.time() - row["claimed"]) > CLAIM_SECONDS:
        return False
    claimer = Identity(**json.loads(row["claim"]))
    return claimer.pid != os.getpid() and claimer.alive()
