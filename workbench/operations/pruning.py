"""prune: runs that are over and are not wanted any more, and environments that no version needs -> room on the disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..bundle import venvs

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from .running import Running


@dataclass(frozen=True)
class Pruned:
    """The runs that were removed, the newest first, the environments, and how many bytes all had; or with `dry_run`
    would be."""

    runs: tuple[str, ...]
    environments: tuple[str, ...]
    bytes: int
    dry_run: bool

    def __str__(self) -> str:
        parts = [text.count(len(part), noun) for part, noun in self._parts if part]
        if not parts:
            return "no run is that old"
        does = "would remove" if self.dry_run else "removed"
        lines = [f"{does} {' and '.join(parts)}, {text.size(self.bytes)}{self._span}"]
        return "\n".join([*lines, "  note  what was written with -o, and models that were made, stay"])

    __repr__ = __str__

    @property
    def _parts(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        return (self.runs, "run"), (self.environments, "environment")

    @property
    def _span(self) -> str:
        """Which runs they are."""
        ends = tuple(dict.fromkeys(self.runs[-1:] + self.runs[:1]))
        return f": {' to '.join(ends)}" if ends else ""

    def to_json(self) -> dict[str, Any]:
        about = {"runs": list(self.runs), "environments": list(self.environments)}
        return {**about, "bytes": self.bytes, "dry_run": self.dry_run}


def pruned(running: Running, registry: Registry, keep: str, *, dry_run: bool) -> Pruned:
    """Remove all but the last so many runs, or those of so long, and the environments that no version needs. UsageError
    for what is neither."""
    from ..jobs import keeping

    keeping.check(keep)
    jobs = keeping.beyond(running.store, keep, None) if running.any else []
    needless = _needless(running.home, registry)
    size = sum(map(_size, [*(running.store.folder_of(job.name) for job in jobs), *needless]))
    if not dry_run:
        for job in jobs:
            keeping.forget(running.store, job)
        for place in needless:
            shutil.rmtree(place, ignore_errors=True)
    names = sorted((job.name for job in jobs), key=lambda name: int(name.partition("/")[2]), reverse=True)
    return Pruned(tuple(names), tuple(place.name for place in needless), size, dry_run)


def _needless(home: Path, registry: Registry) -> list[Path]:
    """What no version of the registry can be answered in."""
    if not venvs.any_below(home):
        return []
    versions = [version for name in registry.names() for version in registry.versions(name) if version.readable]
    return venvs.needless(home, ((version.folder, version.manifest) for version in versions))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
