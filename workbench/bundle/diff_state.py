"""The state of two versions -> which objects differ: their kind and size, the parameters of estimators, the shapes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from .. import text
from .changes import changes
from .layout import FILES, STATE, Manifest
from .version import ModelVersion

_ABSENT = object()
_SHOWN = 60
_MOST = 20
_PLAIN = (bool, int, float, str, bytes, type(None))


def state(a: ModelVersion, b: ModelVersion, *, live: bool) -> tuple[str, ...]:
    """A line per object that is new, gone or another; below it what differs in it, where both are loaded (`live`)."""
    old, new = _hashes(a.manifest), _hashes(b.manifest)
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        before, after = _known(a, name) if name in old else None, _known(b, name) if name in new else None
        lines.append(_line(name, before, after))
        if before and after and live:
            lines += (f"  {line}" for line in _inside(_object(a, name), _object(b, name)))
    return tuple(lines)


def _hashes(manifest: Manifest) -> dict[str, tuple[tuple[str, str], ...]]:
    """The files of each object, by its name, and each data file by its path."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, digest in sorted(manifest.files.items()):
        if path.startswith(f"{STATE}/"):
            found.setdefault(path.split("/")[1].partition(".")[0], []).append((path, digest))
        elif path.startswith(f"{FILES}/"):
            found[path] = [(path, digest)]
    return {name: tuple(files) for name, files in found.items()}


def _known(version: ModelVersion, name: str) -> str:
    """`RandomForestClassifier 2.1 MB`."""
    taken = next((t for t in version.manifest.taken if t["name"] == name and t["kind"] == "state"), {})
    files = [version.folder / path for path, _ in _hashes(version.manifest)[name]]
    size = sum(file.stat().st_size for file in files if file.exists())
    return " ".join(filter(None, [taken.get("detail"), text.size(size)]))


def _line(name: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"+ {name} {after}"
    if after is None:
        return f"- {name} {before}"
    return f"{name} {before} → {after}" if before != after else f"{name} {after}, another content"


def _object(version: ModelVersion, name: str) -> Any:
    return getattr(sys.modules.get(version.manifest.package), name, _ABSENT)


def _inside(old: Any, new: Any) -> Iterator[str]:
    if old is _ABSENT or new is _ABSENT:
        return
    found = changes(facts(old), facts(new))
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield f"and {text.count(len(found) - _MOST)} more"
    if not found and callable(getattr(new, "get_params", None)):
        yield "parameters the same, fitted otherwise"
    elif not found and hasattr(new, "dtype") and hasattr(new, "shape"):
        yield from _values(old, new)


def facts(value: Any) -> dict[str, str]:
    """What can be said of an object in few words, by name: parameters, shape and dtype, plain values."""
    if callable(params := getattr(value, "get_params", None)):
        return {name: _shown(found) for name, found in _parameters(params).items()}
    if hasattr(value, "shape"):
        columns = [("columns", ", ".join(map(str, value.columns)))] if hasattr(value, "columns") else []
        return dict([("shape", str(tuple(value.shape))), ("dtype", str(getattr(value, "dtype", ""))), *columns])
    if isinstance(value, Mapping):
        return {str(key): _shown(found) for key, found in value.items()}
    if isinstance(value, list | tuple | set | frozenset | str | bytes):
        return {"length": str(len(value))}
    own = getattr(value, "__dict__", {})
    captured = type(value).__module__.startswith("wb_")  # what a package keeps for itself says little
    said = {name: found for name, found in own.items() if captured or not name.startswith("_")}
    return {name: _shown(found) for name, found in said.items() if isinstance(found, _PLAIN)}


def _parameters(params: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = params()
    except Exception:  # noqa: BLE001 (an estimator of the notebook may not keep to the rules)
        return {}
    return found


def _shown(value: Any) -> str:
    """A plain value as it is written; anything else by its kind, since its text may hold an address."""
    plain = isinstance(value, _PLAIN) or (
        isinstance(value, list | tuple) and all(isinstance(part, _PLAIN) for part in value)
    )
    said = repr(value) if plain else type(value).__name__
    return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"


def _values(old: Any, new: Any) -> Iterator[str]:
    """How many numbers of two arrays of one shape differ, and by how much."""
    import numpy as np

    was, now = np.asarray(old), np.asarray(new)
    if was.dtype.kind in "biuf" and was.size:
        gap = np.abs(now.astype(float) - was.astype(float))
        differ = int(np.count_nonzero(~((was == now) | ((was != was) & (now != now)))))
        largest = f", by {np.nanmax(gap):.3g} at most" if np.isfinite(gap).any() else ""
        yield f"{text.count(differ)} of {text.count(was.size, 'value')} differ{largest}"
