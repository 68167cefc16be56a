"""A service -> its card: what it is asked a second, how quick and how well it answers."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from .. import text
from ..operations.figures import metrics
from . import charts
from .markup import button
from .traffic import RoutedCard

if TYPE_CHECKING:
    from ..monitoring.figures import Figures

_WINDOW = 10


class ServiceCard(RoutedCard):
    """A model that answers over HTTP."""

    def __init__(self, handle: Any) -> None:
        super().__init__(handle)
        self._seen: deque[tuple[float, Figures]] = deque(maxlen=_WINDOW)

    def goes_on(self, before: Any) -> None:
        super().goes_on(before)
        self._seen = before._seen

    def figures(self) -> str:
        file = metrics(self.handle.job)
        if self.handle.job.over or not file.is_file():
            return ""
        from ..monitoring.figures import read

        now, at = read(file), time.monotonic()
        if self._seen and now.requests < self._seen[-1][1].requests:  # it began anew
            self._seen.clear()
        if self._seen:
            self._add(at, now, *self._seen[-1])
        self._seen.append((at, now))
        return charts.figures(self._drawn(now))

    def _add(self, at: float, now: Figures, before_at: float, before: Figures) -> None:
        new, passed = now.since(before), max(1e-3, at - before_at)
        rates = {"rate": new.requests / passed, "errors": new.failures / passed}
        times = {"p50": new.p50, "p99": new.p99}
        self.trend.add(at, **rates, **times)

    def _drawn(self, now: Figures) -> list[str]:
        """What was seen lately; of times where nobody asked, since it started."""
        (first_at, first), (last_at, _) = self._seen[0], self._seen[-1]
        lately, passed = now.since(first), last_at - first_at
        rate = text.count(round(lately.requests / passed)) if passed else "–"
        times = lately if lately.answered else now
        return [
            charts.figure("requests/s", rate, "", self.trend.of("rate")),
            charts.figure("p50", _ms(times.p50), "ms", self.trend.of("p50")),
            charts.figure("p99", _ms(times.p99), "ms", self.trend.of("p99")),
            charts.figure("errors", text.count(now.failures), "", self.trend.of("errors"), wrong=bool(lately.failures)),
        ]

    def buttons(self) -> list[str]:
        if self.handle.state != "ready":
            return super().buttons()
        coming = self.rollout()
        opens = button("Open", "open", kind="" if coming else "main")
        return [opens, *coming, button("Restart", "restart"), *super().buttons()]


def _ms(seconds: float | None) -> str:
    return text.milliseconds(seconds) if seconds else "–"
