"""A version, a model or what was stopped -> gone, unless something still needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import text
from ..errors import UsageError
from . import steering

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from .running import Running


def remove(running: Running, registry: Registry, thing: str, *, all: bool, dry_run: bool) -> tuple[str, ...]:
    """The names of what was removed, or with `dry_run` would be. UsageError where one of several versions is meant."""
    if "/" in thing or thing in running.names_to_look_at(registry.names()):
        return (steering.remove(running, thing, dry_run=dry_run),)
    versions = _versions(registry, thing, all)
    for version in versions:
        registry.check_removable(version)
        steering.check_unused(running, version.ref)
    for version in versions if not dry_run else ():
        registry.remove(version)
    return tuple(v.ref for v in versions)


def _versions(registry: Registry, thing: str, all: bool) -> list[ModelVersion]:
    name, at, _ = thing.partition("@")
    versions = registry.versions(name)
    if at and all:
        raise UsageError(f"{thing} is one version", fix=f"name the model, {name}, or leave --all out")
    if at or len(versions) == 1:
        return [registry.resolve(thing)]
    if not all:
        raise UsageError(
            f"{name} has {text.count(len(versions), 'version')}",
            fix=f"name one, {versions[0].ref}, or remove them all with --all",
        )
    return versions
