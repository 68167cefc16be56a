"""What is asked of how a model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .home import Home

if TYPE_CHECKING:
    from ..monitoring.drift import Drift
    from ..monitoring.quality import Quality


class Operating(Home):
    """What is asked of how a model does."""

    def drift(
        self,
        name: str,
        input: Any = None,
        *,
        since: str | None = None,
        against: Any = None,
        threshold: float | None = None,
        alarms: float | None = None,
        notify: str | None = None,
    ) -> Drift:
        """Whether what a model is asked, and answers, still looks like its reference."""
        from ..operations.drifting import found

        options = {"against": against, "since": since, "threshold": threshold, "alarms": alarms, "notified": notify}
        return found(self.running, self.registry, name, input, **options)

    def feedback(
        self,
        name: str,
        input: Any = None,
        *,
        outcome: str | None = None,
        key: str | None = None,
        answer: str | None = None,
        every: str | None = None,
        metric: Any = None,
    ) -> Quality:
        """True outcomes of what a service answered, taken in; how good each version is."""
        from ..operations.feedback import feedback

        options = {"outcome": outcome, "key": key, "answer": answer, "every": every, "metric": metric}
        return feedback(self.running, self.registry, name, input, **options)
