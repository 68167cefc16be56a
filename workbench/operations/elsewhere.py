"""--engine: whether something runs on this machine or on a cluster, checked before anything starts."""

from __future__ import annotations

from typing import Any

from ..engines import known
from ..errors import UsageError

AT_ONCE = 64
"""The points of a sweep that a cluster is given at a time; those that find no processor wait there."""


def far(engine: str | None) -> bool:
    """Whether it does not run on this machine."""
    return engine not in (None, known.LOCAL)


def on(engine: str | None, pattern: str) -> dict[str, Any]:
    """What a spec says of its engine; nothing for this machine. UsageError."""
    if not far(engine):
        return {}
    known.check(str(engine), pattern)
    return {"engine": engine}


def replicas(least: int, most: int | None) -> dict[str, Any]:
    """What a spec says of how many they may become. UsageError for fewer than there are."""
    if most is None:
        return {}
    if most < least:
        raise UsageError(f"--max-workers {most} is fewer than --workers {least}", fix=f"--max-workers {least} or more")
    return {"max_workers": most}
