"""A process that was stopped by a signal -> its job says so while it stands still; a deployment gets another one."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .record import Job
    from .store import Store

PATIENCE = 60.0
_FACT = "halted"


def look(store: Store, job: Job) -> None:
    """Tell of the process of a job that lives whether it stands still: its job is `blocked` until it goes on, and is as
    it was before, then. What should always run, or run otherwise by now, is ended, and started again by whoever sees
    that."""
    assert job.process
    before = halted(job)
    if not job.process.stopped:
        if before and not before.get("ended"):
            _goes_on(store, job, before)
    elif not before:
        told = {"pid": job.process.pid, "state": job.state, "reason": job.reason, "at": time.time()}
        store.report(job.name, process=job.process, state="blocked", reason=_reason(job), facts={_FACT: told})
    elif job.launched < job.generation or (job.restart == "always" and time.time() - before["at"] > PATIENCE):
        store.report(job.name, process=job.process, facts={_FACT: before | {"ended": True}})
        job.process.signal(signal.SIGKILL)


def halted(job: Job) -> dict[str, Any] | None:
    """What its process was when it was stopped, if it stands still."""
    told: dict[str, Any] | None = job.facts.get(_FACT)
    return told if told and job.process and told["pid"] == job.process.pid else None


def _goes_on(store: Store, job: Job, before: dict[str, Any]) -> None:
    """As it was before, unless it has told otherwise itself."""
    as_told = (job.state, job.reason) == ("blocked", _reason(job))
    told = {"state": before["state"], "reason": before["reason"]} if as_told else {}
    store.report(job.name, process=job.process, facts={_FACT: None}, **told)


def _reason(job: Job) -> str:
    assert job.process
    others = "its workers answer on, and nobody sees to them" if job.facts.get("door") else "it does nothing"
    then = f"; it is replaced after {PATIENCE:.0f} s" if job.restart == "always" else ""
    return f"process {job.process.pid} was stopped by a signal: {others}{then}\n→ kill -CONT {job.process.pid}"
