"""Two versions -> what differs: source, modules, schema, requirements, state, predictions on the reference."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import WorkbenchError
from . import diff_state
from .changes import changes
from .diff_predictions import Predictions, Rows, on_rows, predictions
from .layout import MODEL, Manifest
from .version import ModelVersion

PARTS = ("modules", "schema", "requirements", "state")


@dataclass(frozen=True)
class Diff:
    """What differs between version `a` and version `b`; each part is empty where they agree.

    `source` is a unified diff of model.py and the local modules; `modules`, `schema`, `requirements` and `state` have
    a line per difference; `predictions` says how the answers of both to the reference of `b` compare.
    """

    a: str
    b: str
    source: str
    modules: tuple[str, ...]
    schema: tuple[str, ...]
    requirements: tuple[str, ...]
    state: tuple[str, ...]
    predictions: Predictions

    def __str__(self) -> str:
        parts = [("source", self.source.splitlines()), *((name, getattr(self, name)) for name in PARTS)]
        said = [f"{self.a} → {self.b}", *(_part(*part) for part in parts)]
        return "\n".join([*said, _part("predictions", self.predictions.lines)])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _part(title: str, lines: list[str] | tuple[str, ...]) -> str:
    return "\n".join([f"  {title}", *(f"    {line}" for line in lines)]) if lines else f"  {title} the same"


def diff(a: ModelVersion, b: ModelVersion, home: Path | None = None, rows: Rows | None = None) -> Diff:
    """Compare version `b` with version `a`; both answer these rows, else the reference that `b` keeps, else that of
    `a`. Proofs lie below `home` (WORKBENCH_HOME)."""
    loaded = [_loaded(version, home) for version in (a, b)]
    failed = next((error for error in loaded if isinstance(error, WorkbenchError)), None)
    old, new = a.sources(), b.sources()
    return Diff(
        a.ref,
        b.ref,
        _source(a.ref, b.ref, old, new),
        _modules(old, new),
        schema_changes(a.manifest, b.manifest),
        changes(_required(a.manifest), _required(b.manifest)),
        diff_state.state(a, b, live=failed is None),
        predictions(a, b, home, failed) if rows is None else on_rows(a, b, home, rows),
    )


def _loaded(version: ModelVersion, home: Path | None) -> Any:
    """The predictor of a version, or why it cannot be loaded here: with other packages, say."""
    try:
        return version.predictor(home)
    except WorkbenchError as error:
        return error


def _source(a: str, b: str, old: dict[str, str], new: dict[str, str]) -> str:
    """The differences of model.py, then of the local modules."""
    parts: list[str] = []
    for path in sorted(old.keys() | new.keys(), key=lambda path: (path != MODEL, path)):
        was, now = old.get(path, "").splitlines(), new.get(path, "").splitlines()
        parts += difflib.unified_diff(was, now, f"{a} {path}", f"{b} {path}", lineterm="", n=2)
    return "\n".join(parts)


def _modules(old: dict[str, str], new: dict[str, str]) -> tuple[str, ...]:
    """Which local modules came, went or have another text."""
    return changes(*({path: text for path, text in of.items() if path != MODEL} for of in (old, new)), named=False)


def _required(manifest: Manifest) -> dict[str, str]:
    return {"Python": manifest.python, **manifest.packages}


def schema_changes(a: Manifest, b: Manifest) -> tuple[str, ...]:
    """A line for each column that `b` takes or gives otherwise than `a`."""
    lines: list[str] = []
    if a.schema["kind"] != b.schema["kind"]:
        lines.append(f"takes {b.schema['kind']}, took {a.schema['kind']}")
    for title, old, new in (("input", a.schema, b.schema), ("output", a.outputs, b.outputs)):
        lines += (f"{title} {line}" for line in changes(_fields(old), _fields(new)))
        if not lines and [*_fields(old)] != [*_fields(new)]:
            lines.append(f"{title} columns in another order: {', '.join(_fields(new))}")
    return tuple(lines)


def _fields(schema: dict[str, Any]) -> dict[str, str]:
    """What is known of each column, in words."""
    return {field["name"]: _field(field) for field in schema["fields"]}


def _field(field: dict[str, Any]) -> str:
    known = [str(field["dtype"]), str(field.get("holds", ""))]
    if shape := field.get("shape"):
        known.append(f"of shape {tuple(shape)}")
    if categories := field.get("categories"):
        known.append(f"of {', '.join(map(str, categories))}")
    return " ".join(filter(None, known))
