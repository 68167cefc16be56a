"""promote --canary: a share of the traffic of every service that follows goes to a version, which is then watched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..jobs import rollout
from ..monitoring import conditions
from ..monitoring.metrics import OUTCOMES
from ..monitoring.rewards import Rewards
from ..monitoring.verdict import FIGURES, LEAST, judge, seen
from ..routing.table import Table
from .gates import Gate, held, kept_card, refusals
from .keys import sticky

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bundle.version import ModelVersion
    from ..jobs.record import Job
    from ..monitoring.conditions import Condition
    from ..monitoring.figures import Arm
    from ..routing.bandit import Earned
    from .running import Running

_WHOLE = 100.0
_WATCHED = "10m"


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
    gates: tuple[Gate, ...] = ()

    @property
    def promoted(self) -> bool:
        """Whether the version got its share."""
        return not self.kept

    def __str__(self) -> str:
        ref, live = f"{self.model}@{self.version}", f"{self.model}@{self.before}"
        if refusals(self.gates):
            return kept_card(self.model, self.version, self.before, self.gates)
        if self.kept:
            why = self.kept.replace("\n", "\n        ")
            return f"kept {live} ✗ {ref} was refused\n  why   {why}"
        does = f"answers {self.share:g} % of" if self.share else "is the shadow of"
        rest = f", {live} the rest" if self.share else f", where {live} answers"
        if self.share >= _WHOLE:
            does, rest = "answers all of", f"; {live} waits beside it"
        lines = [f"{ref} ✓ {does} {', '.join(self.services)}{rest}", *held(self.gates)]
        lines += [f"  then  {self.then}"] * bool(self.then)
        lines += [f"  later {self.later}"] * bool(self.later)
        steps = f"%workbench status {self.model} · %workbench promote {ref} · %workbench rollback {self.model}"
        return "\n".join([*lines, f"  next  {steps}"])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        gates = [gate.__dict__ for gate in self.gates]
        return {**self.__dict__, "services": list(self.services), "promoted": self.promoted, "gates": gates}


@dataclass(frozen=True)
class Plan:
    """How a version is rolled out: the shares, in percent, for how many seconds each, and on how many requests at
    least a version is judged; whose values are keys. A `shadow` answers nobody, and is not judged.
    `watch` is what it must show all the time."""

    shares: tuple[float, ...]
    every: float | None
    least: int
    sticky: str
    shadow: bool = False
    watch: tuple[Condition, ...] = ()

    @classmethod
    def read(
        cls, canary: str, every: str | None, least: int | None, key: str | None, watch: tuple[Condition, ...] = ()
    ) -> Plan:
        """`10` or `10,50,100`, `10m`. UsageError."""
        from ..moments import seconds

        shares = tuple(map(_share, str(canary).split(",")))
        if list(shares) != sorted(set(shares)) or shares[0] >= _WHOLE:
            raise UsageError(f"{canary} are no shares that grow", fix="--canary 10, or --canary 10,50,100 --every 10m")
        if (len(shares) > 1) != (every is not None):
            raise UsageError("steps need a time, and a time needs steps", fix="--canary 10,50,100 --every 10m")
        return cls(shares, seconds(every) if every else None, least or LEAST, key or "", watch=watch)

    @classmethod
    def at_once(cls, every: str | None, least: int | None, watch: tuple[Condition, ...]) -> Plan:
        """All of the traffic from the first moment on; only what was watched for so long (10 minutes) becomes live.
        UsageError for what is compared with a live version, which answers nothing then."""
        from ..moments import seconds

        if beside := next((condition for condition in watch if condition.live), None):
            what = f"{beside}: beside a version that answers everything there is no other to compare it with"
            raise UsageError(what, fix="--canary 50, or a number: 'errors <= 1%'")
        return cls((_WHOLE, _WHOLE), seconds(every or _WATCHED), least or LEAST, "", watch=watch)

    @property
    def then(self) -> str:
        """What becomes of it, in words."""
        if self.shadow:
            return "it gets a copy of what is asked, answers nobody, and its answers are compared"
        unless = f"unless {', '.join(map(str, self.watch))}" if self.watch else "where it fails more often or is slower"
        back = f"back by itself {unless}, on {text.count(self.least)} requests or more"
        if self.shares[0] >= _WHOLE:
            return f"live after {text.seconds(self.every or 0.0)} · {back}"
        steps = ", ".join(f"{share:g} %" for share in self.shares[1:])
        return f"{steps}, each after {text.seconds(self.every)} · {back}" if self.every else back

    def to_json(self) -> dict[str, Any] | None:
        if self.shadow:
            return None
        watch = [str(condition) for condition in self.watch]
        return {"shares": list(self.shares), "every": self.every, "least": self.least, "step": 0, "watch": watch}


def _share(said: str) -> float:
    try:
        share = float(said.strip().removesuffix("%"))
    except ValueError:
        share = 0.0
    if not 0 < share <= _WHOLE:
        raise UsageError(f"{said} is no share in percent", fix="--canary 10, or --canary 10,50,100 --every 10m")
    return share


def watched(said: str | None, metric: Any) -> tuple[Condition, ...]:
    """What a version must show, on what it is asked, or by the outcomes that feedback brings; `metric` is a function of
    the user's own, which feedback is given, too. UsageError."""
    from ..monitoring import measures

    if said is None:
        return ()
    own = {getattr(metric, "__name__", "metric"): metric} if callable(metric) else {}
    wanted = tuple(conditions.read(said))
    for condition in wanted:
        if condition.measure not in FIGURES:
            measures.named(condition.measure, own)
    return wanted


def table_of(version: ModelVersion, live: ModelVersion, plan: Plan) -> Table:
    """The table of the first step. UsageError for what holds no keys."""
    if plan.shadow:
        return Table.shadowed(live.ref, version.ref, rollout.number())
    key = sticky(plan.sticky, [live, version])
    return Table(live.ref, ((version.ref, plan.shares[0]),), key, rollout.number())


def words(running: Running, job: Job) -> str:
    """`churn@2 answers 10 % · waiting: 37 of 200`, or why it was taken back; empty where neither is."""
    name, _, alias = str(job.spec.get("model", "")).partition("@")
    event = rollout.last(running.store, name) if alias == rollout.LIVE else None
    table = Table.parse(job.facts.get("table") or "@")
    if event is None or event.details.get("refused") or not table.others:
        return event.text if event and event.details.get("refused") else ""
    files = [Path(other.facts.get("metrics", "")) for other in rollout.followers(running.store, name)]
    arms = {ref: seen(files, table.number, int(ref.rpartition("@")[2])) for ref in table.refs}
    if table.shadow:
        return _of_shadow(table, arms[table.beside])
    learned = Rewards(running.store.job_folder(job.name))
    if table.bandit:
        route = _of_bandit(table, arms, learned.of(table.number))
    else:
        route = f"{_of_shares(table)} · {_verdict(table, arms, event.details.get('plan') or {})}"
    return " · ".join([route, *learned.said(table.number)])


def _of_shadow(table: Table, arm: Arm) -> str:
    counts = " · ".join(f"{text.count(int(n))} {word}" for word, n in zip(OUTCOMES, arm.outcomes, strict=True))
    return f"{table.beside} is its shadow: {counts}"


def _of_shares(table: Table) -> str:
    alone = len(table.others) == 1
    said = (
        f"{table.beside} answers {table.share:g} %"
        if alone
        else ", ".join(f"{ref} {share:g} %" for ref, share in table.shares.items())
    )
    return said + (f", by {table.column or table.header}" if table.sticky else "")


def _verdict(table: Table, arms: dict[str, Arm], plan: Mapping[str, Any]) -> str:
    watched = conditions.read_all(plan.get("watch", ()))
    alone, live = table.share >= _WHOLE, arms[table.ref]
    verdicts = [judge(arms[ref], live, plan.get("least", 1), watched, alone=alone) for ref in table.refs[1:]]
    bad, waiting = ([said for verdict in verdicts if (said := getattr(verdict, kind))] for kind in ("bad", "waiting"))
    return next(iter([*bad, *waiting]), "all that is watched holds" if alone else f"as well as {table.ref}")


def _of_bandit(table: Table, arms: dict[str, Arm], earned: Mapping[str, Earned]) -> str:
    asked = sum(arm.requests for arm in arms.values())  # none, soon after a start
    shares = {ref: f" {100 * arms[ref].requests / asked:.0f} %" if asked else "" for ref in table.refs}
    parts = [f"{ref}{share} · {_earned(earned.get(ref))}" for ref, share in shares.items()]
    return f"{table.how} over {' | '.join(parts)}"


def _earned(earned: Earned | None) -> str:
    if earned is None or not earned.count:
        return "no reward yet"
    return f"reward {earned.mean:.3g} on {text.count(earned.count)}"
