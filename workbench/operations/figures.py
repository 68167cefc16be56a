"""What something that runs does now, in numbers, and those numbers in words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import WorkbenchError

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..jobs.record import Job

_LOOKED_AT = 64
_LONG_CALL = 10.0


def of_service(job: Job) -> dict[str, Any]:
    """Requests, of which some failed or were refused, and seconds at the median and at the 99th percentile, since it
    started; how many wait now, and for how many seconds the model has been in one call; and what was `lately`. Empty
    before that."""
    from ..monitoring.figures import read

    file = metrics(job)
    if not file.is_file():
        return {}
    seen = read(file)
    return {
        "requests": seen.requests,
        "failures": seen.failures - seen.refused,
        "refused": seen.refused,
        "rows": seen.rows,
        "p50": seen.p50,
        "p99": seen.p99,
        "waiting": seen.waiting,
        "in_flight": seen.in_flight,
        "calling": time.time() - seen.calling if seen.calling else 0.0,
        "lately": _lately(file),
    }


def of_stream(job: Job) -> str:
    """For how long it has been at one micro-batch, if that is long: `at one micro-batch for 14 min`."""
    from ..monitoring.figures import read

    file = metrics(job)
    began = read(file).calling if file.is_file() else 0.0
    long = time.time() - began if began else 0.0
    return f"at one micro-batch for {text.seconds(long)}" if long > _LONG_CALL else ""


def metrics(job: Job) -> Path:
    """The file that its processes count in."""
    return Path(str(job.facts.get("metrics", "")))


def _lately(file: Path) -> dict[str, Any]:
    """Requests a second, where their time went, and how busy its processes were, in the last minute; empty where nobody
    asked."""
    from ..monitoring.figures import lately

    seen = lately(file)
    if not seen.answered:
        return {}
    stages = {name: round(seconds, 9) for name, seconds in seen.stages().items()}
    return {"rate": seen.answered / seen.period, "p50": seen.p50, "stages": stages, "busy": seen.busy}


def split(whole: float, stages: dict[str, float]) -> str:
    """`p50 84 ms = queue 61 + decode 1 + model 21 + encode 1`."""
    parts = " + ".join(f"{name} {text.milliseconds(seconds)}" for name, seconds in stages.items())
    return f"p50 {text.milliseconds(whole)} ms = {parts}"


def words(seen: dict[str, Any]) -> str:
    """`1 204 requests · p50 0.80 ms · p99 2.1 ms · 3 failed · 12 refused · 5 wait · one call for 40 s`."""
    if not (seen.get("requests") or seen.get("waiting") or seen.get("calling", 0.0) > _LONG_CALL):
        return ""
    said = [text.count(seen["requests"], "request")]
    said += [f"{name} {text.milliseconds(seen[name])} ms" for name in ("p50", "p99") if seen.get(name)]
    counts = {"failures": "failed", "refused": "refused", "waiting": "wait"}
    said += [f"{text.count(seen[name])} {word}" for name, word in counts.items() if seen[name]]
    said += [f"the model has been in one call for {text.seconds(seen['calling'])}"] * (seen["calling"] > _LONG_CALL)
    return " · ".join(said)


def deaths(facts: dict[str, Any]) -> str:
    """`2 workers, the last 4.0 s ago: killed by SIGKILL`; nothing where none has ended by itself."""
    if not facts.get("deaths"):
        return ""
    ago = text.seconds(max(0.0, time.time() - facts["died_at"]))
    return f"{text.count(facts['deaths'], 'worker')}, the last {ago} ago: {facts['died_of']}"


def unlogged(facts: dict[str, Any]) -> str:
    """`12 requests that no disk took`; nothing where all are in the log."""
    from ..monitoring.spool import UNLOGGED

    count = sum(lost for name, lost in facts.items() if name.startswith(UNLOGGED))
    return f"{text.count(count, 'request')} that no disk took" if count else ""


def progress(facts: dict[str, Any], *, over: bool = False) -> str:
    """`cell 3 of 12`, `1 200 of 50 000 rows, 30/s, 40 s left`; of what is over, `50 000 rows`."""
    if "cells" in facts:
        return f"cell {facts.get('cell', 0)} of {facts['cells']}"
    if "rows" not in facts:
        return ""
    seen = facts["rows"] + (facts.get("rejects") or 0)
    speed = f", {text.count(round(facts['rate']))}/s" if facts.get("rate") else ""
    speed += f", {text.seconds(facts['seconds_left'])} left" if facts.get("seconds_left") else ""
    if over or seen == facts.get("of"):
        return text.count(facts["rows"], "row")
    if not facts.get("of"):
        return text.count(facts["rows"], "row") + speed
    rows = f"{text.count(seen)} of {text.count(facts['of'], 'row')}"
    return rows + speed


def moment(when: float | None, zone: str | None = None) -> str:
    """`2026-11-30 06:00`, in the zone."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    if when is None:
        return "never"
    return datetime.fromtimestamp(when, ZoneInfo(zone) if zone else None).strftime("%Y-%m-%d %H:%M")


def example_call(registry: Registry, ref: str, url: str, own_name: str, *, token: bool) -> str:
    """The line that asks a service about a row of the reference; about an empty record where none was kept."""
    from ..inference.schema import Schema
    from ..patterns.serving.looking.examples import call, example

    try:
        version = registry.resolve(ref)
        shown = example(Schema.from_json(version.manifest.schema), version.reference(_LOOKED_AT))
    except WorkbenchError:
        shown = {}
    return call(url, shown, own_name, token=token)
