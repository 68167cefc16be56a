"""What every handle on something that runs has: its name and state, a card, and how to steer it from Python."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .. import text
from .running import not_done

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from .running import Running

_MARK = {"ready": "✓ ", "done": "✓ ", "failed": "✗ "}


@dataclass(frozen=True)
class Planned:
    """What would be started, or stopped, with `--dry-run`."""

    name: str
    options: str = ""
    does: str = "start"

    def __str__(self) -> str:
        return f"would {self.does} {self.name}" + (f"\n  with  {self.options}" if self.options else "")

    __repr__ = __str__

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "does": self.does, "options": self.options}


@dataclass(frozen=True, repr=False)
class Handle:
    """One thing that runs, as it was when it was looked at; `refresh` looks again.

    `said` is what the verb that gave it changed, `remark` what a person must know beside it.
    """

    running: Running = field(repr=False)
    registry: Registry = field(repr=False)
    job: Any
    said: str = ""
    remark: str = ""

    @property
    def name(self) -> str:
        """`service/churn`."""
        return str(self.job.name)

    @property
    def state(self) -> str:
        """`starting, ready, blocked, paused, stopping, stopped, failed` or `done`."""
        return str(self.job.state)

    @property
    def facts(self) -> dict[str, Any]:
        """What its process said of itself last."""
        return dict(self.job.facts)

    def refresh(self) -> Handle:
        """The same thing as it is now."""
        from .kinds import handle

        again: Handle = handle(self.running, self.registry, self.running.store.get(self.name))
        return again

    def stop(self) -> Handle:
        """End it; what it began is finished first."""
        from .steering import stop

        stopped: Handle = stop(self.running, self.registry, self.name)
        return stopped

    def wait(self, timeout: float | None = None) -> Handle:
        """Until it has ended, or is ready. JobFailed where it fails."""
        from .steering import wait

        waited: Handle = wait(self.running, self.registry, self.name, timeout)
        return waited

    def until(self, true: Callable[[dict[str, Any]], bool], timeout: float = 60.0) -> Handle:
        """Until `true` says so of the facts that its process reports. JobFailed when the time is up, and where it fails
        before."""
        job = self.running.until(self.name, lambda job: true(job.facts) or job.state == "failed", timeout)
        if not true(job.facts):
            raise not_done(job)
        return replace(self, job=job, said="", remark="")

    def logs(self, lines: int = 50) -> str:
        """The last lines that it wrote."""
        from ..jobs.logs import tail

        return "\n".join(tail(self.running.store.job_folder(self.name), lines))

    def card(self) -> str:
        """Its text without what a card shows better."""
        return str(self)

    def __str__(self) -> str:
        return "\n".join([self._headline(), *(f"  {label:<5} {line}" for label, line in self._lines() if line)])

    __repr__ = __str__

    def _headline(self) -> str:
        since = "" if self.state in ("ready", "done") else f" {text.seconds(max(0.0, time.time() - self.job.since))}"
        doing = str(self.facts.get("stage") or "") if self.state == "starting" else ""
        parts = [f"{_MARK.get(self.state, '')}{self.state}{since}", doing, *self._brief(), *filter(None, [self.said])]
        reason = self.job.reason.strip().replace("\n", "\n         ")
        return f"{self.name} {' · '.join(filter(None, parts))}" + (f"\n  why   {reason}" if reason else "")

    def _brief(self) -> list[str]:
        return []

    def _lines(self) -> list[tuple[str, str]]:
        return []

    def _version(self) -> str:
        """`churn@3, follows live`; before the first is loaded `follows live` alone."""
        follows = "follows live" if str(self.job.spec.get("model", "")).endswith("@live") else "pinned"
        return ", ".join(filter(None, [self.facts.get("version"), follows]))

    def _newer(self) -> str:
        """That there is a version which this does not use."""
        name, _, number = str(self.facts.get("version", "")).partition("@")
        newest = max((v.version for v in self.registry.versions(name)), default=0) if number else 0
        if newest <= int(number or 0):
            return ""
        return f"{name}@{newest} is newer, not live → %workbench promote {name}@{newest}"

    def _next(self, *meanwhile: str) -> str:
        """The lines to go on with, by its state; `meanwhile` are those of a deployment that runs."""
        logs, start = f"%workbench logs {self.name}", f"%workbench start {self.name}"
        if self.state == "stopped":
            return f"{start} · %workbench remove {self.name}"
        steps = (logs, start) if self.state == "failed" else (*meanwhile, logs, f"%workbench stop {self.name}")
        return " · ".join(steps)

    def to_json(self) -> dict[str, Any]:
        job = self.job
        return {
            "name": job.name,
            "state": job.state,
            "reason": job.reason,
            "since": job.since,
            "spec": job.spec,
            "facts": job.facts,
            **self._figures(),
        }

    def _figures(self) -> dict[str, Any]:
        return {}
