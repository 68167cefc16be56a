"""What the looking verbs answer: lists and texts that read well in a terminal and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import text

if TYPE_CHECKING:
    from .bundle.version import ModelVersion
    from .operations.kinds import Handles


class ModelList(list["ModelVersion"]):
    """Versions: the newest of each model, or all of one (`name`)."""

    def __init__(self, versions: list[ModelVersion], name: str | None = None) -> None:
        super().__init__(versions)
        self.name = name

    def __str__(self) -> str:
        if not self:
            return "no models yet → %%model NAME --example FRAME captures the model of a cell"
        return text.table(("model", "proven", "from", "aliases", "note"), [_row(v) for v in self])

    __repr__ = __str__

    def to_json(self) -> list[dict[str, Any]]:
        return [version.to_json() for version in self]


def _row(version: ModelVersion) -> tuple[str, ...]:
    if not version.readable:
        return version.ref, "✗ damaged", "", ", ".join(version.aliases), ""
    origin, verdict = version.manifest.origin, version.manifest.verdict
    proven = f"✓ {text.count(verdict['rows'], 'row')}" if verdict else "✗"
    notebook = (origin.get("notebook") or "").rpartition("/")[2]
    place = " ".join(part for part in (origin.get("cell"), notebook) if part)
    when = str(origin.get("created", ""))[:16].replace("T", " ")
    return version.ref, proven, f"{when} {place}".strip(), ", ".join(version.aliases), origin.get("note") or ""


class Source(str):
    """The text of a version's `model.py`, then of the local modules that came along; `ref` is the version."""

    ref: str

    @classmethod
    def of(cls, version: ModelVersion) -> Source:
        model, *modules = version.sources().items()
        source = cls("\n\n".join([model[1], *(f"# {path}\n\n{text}" for path, text in modules if text.strip())]))
        source.ref = version.ref
        return source

    def __repr__(self) -> str:
        return str(self)

    def to_json(self) -> dict[str, str]:
        return {"model": self.ref, "source": str(self)}


@dataclass(frozen=True)
class Aliases:
    """The aliases of a model and the versions that they point to."""

    name: str
    aliases: dict[str, int]

    def __str__(self) -> str:
        lines = [f"{self.name}@{alias} → {self.name}@{number}" for alias, number in self.aliases.items()]
        return "\n".join(lines) or f"{self.name} has no aliases"

    __repr__ = __str__

    def to_json(self) -> dict[str, int]:
        return self.aliases


@dataclass(frozen=True)
class Removed:
    """The versions that were removed, or with `dry_run` would be."""

    versions: tuple[str, ...]
    dry_run: bool

    def __str__(self) -> str:
        return f"{'would remove' if self.dry_run else 'removed'} {', '.join(self.versions)}"

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"removed": list(self.versions), "dry_run": self.dry_run}


@dataclass(frozen=True)
class Status:
    """Where state lives, the models, what runs, and what starts runs; `note` where nobody sees to it."""

    home: str
    registry: str
    models: ModelList
    running: Handles
    schedules: Handles
    note: str = ""

    def __str__(self) -> str:
        folder = f"state in {self.home}"
        if not self.registry.startswith(self.home):
            folder += f" · models in {self.registry}"
        parts = (str(self.models), str(self.running), str(self.schedules), self.note, folder)
        return "\n\n".join(filter(None, parts))

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {
            "home": self.home,
            "registry": self.registry,
            "models": self.models.to_json(),
            "running": self.running.to_json(),
            "schedules": self.schedules.to_json(),
        }


@dataclass(frozen=True)
class Overview:
    """How much there is below `home`, by what it is and in which state; its card lets one look at all of it."""

    home: Path
    counts: dict[str, dict[str, int]]

    def __str__(self) -> str:
        rows = [(kind, text.count(sum(of.values())), _states(of)) for kind, of in self.counts.items()]
        return f"{text.table(('', '', ''), rows).lstrip()}\n\nstate in {self.home} · a notebook shows all of it"

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"home": str(self.home), **self.counts}


def _states(counts: dict[str, int]) -> str:
    return ", ".join(f"{text.count(number)} {state}" for state, number in counts.items() if state)
