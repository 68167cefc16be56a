"""Everything that runs, is due or is kept -> what the side panel shows of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..api import Workbench

RUNS = 20
"""How many runs are shown: those that run, and the newest."""
_LABELLED = re.compile(r"^ {2}(\S+) {2,}(.+)$")


def panel(workbench: Workbench) -> dict[str, Any]:
    """Rows with their cards: `deployments`, `runs` (the newest first), `schedules` and `models`."""
    return {
        "deployments": [_thing(handle) for handle in workbench.deployments()],
        "runs": [_thing(_handle(workbench, job)) for job in _runs(workbench)],
        "schedules": [_schedule(schedule) for schedule in workbench.schedules()],
        "models": [_model(workbench, version) for version in workbench.models()],
        "note": workbench.running.looked_at(),
    }


def _runs(workbench: Workbench) -> list[Any]:
    """Those that run, then the newest of the others: of ten thousand no more are read."""
    if not workbench.running.any:
        return []
    store = workbench.running.store
    newest = [job for job in store.page("run", most=RUNS) if job.over]
    return [*store.jobs("run", over=False), *newest][:RUNS]


def _handle(workbench: Workbench, job: Any) -> Any:
    from ..operations.kinds import handle

    return handle(workbench.running, workbench.registry, job)


def _thing(handle: Any) -> dict[str, Any]:
    head, *rest = str(handle).split("\n")
    kind = handle.name.partition("/")[0]
    brief = " · ".join(head.split(" · ")[1:])
    row = {"name": handle.name, "kind": kind, "state": handle.state, "reason": handle.job.reason, "brief": brief}
    return {**row, "url": str(handle.facts.get("url", "")), "lines": _lines(rest)}


def _schedule(schedule: Any) -> dict[str, Any]:
    head, *rest = str(schedule).split("\n")
    state = "paused" if schedule.schedule.paused else "ready"
    row = {"name": schedule.name, "kind": "schedule", "state": state, "reason": ""}
    return {**row, "brief": head.removeprefix(f"{schedule.name} "), "url": "", "lines": _lines(rest)}


def _lines(rest: list[str]) -> list[tuple[str, str]]:
    """The labelled lines of a card; its next steps are the panel's buttons."""
    found = [match.groups() for line in rest if (match := _LABELLED.match(line))]
    return [(label, said) for label, said in found if label not in ("next", "call")]


def _model(workbench: Workbench, version: Any) -> dict[str, Any]:
    live = workbench.registry.aliases(version.name).get("live")
    row = {"name": version.name, "ref": version.ref, "live": f"{version.name}@{live}" if live else ""}
    return {**row, "proven": version.proven, "note": version.note}
