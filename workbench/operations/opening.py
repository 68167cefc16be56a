"""What has a page -> a browser that is let in, or a link that lets one in for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import tickets
from ..errors import JobFailed, UsageError
from ..moments import seconds
from .app import App
from .kinds import Service, handle

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..jobs.record import Job
    from .running import Running


@dataclass(frozen=True)
class Opened:
    """The page of what runs, by a link that lets a browser in during the next two minutes."""

    name: str
    link: str

    def __str__(self) -> str:
        until = " (holds for two minutes)" if "ticket=" in self.link else ""
        return f"{self.name} → {self.link}{until}"

    __repr__ = __str__

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "link": self.link}


def opened(running: Running, registry: Registry, name: str) -> Opened:
    """A link to the page of a service or an app. UsageError for what has none, JobFailed where it does not run."""
    found = handle(running, registry, running.job(name))
    if not isinstance(found, (Service, App)):
        raise UsageError(f"{found.name} has no page", fix=f"%workbench status {found.name}")
    if found.state != "ready":
        raise JobFailed(f"{found.name} is {found.state}", fix=f"%workbench start {found.name}")
    return Opened(found.name, _link(running, found.job, tickets.opening(time.time())))


def ends(lasts: str, *, token: bool) -> float:
    """When a guest's link ends that is made now, in seconds since 1970. UsageError for no span of time, and where
    everybody is let in anyway."""
    if not token:
        raise UsageError("--no-token lets everybody in, guests too", fix="leave --guest or --no-token out")
    return time.time() + seconds(lasts)


def invited(app: Any, until: float) -> Any:
    """The same app, with a link that lets a guest in until then."""
    link = _link(app.running, app.job, tickets.guest(until))
    return replace(app, remark=f"{link} lets in whoever has it, until {datetime.fromtimestamp(until):%d %b %H:%M}")


def _link(running: Running, job: Job, ticket: tickets.Ticket) -> str:
    from ..jobs import own_token

    url = str(job.facts.get("url", ""))
    if not job.spec["token"]:
        return f"{url}/"
    return f"{url}/?ticket={ticket.signed(own_token.read(running.store.job_folder(job.name), job.name))}"
