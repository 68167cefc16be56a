"""A run that is waited for -> how far it is, shown meanwhile; the run as it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.progress import Progress
from ..errors import Interrupted

if TYPE_CHECKING:
    from ..jobs.record import Job
    from .running import Running


def ended(running: Running, job: Job, timeout: float | None = None) -> Job:
    """The run once it is over. Who cancels what is shown stops the run; Ctrl-C ends the waiting alone. Interrupted by
    both, JobFailed when the time is up."""
    unit = {"notebook": "cell", "sweep": "point"}.get(job.spec.get("what", ""), "row")
    with Progress(job.name, unit=unit) as progress:
        try:
            return running.until(job.name, lambda now: now.over or _moved(progress, now.facts, unit), timeout)
        except Interrupted:
            if progress.cancelled:
                running.store.desire(job.name, "stopped")
            raise


def _moved(progress: Progress, facts: dict[str, Any], unit: str) -> bool:
    """Show it; the run goes on."""
    points = facts.get("points") or []
    done, of = {
        "cell": (facts.get("cell"), facts.get("cells")),
        "point": (sum(point["state"] in ("done", "failed") for point in points), len(points)),
        "row": ((facts.get("rows") or 0) + (facts.get("rejects") or 0), facts.get("of")),
    }[unit]
    progress.reach(done or 0, of or 0)
    return False
