"""promote --canary: a share of the traffic of every service that follows goes to a version, which is then watched; and
the history of a model."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..jobs import rollout
from ..routing import Table

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..jobs.record import Event, Job
    from .running import Running

_WHOLE = 100.0


@dataclass(frozen=True)
class Canary:
    """That a version answers a share, in percent, of what these services are asked. Refused is a state: `kept` says
    why nothing changed, `later` what has not yet changed over, which it does by itself."""

    model: str
    version: int
    before: int
    share: float
    services: tuple[str, ...]
    then: str = ""
    kept: str = ""
    later: str = ""

    def __str__(self) -> str:
        ref, live = f"{self.model}@{self.version}", f"{self.model}@{self.before}"
        if self.kept:
            why = self.kept.replace("\n", "\n        ")
            return f"kept {live} ✗ {ref} was refused\n  why   {why}"
        does = f"answers {self.share:g} % of" if self.share else "is the shadow of"
        rest = f", {live} the rest" if self.share else f", where {live} answers"
        lines = [f"{ref} ✓ {does} {', '.join(self.services)}{rest}"]
        lines += [f"  then  {self.then}"] * bool(self.then)
        lines += [f"  later {self.later}"] * bool(self.later)
        steps = f"%workbench status {self.model} · %workbench promote {ref} · %workbench rollback {self.model}"
        return "\n".join([*lines, f"  next  {steps}"])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "services": list(self.services)}


class History(list["Event"]):
    """What became of a model's live version: who did what when and why, the oldest first."""

    def __init__(self, model: str, events: list[Event]) -> None:
        super().__init__(events)
        self.model = model

    def __str__(self) -> str:
        if not self:
            return f"nothing was promoted yet → %workbench promote {self.model}@N"
        rows = [(_when(e), str(e.details.get("by", "")), e.text, str(e.details.get("note") or "")) for e in self]
        return text.table(("when", "who", "what", "why"), rows)

    __repr__ = __str__

    def to_json(self) -> list[dict[str, Any]]:
        return [{"at": event.at, "what": event.text, **event.details} for event in self]


def _when(event: Event) -> str:
    return datetime.fromtimestamp(event.at).strftime("%Y-%m-%d %H:%M:%S")


def history(running: Running, registry: Registry, model: str) -> History:
    """All that was told of a model. NotFound where there is none such."""
    name = registry.resolve(model).name
    return History(name, running.store.events(rollout.story(name)) if running.any else [])


@dataclass(frozen=True)
class Plan:
    """How a version is rolled out: the shares, in percent, for how many seconds each, and on how many requests at
    least a version is judged; which header's values are keys. A `shadow` answers nobody, and is not judged."""

    shares: tuple[float, ...]
    every: float | None
    least: int
    sticky: str
    shadow: bool = False

    @classmethod
    def read(cls, canary: str, every: str | None, least: int | None, sticky: str | None) -> Plan:
        """`10` or `10,50,100`, `10m`. UsageError."""
        from ..moments import seconds
        from ..monitoring.verdict import LEAST

        shares = tuple(map(_share, str(canary).split(",")))
        if list(shares) != sorted(set(shares)) or shares[0] >= _WHOLE:
            raise UsageError(f"{canary} are no shares that grow", fix="--canary 10, or --canary 10,50,100 --every 10m")
        if (len(shares) > 1) != (every is not None):
            raise UsageError("steps need a time, and a time needs steps", fix="--canary 10,50,100 --every 10m")
        header = (sticky or "").lower()
        if header and (not header.isascii() or set(header) & set(" :\t\r\n")):
            raise UsageError(f"{sticky!r} names no header", fix="--sticky-by X-Customer")
        return cls(shares, seconds(every) if every else None, least or LEAST, header)

    @property
    def then(self) -> str:
        """What becomes of it, in words."""
        if self.shadow:
            return "it gets a copy of what is asked, answers nobody, and its answers are compared"
        back = f"back by itself where it fails more often or is slower, on {text.count(self.least)} requests or more"
        steps = ", ".join(f"{share:g} %" for share in self.shares[1:])
        return f"{steps}, each after {text.seconds(self.every)} · {back}" if self.every else back

    def to_json(self) -> dict[str, Any] | None:
        if self.shadow:
            return None
        return {"shares": list(self.shares), "every": self.every, "least": self.least, "step": 0}


def _share(said: str) -> float:
    try:
        share = float(said.strip().removesuffix("%"))
    except ValueError:
        share = 0.0
    if not 0 < share <= _WHOLE:
        raise UsageError(f"{said} is no share in percent", fix="--canary 10, or --canary 10,50,100 --every 10m")
    return share


def table_of(version: ModelVersion, live: int, plan: Plan) -> Table:
    """The table of the first step."""
    return rollout.new_table(f"{version.name}@{live}", version.ref, plan.shares[0], plan.sticky, shadow=plan.shadow)


def who() -> str:
    """The name of the user of this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know none
        return ""


def words(running: Running, job: Job) -> str:
    """`churn@2 answers 10 % · waiting: 37 of 200`, or why it was taken back; empty where neither is."""
    from ..monitoring.metrics import OUTCOMES
    from ..monitoring.verdict import judge, seen

    name, _, alias = str(job.spec.get("model", "")).partition("@")
    event = rollout.last(running.store, name) if alias == rollout.LIVE else None
    table = Table.parse(job.facts.get("table") or "@")
    if event is None or not table.beside:
        return event.text if event and event.details.get("refused") else ""
    files = [Path(other.facts.get("metrics", "")) for other in rollout.services(running.store, name)]
    new, live = (seen(files, table.number, int(ref.rpartition("@")[2])) for ref in (table.beside, table.ref))
    if table.shadow:
        counts = " · ".join(f"{text.count(int(n))} {word}" for word, n in zip(OUTCOMES, new.outcomes, strict=True))
        return f"{table.beside} is its shadow: {counts}"
    verdict = judge(new, live, (event.details.get("plan") or {}).get("least", 1))
    share = f"{table.beside} answers {table.share:g} %" + (f", by {table.sticky}" if table.sticky else "")
    return f"{share} · {verdict.bad or verdict.waiting or 'as well as ' + table.ref}"
