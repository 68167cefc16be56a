"""How often a version that is a shadow has answered as the live one did: what a gate may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..jobs import rollout
from ..monitoring.metrics import OUTCOMES
from ..monitoring.verdict import seen
from ..routing.table import Table

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from .running import Running

SHADOW = "shadow"
"""What a condition calls it."""


def share(running: Running, version: ModelVersion) -> tuple[float, int]:
    """The share of the copies that it was asked which it answered alike, NaN before any, and how many these are.
    UsageError for a version that is no shadow now."""
    event = rollout.last(running.store, version.name) if running.any else None
    table = Table.parse((event.details.get("table") if event else None) or "@")
    if not table.shadow or table.beside != version.ref:
        fix = f"%workbench promote {version.ref} --shadow, and then --if 'shadow >= 0.99'"
        raise UsageError(f"{version.ref} is no shadow: nothing is known of its answers to what is asked", fix=fix)
    files = [Path(job.facts.get("metrics", "")) for job in rollout.followers(running.store, version.name)]
    counts = dict(zip(OUTCOMES, seen(files, table.number, version.version).outcomes, strict=True))
    compared = counts["equal"] + counts["different"] + counts["failing"]
    return (counts["equal"] / compared if compared else float("nan")), int(compared)
