"""What runs under one home: found by name, begun, steered and waited for."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths, stages
from ..data.grammar import shown
from ..errors import Interrupted, JobFailed, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..jobs.planning import Schedule
    from ..jobs.record import Job
    from ..jobs.store import Store

LOOK = 0.02
START_PATIENCE = 120.0
DEPLOYED = ("service", "stream", "app", "learner")
"""The kinds of what does not end by itself."""
_MOST = 10_000
_UP = ("ready", "blocked", "paused")


class Running:
    """The store of one home, opened when it is first needed, and what every verb does with it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @cached_property
    def store(self) -> Store:
        from ..jobs.store import Store

        return Store(paths.state(self.home))

    @property
    def any(self) -> bool:
        """Whether anything ever ran here: looking does not make a store."""
        return (paths.state(self.home) / "state.db").exists()

    def jobs(self, kind: str | None = None) -> list[Job]:
        """Everything that runs or ran, or all of one kind."""
        return self.store.jobs(kind) if self.any else []

    def deployed(self) -> list[Job]:
        """The services, streams, apps and learners, the oldest first; however many runs there are, none is read."""
        return self.store.page(*DEPLOYED, most=_MOST)[::-1] if self.any else []

    def schedules(self) -> list[Schedule]:
        """What starts runs."""
        return self.store.schedules() if self.any else []

    def names(self) -> list[str]:
        """The names of all that runs, and of the schedules."""
        return [job.name for job in self.jobs()] + [schedule.name for schedule in self.schedules()]

    def names_to_look_at(self, models: list[str]) -> set[str]:
        """The names, and the short ones that no model has, of what runs."""
        names = self.names()
        return {*names, *(name.partition("/")[2] for name in names)} - set(models)

    def find(self, name: str) -> Any:
        """The job or schedule of this name, or of this short name while that is unique. NotFound, UsageError."""
        if name.startswith("schedule/"):
            return self.store.schedule(name)
        try:
            return self.store.find(name)
        except NotFound:
            own = [s for s in self.store.schedules() if s.name == f"schedule/{name}"]
            if own:
                return own[0]
            raise

    def job(self, name: str) -> Job:
        """The job of this name. UsageError for a schedule, which neither runs nor ends."""
        found = self.find(name)
        if found.name.startswith("schedule/"):
            raise UsageError(f"{found.name} is a schedule", fix=f"%workbench pause {found.name}, or remove it")
        job: Job = found
        return job

    def supervised(self) -> None:
        """See to it that a supervisor runs."""
        from ..jobs import supervisor

        supervisor.ensure(self.home)

    def looked_at(self) -> str:
        """Whoever looks after a restart of the machine has what should run started again; that nobody sees to it, and
        what to do, where the supervisor was ended."""
        from ..jobs import supervisor

        if not self.any:
            return ""
        supervisor.revive(self.home)
        if not supervisor.left(self.home) or not (wanted := supervisor.wanted(self.store)):
            return ""
        return f"the supervisor was ended: nothing is started again, or when it is due → {again(wanted[0])}"

    def check(self, job: Job) -> None:
        """Refuse what could not be started, before what runs is touched."""
        from ..jobs import launch

        launch.check(job.environment)

    def begin(self, job: Job) -> None:
        """Start its process from the pre-warmed one, if there is one; else the supervisor does. It keeps it running."""
        from ..jobs import launch
        from ..spawn.client import forkable

        if forkable(job.environment["variables"]) and self.store.claim(job.name):
            launch.launch(self.store, self.home, job)
        self.supervised()

    def until(self, name: str, done: Callable[[Job], bool], timeout: float | None = None) -> Job:
        """The job once `done` says so. JobFailed when the time is up, Interrupted by Ctrl-C; both leave it alone."""
        end = None if timeout is None else time.monotonic() + timeout
        job = self.store.get(name)
        try:
            while not done(job):
                if end is not None and time.monotonic() > end:
                    fix = f"%workbench logs {name}, or wait longer: %workbench wait {name}"
                    raise JobFailed(f"{name} is {job.state} after {timeout:g} s", fix=fix)
                time.sleep(LOOK)
                job = self.store.get(name)
        except KeyboardInterrupt:
            fix = f"%workbench wait {name}, or end it: %workbench stop {name}"
            raise Interrupted(f"{name} goes on: only the waiting was interrupted", fix=fix) from None
        return job

    def until_ready(self, name: str, timeout: float | None = START_PATIENCE) -> Job:
        """The job once a process of its latest form is ready or blocked. JobFailed where it ends instead."""
        job = self.until(name, lambda job: job.over or _up(job) or _coming(job), timeout)
        if job.over:
            raise not_done(job)
        return job


def again(name: str) -> str:
    """The verb that has a supervisor look after this, and the rest."""
    return f"%workbench {'resume' if name.startswith('schedule/') else 'start'} {name}"


def _up(job: Job) -> bool:
    return job.state in _UP and not job.lost and job.launched == job.generation


def _coming(job: Job) -> bool:
    """Say what it does meanwhile."""
    begun = job.process is not None and job.launched == job.generation
    stages.say(str((begun and job.facts.get("stage")) or "starting its process"))
    return False


def not_done(job: Job) -> JobFailed:
    """What a person is told who waited for what has failed, or was stopped."""
    if job.state == "stopped":
        again = "resume" if job.kind == "run" else "start"
        return JobFailed(f"{job.name} was stopped", fix=f"%workbench {again} {job.name}")
    what, *rest = job.reason.split("\n")
    steps = [line.removeprefix("→ ") for line in rest if line.startswith("→ ")]
    where = "\n".join(line for line in rest if not line.startswith("→ ")).strip().removeprefix("at ")
    fix = " · ".join([*steps, f"%workbench logs {job.name}"])
    return JobFailed(f"{job.name} failed: {what}", where=where or None, fix=fix)


def said(changes: list[str]) -> str:
    """What `make it so` did: `unchanged`, or what is different."""
    return ", ".join(changes) or "unchanged"


def options(spec: dict[str, Any]) -> str:
    """A spec in words, for those who ask what would be done."""
    told = {key: value for key, value in spec.items() if key != "what" and value not in (None, False, {}, [])}
    return " · ".join(f"{key} {_shown(value)}" for key, value in told.items())


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(one)}" for key, one in value.items() if one != [])
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return "yes" if value is True else shown(str(value))
