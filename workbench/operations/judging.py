"""What `feedback` brings -> what a bandit goes by, and whether a version that is watched may go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import text
from ..jobs import rollout
from ..monitoring import conditions, outcomes, rewards
from ..monitoring.verdict import FIGURES
from ..routing.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ..jobs.record import Event, Job
    from ..monitoring.conditions import Condition
    from ..monitoring.measures import Measure
    from .running import Running

_MICROSECONDS = 1e6


def judge(running: Running, job: Job, own: Mapping[str, Measure]) -> str:
    """Tell the workers of a service what its versions have earned, where a bandit chooses between them; take back a
    version that does not show what is watched, which is told. Others may bring feedback at the same time: whoever is
    last has seen all of it."""
    model = str(job.spec["model"]).partition("@")[0]
    event = rollout.last(running.store, model) if rollout.follows(job, model) else None
    table = Table.parse((event.details.get("table") if event else None) or "@")
    if event is None or not table.others or table.shadow:
        return ""
    folder = running.store.job_folder(job.name)
    seen: list[Path] | None = None
    while seen != (now := _files(folder)):
        seen, judged = now, rewards.after(outcomes.kept(folder / "outcomes"), table.number / _MICROSECONDS)
        watch = Watch.of(table, event, judged, own)
        earned = rewards.earned(judged, 0.0) if table.bandit else {}
        rewards.keep(folder, table.number, earned, watch.said)
    return _taken_back(running, table, event, watch)


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "outcomes").glob("*.parquet"))


def _taken_back(running: Running, table: Table, event: Event, watch: Watch) -> str:
    if not watch.bad:
        return ""
    ref, why = next(iter(watch.bad.items()))
    at = "" if table.bandit else f" at {table.shares[ref]:g} %"
    said = f"{ref} was rolled back{at}: {why}"
    told: dict[str, Any] = {"by": "workbench", "table": "", "refused": ref}
    return said if running.store.event_after(event.id, event.name, said, **told) else ""


@dataclass(frozen=True)
class Watch:
    """How each version that comes does by what is watched: `said` in words, `bad` why one must not go on."""

    said: list[str] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, event: Event, judged: pd.DataFrame, own: Mapping[str, Measure]) -> Watch:
        """By the outcomes of what was answered since the table stands; on as many as it is judged on at least."""
        plan, watch = event.details.get("plan") or {}, cls()
        wanted = [one for one in conditions.read_all(plan.get("watch", ())) if one.measure not in FIGURES]
        for ref in table.refs[1:] if wanted else ():
            mine, live = (_true(judged, version) for version in (ref, table.ref))
            rows = text.count(len(mine), "outcome")
            if len(mine) < plan["least"]:
                watch.said.append(f"{ref} waiting: {text.count(len(mine))} of {text.count(plan['least'])} outcomes")
                continue
            for said, held in _looked_at(wanted, mine, live, own):
                watch.said.append(f"{ref} {said} on {rows}")
                if not held:
                    watch.bad.setdefault(ref, f"{said} on {rows}")
        return watch


def _true(judged: pd.DataFrame, ref: str) -> pd.DataFrame:
    """The outcomes of a version, without rewards."""
    return judged[(judged["version"] == ref) & ~judged["is_reward"].astype(bool)].infer_objects()


def _looked_at(
    wanted: list[Condition], mine: pd.DataFrame, live: pd.DataFrame, own: Mapping[str, Measure]
) -> Iterator[tuple[str, bool]]:
    from ..monitoring import measures

    for condition in wanted:
        if condition.measure not in own and not measures.known(condition.measure):
            yield f"{condition.measure} waits for feedback with --metric {condition.measure}", True
            continue
        measure = measures.named(condition.measure, own)
        value = measure(mine["outcome"], mine["answer"])
        beside = measure(live["outcome"], live["answer"]) if condition.live and len(live) else None
        yield condition.told(value, beside), condition.holds(value, beside)
