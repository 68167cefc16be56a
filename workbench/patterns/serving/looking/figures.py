"""The figures of a deployment -> the few that its page draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....monitoring.metrics import BOUNDS

if TYPE_CHECKING:
    from ....monitoring.figures import Figures


def shown(seen: Figures, versions: Mapping[int, Figures]) -> dict[str, Any]:
    """What was counted since the start, of all its workers, and where several `versions` have answered, of each since
    it does; `times` are pairs of milliseconds and how many answered requests took at most so long, of which the page
    makes the quantiles of the last seconds."""
    answered = [(version, one) for version, one in versions.items() if one.requests]
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
        "versions": [_of_version(*one) for one in answered] if len(answered) > 1 else [],
    }


def _of_version(version: int, seen: Figures) -> dict[str, Any]:
    times = {"p50": _milliseconds(seen.p50), "p99": _milliseconds(seen.p99)}
    return {"version": version, "requests": seen.requests, "errors": seen.failures, **times}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 4)
