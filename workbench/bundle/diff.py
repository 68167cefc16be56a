"""Two versions -> what differs: source, schema, packages, data, and predictions on the reference."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import text
from ..errors import WorkbenchError
from .equal import difference
from .layout import MODEL, STATE, Manifest
from .version import ModelVersion

if TYPE_CHECKING:
    from ..inference.fields import Table


@dataclass(frozen=True)
class Diff:
    """What differs between version `a` and version `b`; each part is empty where they agree.

    `source` is a unified diff; `schema`, `packages` and `state` have a line per difference; `predictions` says
    how the answers of both to the reference of `b` compare.
    """

    a: str
    b: str
    source: str
    schema: tuple[str, ...]
    packages: tuple[str, ...]
    state: tuple[str, ...]
    predictions: tuple[str, ...]

    def __str__(self) -> str:
        parts = [
            f"{self.a} → {self.b}",
            _part("source", self.source.splitlines()),
            _part("schema", self.schema),
            _part("packages", self.packages),
            _part("state", self.state),
            _part("predictions", self.predictions),
        ]
        return "\n".join(part for part in parts if part)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "source": self.source,
            **{name: list(getattr(self, name)) for name in ("schema", "packages", "state", "predictions")},
        }


def _part(title: str, lines: list[str] | tuple[str, ...]) -> str:
    return "\n".join([f"  {title}", *(f"    {line}" for line in lines)]) if lines else f"  {title} the same"


def diff(a: ModelVersion, b: ModelVersion, home: Path | None = None) -> Diff:
    """Compare version `b` with version `a`; both answer the reference that `b` keeps, else that of `a`. Proofs lie
    below `home` (WORKBENCH_HOME)."""
    return Diff(
        a.ref,
        b.ref,
        _source(a, b),
        schema_changes(a.manifest, b.manifest),
        _changes(a.manifest.packages, b.manifest.packages),
        _changes(_states(a.manifest), _states(b.manifest), named=False),
        _predictions(a, b, home),
    )


def _source(a: ModelVersion, b: ModelVersion) -> str:
    """The differences of model.py, then of the local modules."""
    old, new = a.sources(), b.sources()
    parts: list[str] = []
    for path in sorted(old.keys() | new.keys(), key=lambda path: (path != MODEL, path)):
        was, now = old.get(path, "").splitlines(), new.get(path, "").splitlines()
        parts += difflib.unified_diff(was, now, f"{a.ref} {path}", f"{b.ref} {path}", lineterm="", n=2)
    return "\n".join(parts)


def schema_changes(a: Manifest, b: Manifest) -> tuple[str, ...]:
    """A line for each column that `b` takes or gives otherwise than `a`."""
    lines: list[str] = []
    if a.schema["kind"] != b.schema["kind"]:
        lines.append(f"takes {b.schema['kind']}, took {a.schema['kind']}")
    for title, old, new in (("input", a.schema, b.schema), ("output", a.outputs, b.outputs)):
        lines += (f"{title} {line}" for line in _changes(_dtypes(old), _dtypes(new)))
    return tuple(lines)


def _dtypes(schema: dict[str, Any]) -> dict[str, str]:
    return {f["name"]: f["dtype"] for f in schema["fields"]}


def _states(manifest: Manifest) -> dict[str, str]:
    return {path: digest for path, digest in manifest.files.items() if path.startswith(f"{STATE}/")}


def _changes(old: dict[str, str], new: dict[str, str], *, named: bool = True) -> tuple[str, ...]:
    """A line for each key that is gone, new or has another value (shown if `named`)."""
    lines = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before is None:
            lines.append(f"+ {key} {after}" if named else f"+ {key}")
        elif after is None:
            lines.append(f"- {key} {before}" if named else f"- {key}")
        elif before != after:
            lines.append(f"{key} {before} → {after}" if named else f"{key} changed")
    return tuple(lines)


def _predictions(a: ModelVersion, b: ModelVersion, home: Path | None) -> tuple[str, ...]:
    keeper = next((v for v in (b, a) if v.manifest.has_reference), None)
    if keeper is None:
        return ("not compared: neither version keeps a reference",)
    try:
        reference = keeper.reference()
        old, new = a.predictor(home).predict(reference), b.predictor(home).predict(reference)
    except WorkbenchError as error:
        return (f"not compared: {error.what}",)
    rows = len(next(iter(new.values()), ()))
    if not difference(old, new, exact=True):
        return (f"equal on {text.count(rows, 'reference row')}, bit for bit",)
    lines = [_column(name, old[name], new[name]) for name in new if name in old]
    return (*_changes(_kinds(old), _kinds(new)), *lines)


def _kinds(table: Table) -> dict[str, str]:
    return {name: str(values.dtype) for name, values in table.items()}


def _column(name: str, old: Any, new: Any) -> str:
    rows = len(new)
    if all(np.issubdtype(np.asarray(v).dtype, np.number) for v in (old, new)):
        gap = np.abs(np.asarray(new, float) - np.asarray(old, float))
        return (
            f"{name}: mean {np.nanmean(old):.4g} → {np.nanmean(new):.4g}, "
            f"differs in {text.count(int((gap > 0).sum()))} of {text.count(rows, 'reference row')}, "
            f"by {np.nanmedian(gap):.3g} in the median and {np.nanmax(gap):.3g} at most"
        )
    changed = int(sum(x != y for x, y in zip(old, new, strict=True)))
    return f"{name}: differs in {text.count(changed)} of {text.count(rows, 'reference row')}"
