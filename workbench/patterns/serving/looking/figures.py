"""The figures of a deployment -> the few that its page draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....monitoring.metrics import BOUNDS

if TYPE_CHECKING:
    from ....monitoring.figures import Figures


def shown(seen: Figures) -> dict[str, Any]:
    """What was counted since the start, of all its workers; `times` are pairs of milliseconds and how many answered
    requests took at most so long, of which the page makes the quantiles of the last seconds."""
    bounds = [round(1000 * bound, 4) for bound in BOUNDS]
    times = enumerate(map(int, seen.times("answered")))
    return {
        "requests": seen.requests,
        "errors": seen.failures,
        "rows": seen.rows,
        "calls": seen.calls,
        "waiting": seen.waiting,
        "p50": _milliseconds(seen.p50),
        "p99": _milliseconds(seen.p99),
        "times": [[bounds[min(place, len(bounds) - 1)], count] for place, count in times if count],
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 4)
