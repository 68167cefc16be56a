"""What follows `live` changes over: all are asked to load what comes, then all take it at one moment."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .. import stages, text
from ..bundle.own import equip
from ..errors import WorkbenchError
from ..jobs import rollout
from . import request_log
from .history import who
from .running import LOOK

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..jobs.record import Job
    from ..routing.table import Table
    from .running import Running

_PATIENCE = 120.0


def unfit(running: Running, registry: Registry, followers: list[Job], before: int | None, version: ModelVersion) -> str:
    """Why a version must not come; empty where it may."""
    return _unequipped(running, followers, version) or _uncovered(registry, followers, before, version)


def _unequipped(running: Running, followers: list[Job], version: ModelVersion) -> str:
    """Why it cannot have the environment that it needs, where it may have one of its own."""
    if not any(job.spec.get("env") == "own" for job in followers):
        return ""
    try:
        equip(version, running.home)
    except WorkbenchError as error:
        return str(error)
    return ""


def _uncovered(registry: Registry, followers: list[Job], before: int | None, version: ModelVersion) -> str:
    """Why a service must not answer with it, which would log what it is told not to; nothing where the version before
    is gone or damaged."""
    with suppress(WorkbenchError):
        if before is not None:
            live = registry.resolve(f"{version.name}@{before}")
            return next(filter(None, (request_log.uncovered(job, live, version) for job in followers)), "")
    return ""


def ask(running: Running, followers: list[Job], do: str, **args: Any) -> str:
    """Ask all to `prepare` or to `flip`, and wait for each that does not end meanwhile; the first refusal in words."""
    if followers:
        named = ", ".join(job.name for job in followers)
        stages.say(f"{named} load what comes" if do == "prepare" else "changing over")
    orders = {job.name: running.store.order(job.name, do, **args) for job in followers}
    end = time.monotonic() + _PATIENCE
    for name, order in orders.items():
        while (answer := running.store.answered(order)) is None:
            if (job := running.store.get(name)).over:
                return f"{name} is {job.state}" if do == "prepare" else ""
            if time.monotonic() > end:
                return f"{name} did not answer in {text.seconds(_PATIENCE)}"
            time.sleep(LOOK)
        if not answer["ok"]:
            return f"{name}: {answer['text']}"
    return ""


def route(
    running: Running, services: list[Job], table: Table, said: str, note: str | None, **told: Any
) -> tuple[str, str]:
    """Let all services answer by a table from one moment on, and keep it in the history as `said`; why nothing changed,
    and what has not yet changed over, which it does by itself."""
    model = table.ref.partition("@")[0]
    before = rollout.last(running.store, model)
    if refused := ask(running, services, "prepare", ref=str(table)):
        return refused, ""
    told = {"table": str(table), "by": who(), "note": note, **told}
    if not running.store.event_after(before.id if before else 0, rollout.story(model), said, **told):
        return f"somebody else changed {model} meanwhile", ""
    return "", ask(running, services, "flip", ref=str(table))
