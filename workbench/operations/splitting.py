"""promote --split and --bandit: several versions share what is asked, by weights or by what each has earned."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..jobs import rollout
from ..jobs.rollout import LIVE
from ..monitoring.verdict import LEAST
from ..routing.table import MOST, Table
from . import following
from .keys import sticky
from .promotion import check_proven
from .rollout import Plan

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..jobs.record import Job
    from ..monitoring.conditions import Condition
    from .running import Running

_PART = re.compile(r"(?:(?P<model>[^@=]*)@)?(?P<version>[\w.-]+?)(?:=(?P<weight>\d+(?:\.\d+)?)\s*%?)?")
_FIX = "--split 3=70,4=20,5=10, or --split 3,4,5 for equal shares"


@dataclass(frozen=True)
class Split:
    """That versions share what these services are asked: `shares` in percent, which a `bandit` does not have.

    Refused is a state: `kept` says why nothing changed, `later` what has not yet changed over, which it does by
    itself."""

    model: str
    shares: dict[str, float]
    services: tuple[str, ...]
    bandit: str = ""
    by: str = ""
    kept: str = ""
    later: str = ""

    @property
    def promoted(self) -> bool:
        """Whether it is so now."""
        return not self.kept

    def __str__(self) -> str:
        if self.kept:
            why = self.kept.replace("\n", "\n        ")
            return f"kept {next(iter(self.shares))} ✗ {self.who} were refused\n  why   {why}"
        lines = [f"{self.model} ✓ {self.who} answer {', '.join(self.services)}"]
        lines += [f"  key   {self.by}"] * bool(self.by)
        if self.bandit:
            rewards = f"%workbench feedback {self.model} REWARDS, with the columns request and reward, or true outcomes"
            lines.append(f"  learn {self.bandit} goes by what each has earned: {rewards}")
        lines += [f"  later {self.later}"] * bool(self.later)
        steps = f"%workbench status {self.model} · %workbench promote {self.model}@N · %workbench rollback {self.model}"
        return "\n".join([*lines, f"  next  {steps}"])

    __repr__ = __str__

    @property
    def who(self) -> str:
        """Which versions, with their shares where nothing finds them."""
        if self.bandit:
            return ", ".join(self.shares)
        return ", ".join(f"{ref} {share:g} %" for ref, share in self.shares.items())

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "services": list(self.services), "promoted": self.promoted}


@dataclass(frozen=True)
class Asked:
    """What was asked for: the versions with their weights, a bandit, whose values are keys, on how many requests at
    least a version is judged, and what it must show all the time."""

    split: str | None
    bandit: str | None
    sticky_by: str | None
    least: int | None
    watch: tuple[Condition, ...] = ()


def split(running: Running, registry: Registry, model: str, asked: Asked, note: str | None) -> Split:
    """Let every service and stream that follows load the versions beside the live one, then answer by the new table,
    all at one moment. NotProven, UsageError."""
    name, at, _ = model.partition("@")
    live, services = _following(running, registry, name)
    if asked.split is not None and at:
        raise UsageError(f"--split names the versions, and {model} names one", fix=f"%workbench promote {name} {_FIX}")
    weights = _weights(registry, name, asked.split if asked.split is not None else f"{live.ref},{model}")
    if asked.bandit and asked.split and "=" in asked.split:
        raise UsageError("a bandit finds the shares itself", fix=f"--split 3,4,5 --bandit {asked.bandit}")
    table = _table(live, weights, asked)
    shares = {ref: round(share, 2) for ref, share in table.shares.items()}
    made = Split(name, shares, tuple(job.name for job in services), asked.bandit or "", table.header or table.column)
    if asked.bandit and (
        deaf := next((job for job in services if job.kind == "service" and not job.spec.get("log")), None)
    ):
        fix = f"%serve {deaf.name.partition('/')[2]} --log-requests"
        raise UsageError(f"{deaf.name} keeps no requests, to which rewards could belong", fix=fix)
    said = f"{asked.bandit} over {', '.join(table.refs)}" if asked.bandit else made.who
    plan = Plan((), None, asked.least or LEAST, "", watch=asked.watch)
    unfit = (following.unfit(running, registry, services, live.version, version) for version in weights)
    if refused := next(filter(None, unfit), ""):
        return replace(made, kept=refused)
    kept, later = following.route(running, services, table, said, note, plan=plan.to_json())
    return replace(made, kept=kept, later=later)


def shared_by(registry: Registry, name: str, asked: Asked) -> Table:
    """How the versions share what is asked. NotProven, UsageError."""
    live = registry.resolve(f"{name}@{LIVE}")
    return _table(live, _weights(registry, name, asked.split or live.ref), asked)


def _following(running: Running, registry: Registry, name: str) -> tuple[ModelVersion, list[Job]]:
    services = rollout.followers(running.store, name) if running.any else []
    if not services or LIVE not in registry.aliases(name):
        fix = f"%serve {name}, or %stream {name} INPUT -o OUTPUT"
        raise UsageError(f"no service or stream follows {name}@{LIVE}", fix=fix)
    return registry.resolve(f"{name}@{LIVE}"), services


def _weights(registry: Registry, name: str, said: str) -> dict[ModelVersion, float]:
    """The versions with their shares in percent."""
    found = [_weight(registry, name, part) for part in said.split(",")]
    weights = dict(found)
    if len(weights) < len(found):
        raise UsageError(f"{said} names a version twice", fix=_FIX)
    given = [weight for _, weight in found if weight is not None]
    if given and len(given) < len(found):
        raise UsageError(f"{said} gives some versions a share, and others none", fix=_FIX)
    total = sum(given) or len(found)
    if given and not sum(given):
        raise UsageError(f"{said} leaves nothing for anybody", fix=_FIX)
    return {version: 100.0 * (1.0 if weight is None else weight) / total for version, weight in found}


def _weight(registry: Registry, name: str, said: str) -> tuple[ModelVersion, float | None]:
    part = _PART.fullmatch(said.strip())
    if part is None or part["model"] not in (None, "", name):
        raise UsageError(f"{said.strip()!r} is no version of {name} with a share", fix=_FIX)
    version = registry.resolve(f"{name}@{part['version']}")
    check_proven(version)
    return version, float(part["weight"]) if part["weight"] else None


def _table(live: ModelVersion, weights: dict[ModelVersion, float], asked: Asked) -> Table:
    others = {version: share for version, share in weights.items() if version.version != live.version}
    if not others:
        raise UsageError(f"{live.ref} is live: it answers everything", fix=_FIX)
    if len(others) >= MOST:
        raise UsageError(f"{MOST} versions at most share what is asked", fix="leave some out")
    if asked.bandit and asked.sticky_by:
        raise UsageError("a bandit may change its mind: no key keeps its version", fix="--sticky-by with --split alone")
    key = sticky(asked.sticky_by, [live, *others])
    shares = tuple((version.ref, 0.0 if asked.bandit else share) for version, share in others.items())
    return Table(live.ref, shares, key, rollout.number(), asked.bandit or "shares")
