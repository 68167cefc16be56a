"""The rollouts of a service's model: its door looks at how the new version does, and goes on, or takes it back.

The doors of all services that follow the model look; the first to tell of a step has done it, the others find it done.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..monitoring.conditions import read_all
from ..monitoring.verdict import judge, seen
from ..routing.table import Table
from . import rollout

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from .record import Event
    from .store import Store

_EVERY = 0.5
_SOON = 6  # looks
_WHOLE = 100.0


class RollingOut:
    """Called again and again by the door of a service that follows `live`."""

    def __init__(self, store: Store, registry: Registry, model: str) -> None:
        self.store, self.registry, self.looked, self.untold = store, registry, 0.0, 0
        self.name, _, alias = model.partition("@")
        self.follows = alias == rollout.LIVE

    def __call__(self) -> None:
        if not self.follows or time.monotonic() - self.looked < _EVERY:
            return
        self.looked = time.monotonic()
        event = rollout.last(self.store, self.name)
        if event is None or not event.details.get("plan"):
            return
        table, plan = Table.parse(event.details["table"]), event.details["plan"]
        live = self.registry.resolve(f"{self.name}@{rollout.LIVE}").ref
        self.untold = self.untold + 1 if live in table.refs[1:] else 0
        if self.untold > _SOON:  # whoever made it live did not come to tell of it
            self._tell(event, f"{self.name}@{rollout.LIVE} moved to {live}", **_moved(table, live))
        elif live == table.ref:
            self._look(event, table, plan)

    def _look(self, event: Event, table: Table, plan: dict[str, Any]) -> None:
        files = [Path(job.facts.get("metrics", "")) for job in rollout.followers(self.store, self.name)]
        arms = {ref: seen(files, table.number, _number(ref)) for ref in table.refs}
        watched = read_all(plan.get("watch", ()))
        alone, live = table.share >= _WHOLE, arms[table.ref]
        verdicts = {ref: judge(arms[ref], live, plan["least"], watched, alone=alone) for ref in table.refs[1:]}
        if bad := next(((ref, verdict.bad) for ref, verdict in verdicts.items() if verdict.bad), None):
            at = "" if table.bandit else f" at {table.shares[bad[0]]:g} %"
            self._tell(event, f"{bad[0]} was rolled back{at}: {bad[1]}", refused=bad[0])
        elif plan["every"] and not verdicts[table.beside].waiting and time.time() - event.at >= plan["every"]:
            self._go_on(event, table, plan)

    def _go_on(self, event: Event, table: Table, plan: dict[str, Any]) -> None:
        share = rollout.step(plan)
        if share is None:
            return
        if share >= _WHOLE:
            self._finish(event, table)
            return
        new = replace(table, others=((table.beside, share),), number=rollout.number())
        self._tell(
            event, f"{table.beside} goes on to {share:g} %", table=str(new), plan=plan | {"step": plan["step"] + 1}
        )

    def _finish(self, event: Event, table: Table) -> None:
        """Make it live, then tell of it: in between it answers everything already. Where somebody was quicker to take
        it back, that stands."""
        before = self.registry.resolve(table.ref)
        self.registry.set_alias(self.registry.resolve(table.beside), rollout.LIVE)
        said = f"{self.name}@{rollout.LIVE} moved to {table.beside}, which did well"
        if not self._tell(event, said, **_moved(table, table.beside)) and not self._moved_by_another(table):
            self.registry.set_alias(before, rollout.LIVE)

    def _moved_by_another(self, table: Table) -> bool:
        event = rollout.last(self.store, self.name)
        return event is not None and event.details.get("to") == _number(table.beside)

    def _tell(self, after: Event, said: str, **details: Any) -> bool:
        told = {"by": "workbench", "table": "", **details}
        return self.store.event_after(after.id, rollout.story(self.name), said, **told)


def _moved(table: Table, to: str) -> dict[str, int]:
    return {"to": _number(to), "before": _number(table.ref)}


def _number(ref: str) -> int:
    return int(ref.rpartition("@")[2])
