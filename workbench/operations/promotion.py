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
from . import following
from .gates import Gate, Gates, held, kept_card, refusals
from .history import who
from .rollout import Canary, Plan, table_of

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from .running import Running


@dataclass(frozen=True)
class Promotion:
    """Where `live` is now, where it was, and what followed. Refused is a state: `kept` says why `live` stayed, `later`
    what has not yet changed over, which it does by itself. `differs` says which columns it takes or gives otherwise
    than the version before, as `diff` does; `taken_back` is the version whose rollout was ended; `gates` are what was
    asked of the version."""

    model: str
    version: int
    before: int | None
    followers: tuple[str, ...]
    seconds: float
    kept: str = ""
    later: str = ""
    differs: tuple[str, ...] = ()
    taken_back: str = ""
    gates: tuple[Gate, ...] = ()

    @property
    def promoted(self) -> bool:
        """Whether the version is live now."""
        return not self.kept

    def __str__(self) -> str:
        if refusals(self.gates):
            return kept_card(self.model, self.version, self.before, self.gates)
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
        lines = held(self.gates)
        lines += [f"  with  {', '.join(self.followers)} {over}"] * bool(self.followers and not self.later)
        lines += [f"  later {self.later}"] * bool(self.later)
        lines += [f"  note  who asks must know that its columns differ: {', '.join(self.differs)}"] * bool(self.differs)
        return "\n".join([head, *lines, f"  next  %workbench status {self.model} · %workbench rollback {self.model}"])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        lists = {name: list(getattr(self, name)) for name in ("followers", "differs")}
        return {**self.__dict__, **lists, "promoted": self.promoted, "gates": [gate.__dict__ for gate in self.gates]}


def promote(
    running: Running,
    registry: Registry,
    model: str,
    *,
    back: bool = False,
    note: str | None = None,
    gates: Gates | None = None,
) -> Promotion:
    """Let every deployment that follows load the version and answer its example; then move `live`, then all of them.
    What `gates` refuse changes nothing, and stands in the history."""
    version = registry.resolve(model)
    check_proven(version)
    before = registry.aliases(version.name).get(LIVE)
    if before == version.version:
        return Promotion(version.name, version.version, before, (), 0.0)
    followers = [job for job in running.jobs() if follows(job, version.name)]
    if refused := following.unfit(running, registry, followers, before, version):
        return Promotion(version.name, version.version, before, (), 0.0, refused)
    judged, started = _judged(running, registry, version, before, gates, note), time.monotonic()
    if refused := refusals(judged) or following.ask(running, followers, "prepare", ref=version.ref):
        return Promotion(version.name, version.version, before, (), 0.0, refused, gates=judged)
    registry.set_alias(version, LIVE)
    _remember(running, version, before, judged, back=back, note=note)
    later = following.ask(running, followers, "flip", ref=version.ref)
    names, took = tuple(job.name for job in followers), time.monotonic() - started
    differs = _differs(registry, before, version)
    return Promotion(version.name, version.version, before, names, took, later=later, differs=differs, gates=judged)


def check_proven(version: ModelVersion) -> None:
    """NotProven where nobody knows what it answers in a clean process."""
    if not version.proven:
        raise NotProven(f"{version.ref} was not proven", fix=f"%workbench verify {version.ref}")


def _judged(
    running: Running, registry: Registry, version: ModelVersion, live: int | None, gates: Gates | None, note: str | None
) -> tuple[Gate, ...]:
    """What came of what is asked of a version; that it is refused is remembered."""
    if gates is None:
        return ()
    now = registry.resolve(f"{version.name}@{live}") if live else None
    judged = gates.judge(running, registry, version, now)
    if refused := refusals(judged):
        said = f"{version.ref} was refused: {refused}"
        running.store.event(rollout.refused(version.name), said, by=who(), note=note, version=version.version)
    return judged


def canary(
    running: Running, registry: Registry, model: str, plan: Plan, note: str | None, gates: Gates | None = None
) -> Canary:
    """Let every service and stream that follows load the version beside the live one; then a share of what is asked
    goes to it in all of them. NotProven, UsageError."""
    version = registry.resolve(model)
    check_proven(version)
    live = registry.aliases(version.name).get(LIVE)
    services = rollout.followers(running.store, version.name) if running.any else []
    if live is None or not services:
        fix = f"%serve {version.name}, or %stream {version.name} INPUT -o OUTPUT"
        raise UsageError(f"no service or stream follows {version.name}@{LIVE}", fix=fix)
    if live == version.version:
        raise UsageError(f"{version.ref} is live: it answers everything", fix=f"%workbench models {version.name}")
    table = table_of(version, registry.resolve(f"{version.name}@{live}"), plan)
    made = Canary(version.name, version.version, live, table.share, tuple(job.name for job in services), plan.then)
    if refused := following.unfit(running, registry, services, None if plan.shadow else live, version):
        return replace(made, kept=refused)
    made = replace(made, gates=_judged(running, registry, version, live, gates, note))
    if refused := refusals(made.gates):
        return replace(made, kept=refused)
    said = f"{version.ref} answers {table.share:g} %" if table.share else f"{version.ref} is the shadow of {table.ref}"
    held = [gate.said for gate in made.gates]
    kept, later = following.route(running, services, table, said, note, plan=plan.to_json(), gates=held)
    return replace(made, kept=kept, later=later)


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
    if not table.others:
        return None
    services, started = rollout.followers(running.store, live.name), time.monotonic()
    gone = ", ".join(table.refs[1:])
    said = f"{gone} {'was' if len(table.others) == 1 else 'were'} taken back"
    said += f" at {table.share:g} %" if len(table.others) == 1 and table.share else ""
    running.store.event(rollout.story(live.name), said, table="", by=who(), note=note)
    later = following.ask(running, services, "prepare", ref=live.ref) or following.ask(
        running, services, "flip", ref=live.ref
    )
    names, took = tuple(job.name for job in services), time.monotonic() - started
    return Promotion(live.name, live.version, None, names, took, later=later, taken_back=gone)


def _differs(registry: Registry, before: int | None, version: ModelVersion) -> tuple[str, ...]:
    """How its columns differ from those of the version before; nothing where that is gone or damaged."""
    with suppress(WorkbenchError):
        if before is not None:
            return schema_changes(registry.resolve(f"{version.name}@{before}").manifest, version.manifest)
    return ()


def _remember(
    running: Running,
    version: ModelVersion,
    before: int | None,
    gates: tuple[Gate, ...],
    *,
    back: bool,
    note: str | None,
) -> None:
    said = f"{version.name}@{LIVE} moved {'back ' * back}to {version.ref}"
    told: dict[str, Any] = {"to": version.version, "before": before, "back": back, "by": who(), "note": note}
    told["gates"] = [gate.said for gate in gates]
    running.store.event(rollout.story(version.name), said, **told)
