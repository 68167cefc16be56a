"""--engine: whether something runs on this machine or on a cluster, checked before anything starts."""

from __future__ import annotations

from typing import Any

from ..data import places
from ..engines import known
from ..errors import UsageError

SPARK = "spark"
HERE = "this machine, not for an engine"
"""What an option is for that no engine has."""
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


def refuse_what_spark_has_not(engine: str | None, **options: Any) -> None:
    """UsageError for an option that does nothing in a stream of Spark, whose batches and attempts are its own."""
    given = next((name for name, value in options.items() if value), None) if engine == SPARK else None
    if given:
        raise UsageError(f"--{given.replace('_', '-')} has no meaning with --engine spark", fix="leave it out")


def streamed(place: str, start: str, engine: str | None) -> tuple[str, str, str]:
    """What a stream reads, as it reads from every folder; what people call it; and the group that it names.
    UsageError for what is no queue, and for what its engine does not read, or not from there."""
    if engine == SPARK:
        from ..engines import spark_sources

        return spark_sources.place(place, start)
    if "://" not in place and not place.startswith("queue:"):
        raise UsageError(f"{place}: a stream reads a queue", fix="queue:NAME; files are for %batch, or --engine spark")
    at = places.parse(place)
    if not at.queued:
        raise UsageError(f"{at.label}: a stream reads a queue", fix="queue:NAME; files are for %batch")
    return places.absolute(place), at.label, at.options.get("group", "")
