"""What something that runs does now, in numbers, and those numbers in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import WorkbenchError

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..jobs.record import Job


def of_service(job: Job) -> dict[str, Any]:
    """Requests, failures, seconds at the median and at the 99th percentile since it started; empty before that."""
    from ..monitoring.metrics import read

    file = Path(str(job.facts.get("metrics", "")))
    if not file.is_file():
        return {}
    seen = read(file)
    return {"requests": seen.requests, "failures": seen.failures, "rows": seen.rows, "p50": seen.p50, "p99": seen.p99}


def words(seen: dict[str, Any]) -> str:
    """`1 204 requests · p50 0.8 ms · p99 2.1 ms · 3 failed`."""
    if not seen.get("requests"):
        return ""
    times = [f"{name} {1000 * seen[name]:.2g} ms" for name in ("p50", "p99") if seen.get(name)]
    failures = [f"{text.count(seen['failures'])} failed"] if seen["failures"] else []
    return " · ".join([text.count(seen["requests"], "request"), *times, *failures])


def progress(facts: dict[str, Any], *, over: bool = False) -> str:
    """`cell 3 of 12`, `1 200 of 50 000 rows, 40 s left`; of what is over, `50 000 rows`."""
    if "cells" in facts:
        return f"cell {facts.get('cell', 0)} of {facts['cells']}"
    if "rows" not in facts:
        return ""
    seen = facts["rows"] + (facts.get("rejects") or 0)
    if over or not facts.get("of") or seen == facts["of"]:
        return text.count(facts["rows"], "row")
    rows = f"{text.count(seen)} of {text.count(facts['of'], 'row')}"
    return rows + (f", {text.seconds(facts['seconds_left'])} left" if facts.get("seconds_left") else "")


def moment(when: float | None, zone: str | None = None) -> str:
    """`2026-11-30 06:00`, in the zone."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    if when is None:
        return "never"
    return datetime.fromtimestamp(when, ZoneInfo(zone) if zone else None).strftime("%Y-%m-%d %H:%M")


def example_record(registry: Registry, ref: str) -> Any:
    """One row of the reference as a client sends it; an empty record where none was kept."""
    from ..inference.schema import Schema
    from ..patterns.serving.examples import records

    try:
        version = registry.resolve(ref)
        schema = Schema.from_json(version.manifest.schema)
        found = records(schema, version.reference(1), 1)
        return found if schema.kind == "array" else found[0]
    except WorkbenchError:
        return {}
