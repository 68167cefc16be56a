"""A version in the registry, and the card that says what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths, text
from ..errors import BundleRefused, NotFound
from ..specs.verbs import verb as find_verb
from .layout import CODE, MODEL, REFERENCE, Json, Manifest, check_files, damaged, read_manifest

if TYPE_CHECKING:
    from ..inference.predictor import Predictor

FEW_ROWS = 100
HEAVY = 200_000_000
_OURS = ("numpy", "pandas", "pyarrow")
_NEXT = {
    "predict": "%predict {} FILE -o OUTPUT",
    "batch": "%batch {} FILES -o FOLDER",
    "serve": "%serve {}",
    "stream": "%stream {} QUEUE -o TABLE",
}


@dataclass(frozen=True, repr=False)
class ModelVersion:
    """One version of a model: `churn@3`. `unchanged` says that a capture found it there already, `newest` then
    which version bare `churn` means, `page` how the notebook's page differs now."""

    name: str
    version: int
    folder: Path
    aliases: tuple[str, ...] = ()
    unchanged: bool = False
    newest: int = 0
    page: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"

    @cached_property
    def manifest(self) -> Manifest:
        """What the bundle says of itself; read once. BundleRefused if it is damaged."""
        return read_manifest(self.folder, self.ref)

    @property
    def readable(self) -> bool:
        """Whether its manifest can be read."""
        try:
            return bool(self.manifest)
        except BundleRefused:
            return False

    @property
    def whole(self) -> bool:
        """Whether every file is the one that was captured; reads them all."""
        try:
            check_files(self.folder, self.manifest, self.ref)
        except BundleRefused:
            return False
        return True

    @property
    def note(self) -> str:
        return str(self.manifest.origin.get("note") or "")

    @property
    def proven(self) -> bool:
        return self.manifest.verdict is not None

    def predictor(self, home: Path | None = None, *, own: bool = False, apart: bool = False) -> Predictor:
        """The loaded bundle. BundleRefused if it was changed or needs another Python or other packages than it was
        captured with, or proven under by a verify that kept its proof below `home` (WORKBENCH_HOME). Where it may have
        an environment of its `own` it answers from a process there instead, and with `apart` from one of this
        environment, which its rows may end."""
        if own:
            from .own import Own, differs

            if differs(self.manifest):
                return Own(self, home or paths.home())
        if apart:
            from .apart import Apart

            return Apart(self, home or paths.home())
        from .load import load

        return load(self.folder, name=self.ref, home=home)

    def sources(self) -> dict[str, str]:
        """The captured text by file: `model.py` first, then the local modules that came along."""
        own = f"{CODE}/{self.manifest.package}/"
        paths = [
            p for p in self.manifest.files if p.startswith(own) and not p.startswith((f"{own}_wb/", f"{own}__init__"))
        ]
        files = {MODEL: MODEL, **{path.removeprefix(own): path for path in sorted(paths)}}
        return {name: (self.folder / path).read_text(encoding="utf-8") for name, path in files.items()}

    def reference(self, rows: int | None = None) -> dict[str, Any]:
        """The rows that were kept as reference, a table of up to 10 000; or the first `rows` of them."""
        from .tables import read_table

        if not self.manifest.has_reference:
            raise NotFound(
                f"{self.ref} keeps no rows: it was captured with --no-reference", fix="capture it without that option"
            )
        if not (self.folder / REFERENCE).exists():
            raise damaged(f"{self.ref} is damaged: its file {REFERENCE} is missing", self.folder)
        return read_table(self.folder / REFERENCE, self.manifest.schema, rows)

    def as_unchanged(self, newest: int, page: tuple[str, ...] = ()) -> ModelVersion:
        return replace(self, unchanged=True, newest=newest, page=page)

    def to_json(self) -> Json:
        known: Json = {"name": self.name, "version": self.version, "aliases": list(self.aliases)}
        if not self.readable:
            return {**known, "damaged": True}
        kept = ("entry", "row_wise", "bit_stable", "verdict", "python", "packages", "origin", "fingerprint")
        fields = {key: value for key, value in self.manifest.to_json().items() if key in kept}
        return {**known, **fields}

    def __str__(self) -> str:
        return card(self) if self.readable else f"{self.ref} ✗ damaged: its manifest cannot be read"

    __repr__ = __str__


def card(version: ModelVersion) -> str:
    """What a version is, what was taken, and what can be done next: three lines, more where something must be said."""
    manifest = version.manifest
    if version.unchanged:
        lines = [f"{version.ref} unchanged · {proof(manifest)}"]
    else:
        lines = [f"{version.ref} {'✓ ' if version.proven else ''}{proof(manifest)}", f"  took  {_took(manifest)}"]
    lines += [f"  {line}" for line in _remarks(version)]
    older = version.newest > version.version
    lines.append(f"  next  {' · '.join(_next(version.ref if older else version.name))}")
    return "\n".join(lines)


def proof(manifest: Manifest) -> str:
    """What was proven of a version, in words."""
    if not (verdict := manifest.verdict):
        return "not proven"
    equal = "bit for bit" if verdict["exact"] and manifest.bit_stable else "within the tolerance"
    stable = [] if manifest.bit_stable else ["not bit-stable"]
    facts = ", ".join([text.count(verdict["rows"], "row"), equal, *stable, text.seconds(verdict["seconds"])])
    said = " (as you say)" if verdict.get("row_wise_by") == "user" else ""
    row_wise = f"{'row-wise' if manifest.row_wise else 'not row-wise'}{said}"
    return f"a clean process answers what this cell answered ({facts}) · {row_wise}"


def _took(manifest: Manifest) -> str:
    things = [*_sources(manifest.taken), *_states(manifest.taken)]
    packages = [f"{name} {version}" for name, version in manifest.packages.items() if name not in _OURS]
    return " · ".join(filter(None, [", ".join(things), ", ".join(packages)]))


def _sources(taken: list[Json]) -> Iterator[str]:
    """`predict, prepare (In[4])`: functions and classes by the cell that they stand in, then local modules."""
    cells: dict[str, list[str]] = {}
    for thing in taken:
        if thing["kind"] in ("function", "class"):
            cells.setdefault(thing.get("cell") or "", []).append(thing["name"])
    for cell, names in cells.items():
        yield ", ".join(names) + (f" ({cell})" if cell else "")
    yield from (thing["name"] for thing in taken if thing["kind"] == "module")


def _states(taken: list[Json]) -> Iterator[str]:
    for thing in taken:
        if thing["kind"] in ("state", "file"):
            yield " ".join(filter(None, [thing["name"], _detail(thing), text.size(thing.get("n_bytes") or 0)]))


def _detail(thing: Json) -> str:
    return str(thing.get("detail") or "") if thing["kind"] == "state" else ""


def _remarks(version: ModelVersion) -> Iterator[str]:
    manifest = version.manifest
    verdict = manifest.verdict or {}
    if learned := manifest.origin.get("learned"):
        examples = text.count(learned["examples"], "example")
        yield f"after {examples} of {learned['queue']}, learned since {learned['begun']}"
    rows = verdict.get("rows", FEW_ROWS)
    if rows < FEW_ROWS:
        yield f"rows  {text.count(rows, 'row')}: too few to judge drift, ranges and forms by ({FEW_ROWS} would do)"
    if not manifest.row_wise and (reason := verdict.get("row_wise_reason")):
        yield f"rows  {reason}"
    for line in version.page if version.unchanged else manifest.origin.get("page", ()):
        yield f"page  {line}"
    if around := [thing["name"] for thing in manifest.taken if thing["kind"] == "setting"]:
        yield f"around it  {', '.join(around)}, while it answers"
    if manifest.environment:
        yield f"needs {', '.join(manifest.environment)} where it predicts: kept by name, never by value"
    if manifest.outside:
        yield f"reads {', '.join(manifest.outside)}: no part of the version, what it is where it predicts counts"
    yield from heavy({thing["name"]: thing.get("n_bytes") or 0 for thing in manifest.taken})
    if version.newest > version.version:
        yield f"newer {version.name}@{version.newest} is the newest, which bare {version.name} means"
    if version.aliases:
        yield f"also  {', '.join(f'{version.name}@{alias}' for alias in version.aliases)}"


def heavy(weights: Mapping[str, int]) -> Iterator[str]:
    """A line that says what weighs how many bytes, where all together weighs a lot."""
    total = sum(weights.values())
    if total >= HEAVY:
        first = sorted(weights.items(), key=lambda item: -item[1])[:3]
        shown = ", ".join(f"{name} {text.size(n_bytes)}" for name, n_bytes in first if n_bytes >= total / 100)
        yield f"heavy {text.size(total)} in all: {shown}"


def _next(name: str) -> Iterator[str]:
    for verb, line in _NEXT.items():
        if find_verb(verb):
            yield line.format(name)
