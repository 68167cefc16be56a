"""promote and rollback: a share of the traffic goes to a version, or `live` moves to it and every deployment that
follows it changes over at one moment."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import text
from ..bundle.diff import schema_changes
from ..errors import NotProven, UsageError, WorkbenchError
from ..jobs import rollout
from ..jobs.rollout import LIVE, follows
from . import request_log
from .rollout import Canary, Plan, table_of, who
from .running import LOOK, Running

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..jobs.record import Job

_PATIENCE = 120.0


@dataclass(frozen=True)
class Promotion:
    """Where `live` is now, where it was, and what followed. Refused is a state: `kept` says why `live` stayed, `later`
    what has not yet changed over, which it does by itself. `differs` says which columns it takes or gives otherwise
    than the version before, as `diff` does; `taken_back` is the version whose rollout was ended."""

    model: str
    version: int
    before: int | None
    followers: tuple[str, ...]
    seconds: float
    kept: str = ""
    later: str = ""
    differs: tuple[str, ...] = ()
    taken_back: str = ""

    def __str__(self) -> str:
        if self.kept:
            why = self.kept.replace("\n", "\n        ")
            return f"kept {self.model}@{self.before} ✗ {self.model}@{self.version} was refused\n  why   {why}"
        if self.before == self.version:
            return f"{self.model}@{LIVE} is {self.model}@{self.version} already"
        if self.taken_back:
            what = f"{self.taken_back} ✓ taken back: {self.model}@{self.version} answers everything"
            lines = [f"  later {self.later}"] * bool(self.later)
            return "\n".join([what, *lines, f"  next  %workbench history {self.model}"])
        was = f" (was {self.model}@{self.before})" if self.before else ""
        head = f"{self.model}@{LIVE} ✓ now {self.model}@{self.version}{was}"
        over = f"changed over in {text.seconds(self.seconds)}, no request failed"
        lines = [f"  with  {', '.join(self.followers)} {over}"] * bool(self.followers and not self.later)
        lines += [f"  later {self.later}"] * bool(self.later)
        lines += [f"  note  who asks must know that its columns differ: {', '.join(self.differs)}"] * bool(self.differs)
        return "\n".join([head, *lines, f"  next  %workbench status {self.model} · %workbench rollback {self.model}"])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "followers": list(self.followers), "differs": list(self.differs)}


def promote(
    running: Running, registry: Registry, model: str, *, back: bool = False, note: str | None = None
) -> Promotion:
    """Let every deployment that follows load the version and answer its example; then move `live`, then all of them."""
    version = registry.resolve(model)
    if not version.proven:
        raise NotProven(f"{version.ref} was not proven", fix=f"%workbench verify {version.ref}")
    before = registry.aliases(version.name).get(LIVE)
    followers = [job for job in running.jobs() if follows(job, version.name)]
    started = time.monotonic()
    if before == version.version:
        return Promotion(version.name, version.version, before, (), 0.0)
    refused = _uncovered(registry, followers, before, version)
    if refused := refused or _ask(running, followers, "prepare", ref=version.ref):
        return Promotion(version.name, version.version, before, (), 0.0, refused)
    registry.set_alias(version, LIVE)
    _remember(running, version, before, back=back, note=note)
    later = _ask(running, followers, "flip", ref=version.ref)
    names, took = tuple(job.name for job in followers), time.monotonic() - started
    differs = _differs(registry, before, version)
    return Promotion(version.name, version.version, before, names, took, later=later, differs=differs)


def canary(running: Running, registry: Registry, model: str, plan: Plan, note: str | None) -> Canary:
    """Let every service that follows load the version beside the live one; then a share of what is asked goes to it in
    all of them. NotProven, UsageError."""
    version = registry.resolve(model)
    if not version.proven:
        raise NotProven(f"{version.ref} was not proven", fix=f"%workbench verify {version.ref}")
    live = registry.aliases(version.name).get(LIVE)
    services = rollout.services(running.store, version.name) if running.any else []
    if live is None or not services:
        raise UsageError(f"no service follows {version.name}@{LIVE}", fix=f"%serve {version.name}")
    if live == version.version:
        raise UsageError(f"{version.ref} is live: it answers everything", fix=f"%workbench models {version.name}")
    table = table_of(version, live, plan)
    before = rollout.last(running.store, version.name)
    names = tuple(job.name for job in services)
    made = Canary(version.name, version.version, live, table.share, names, plan.then)
    refused = "" if plan.shadow else _uncovered(registry, services, live, version)
    if refused := refused or _ask(running, services, "prepare", ref=str(table)):
        return replace(made, kept=refused)
    told = {"table": str(table), "plan": plan.to_json(), "by": who(), "note": note}
    said = f"{version.ref} answers {table.share:g} %" if table.share else f"{version.ref} is the shadow of {table.ref}"
    if not running.store.event_after(before.id if before else 0, rollout.story(version.name), said, **told):
        return replace(made, kept=f"somebody else changed {version.name} meanwhile")
    return replace(made, later=_ask(running, services, "flip", ref=str(table)))


def rollback(running: Running, registry: Registry, model: str, note: str | None = None) -> Promotion:
    """A version that is being rolled out taken back; else `live` back to the version before the promotion of the one
    that is live; again, to the one before that."""
    name = model.partition("@")[0]
    now = registry.aliases(name).get(LIVE) if registry.versions(name) else None
    if now and running.any and (taken := _taken_back(running, registry.resolve(f"{name}@{now}"), note)):
        return taken
    moves = [e.details for e in running.store.events(rollout.story(name))] if running.any else []
    last = next((move for move in reversed(moves) if move.get("to") == now and not move.get("back")), None)
    if last is None or not last["before"]:
        what = f"there is no version of {name} that was {LIVE} before this one" if now else f"{name}@{LIVE} is not set"
        raise UsageError(what, fix=f"%workbench promote {name}@N moves it to one")
    return promote(running, registry, f"{name}@{last['before']}", back=True, note=note)


def _taken_back(running: Running, live: ModelVersion, note: str | None) -> Promotion | None:
    """The end of a rollout; None where there is none."""
    table = rollout.wanted(rollout.last(running.store, live.name), live.ref)
    if not table.beside:
        return None
    services, started = rollout.services(running.store, live.name), time.monotonic()
    said = f"{table.beside} was taken back" + (f" at {table.share:g} %" if table.share else "")
    running.store.event(rollout.story(live.name), said, table="", by=who(), note=note)
    later = _ask(running, services, "prepare", ref=live.ref) or _ask(running, services, "flip", ref=live.ref)
    names, took = tuple(job.name for job in services), time.monotonic() - started
    return Promotion(live.name, live.version, None, names, took, later=later, taken_back=table.beside)


def _uncovered(registry: Registry, followers: list[Job], before: int | None, version: ModelVersion) -> str:
    """Why a service must not answer with it, which would log what it is told not to; nothing where the version before
    is gone or damaged."""
    with suppress(WorkbenchError):
        if before is not None:
            live = registry.resolve(f"{version.name}@{before}")
            return next(filter(None, (request_log.uncovered(job, live, version) for job in followers)), "")
    return ""


def _differs(registry: Registry, before: int | None, version: ModelVersion) -> tuple[str, ...]:
    """How its columns differ from those of the version before; nothing where that is gone or damaged."""
    with suppress(WorkbenchError):
        if before is not None:
            return schema_changes(registry.resolve(f"{version.name}@{before}").manifest, version.manifest)
    return ()


def _remember(running: Running, version: ModelVersion, before: int | None, *, back: bool, note: str | None) -> None:
    said = f"{version.name}@{LIVE} moved {'back ' * back}to {version.ref}"
    told = {"to": version.version, "before": before, "back": back, "by": who(), "note": note}
    running.store.event(rollout.story(version.name), said, **told)


def _ask(running: Running, followers: list[Job], do: str, **args: Any) -> str:
    """Ask all and wait for each that does not end meanwhile; the first refusal in words."""
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
