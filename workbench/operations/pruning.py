"""prune: runs that are over and are not wanted any more -> room on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text

if TYPE_CHECKING:
    from .running import Running


@dataclass(frozen=True)
class Pruned:
    """The runs that were removed, the newest first, and how many bytes they had; or with `dry_run` would be."""

    runs: tuple[str, ...]
    bytes: int
    dry_run: bool

    def __str__(self) -> str:
        if not self.runs:
            return "no run is that old"
        does = "would remove" if self.dry_run else "removed"
        span = self.runs[0] if len(self.runs) == 1 else f"{self.runs[-1]} to {self.runs[0]}"
        lines = [f"{does} {text.count(len(self.runs), 'run')}, {text.size(self.bytes)}: {span}"]
        return "\n".join([*lines, "  note  what was written with -o, and models that were made, stay"])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"runs": list(self.runs), "bytes": self.bytes, "dry_run": self.dry_run}


def pruned(running: Running, keep: str, *, dry_run: bool) -> Pruned:
    """Remove all but the last so many runs, or those of so long. UsageError for what is neither."""
    from ..jobs import keeping

    keeping.check(keep)
    jobs = keeping.beyond(running.store, keep, None) if running.any else []
    size = sum(_size(running.store.folder_of(job.name)) for job in jobs)
    for job in jobs if not dry_run else ():
        keeping.forget(running.store, job)
    names = sorted((job.name for job in jobs), key=lambda name: int(name.partition("/")[2]), reverse=True)
    return Pruned(tuple(names), size, dry_run)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
