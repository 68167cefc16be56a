"""A run that is waited for -> how far it is, shown meanwhile; the run as it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data.progress import Progress
from ..errors import Interrupted

if TYPE_CHECKING:
    from ..jobs.record import Job
    from .running import Running


def ended(running: Running, job: Job, timeout: float | None = None) -> Job:
    """The run once it is over. Who cancels what is shown stops the run; Ctrl-C ends the waiting alone. Interrupted by
    both, JobFailed when the time is up."""
    cells = job.spec.get("what") == "notebook"
    with Progress(job.name, unit="cell" if cells else "row") as progress:
        try:
            return running.until(job.name, lambda now: now.over or _moved(progress, now.facts, cells=cells), timeout)
        except Interrupted:
            if progress.cancelled:
                running.store.desire(job.name, "stopped")
            raise


def _moved(progress: Progress, facts: dict[str, int], *, cells: bool) -> bool:
    """Show it; the run goes on."""
    done, total = ("cell", "cells") if cells else ("rows", "of")
    refused = 0 if cells else facts.get("rejects") or 0
    progress.reach((facts.get(done) or 0) + refused, facts.get(total) or 0)
    return False
