"""The verb `alias`: a name for a version. `live` is no name like others: deployments follow it, and what `promote` asks
of a version is asked of it whoever moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..jobs.rollout import LIVE, follows
from . import promotion

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from .running import Running


def name(running: Running, registry: Registry, version: ModelVersion, alias: str) -> None:
    """Let the alias point to a version. `live`: see `go_live`."""
    if alias == LIVE:
        go_live(running, registry, version)
    else:
        registry.set_alias(version, alias)


def go_live(running: Running, registry: Registry, version: ModelVersion) -> ModelVersion:
    """Move `live` to a version, as `promote` does: all that follows changes over. NotProven, and UsageError where a
    deployment that follows cannot or must not answer with it; then `live` stays."""
    if not running.any:  # nothing has ever followed it
        promotion.check_proven(version)
        return registry.set_alias(version, LIVE)
    moved = promotion.promote(running, registry, version.ref)
    if moved.kept:
        why, _, fix = moved.kept.partition("\n→ ")
        raise UsageError(f"{version.ref} was not made {LIVE}: {why}", fix=fix or f"%workbench status {version.name}")
    return registry.resolve(version.ref)


def unname(running: Running, registry: Registry, version: ModelVersion, alias: str | None) -> None:
    """Take an alias away. UsageError where none is said, or deployments follow it."""
    if not alias:
        raise UsageError("--remove needs the alias to remove", fix=f"%workbench alias {version.name} ALIAS --remove")
    followers = [job.name for job in running.jobs() if follows(job, version.name)] if alias == LIVE else []
    if followers:
        what = f"{', '.join(followers)} {'follow' if followers[1:] else 'follows'} {version.name}@{LIVE}"
        raise UsageError(what, fix=f"%workbench promote {version.name}@N moves it, %workbench stop {followers[0]}")
    registry.remove_alias(version.name, alias)
