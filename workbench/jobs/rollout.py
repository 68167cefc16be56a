"""The rollout of a model: which table its services should follow. The last that was told of the model says it, so that
each change is one record, made once, whoever dies meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..routing.table import Table

if TYPE_CHECKING:
    from .record import Event, Job
    from .store import Store

LIVE = "live"


def story(name: str) -> str:
    """Under which name the events of a model are kept."""
    return f"model/{name}"


def refused(name: str) -> str:
    """Under which name it is kept that a version was refused, which changes nothing."""
    return f"model/{name}/refused"


def last(store: Store, name: str) -> Event | None:
    """What was told of the model last."""
    return store.last_event(story(name))


def wanted(event: Event | None, live: str) -> Table:
    """The table that should stand: that of the rollout, unless another version is live than when it began."""
    table = Table.parse((event.details.get("table") if event else None) or live)
    return table if table.ref == live else Table(live)


def follows(job: Job, name: str) -> bool:
    """Whether a deployment runs that changes over with `live`."""
    running = job.desired != "stopped" and job.state in ("ready", "blocked", "paused")
    return running and job.kind in ("service", "stream") and job.spec.get("model") == f"{name}@{LIVE}"


def followers(store: Store, name: str) -> list[Job]:
    """The services and streams among all that runs which do, and share what they are asked between versions."""
    return [job for job in store.jobs(over=False) if follows(job, name)]


def number() -> int:
    """That of a table which differs from all before it."""
    return time.time_ns() // 1000


def step(plan: dict[str, Any]) -> float | None:
    """The share that comes next; None where there is none."""
    ahead: list[float] = plan["shares"][plan["step"] + 1 :]
    return ahead[0] if ahead else None
