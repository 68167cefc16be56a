"""What a notebook hands back -> files beside its run, and read again: values, frames, figures, models."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ... import text
from ...bundle.storage import writing
from ...errors import UsageError
from .hiding import Hiding

VARIABLE = "WORKBENCH_RESULTS"
"""The variable of a run's kernel that names the folder."""
_FILE = "results.json"
_SHOWN = 60
_NAME = re.compile(r"^[^\W\d]\w*$")


@dataclass(frozen=True)
class Handed:
    """What was handed back. `where` is the run's folder; None in a notebook that a person runs."""

    results: Mapping[str, Any]
    where: Path | None = None

    def __str__(self) -> str:
        lines = words(self.results)
        return "\n".join([lines or "nothing", *([] if self.where else ["  note  kept where this runs as a batch"])])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return dict(self.results)


def hand_back(given: Mapping[str, Any]) -> Handed:
    """Keep values, frames, figures and models of a run under their names; one of the same name is replaced.

    Outside of a run nothing is kept. UsageError for what is none of them.
    """
    folder = Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None
    if bad := next((name for name in given if not _NAME.match(name)), None):
        raise UsageError(f"{bad!r} is no name", fix="workbench.result(auc=0.91)")
    if folder is None:
        return Handed({name: _described(name, value, None) for name, value in given.items()})
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        new = {name: _described(name, value, folder) for name, value in given.items()}
        _write(folder, read(folder) | new)
    return Handed(new, folder)


def note_model(ref: str) -> None:
    """Keep that a run has made a version of a model."""
    if where := os.environ.get(VARIABLE):
        folder = Path(where)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder, read(folder) | {ref.partition("@")[0]: {"kind": "model", "value": ref}})


def read(folder: Path) -> dict[str, Any]:
    """What was handed back to a folder, by name: `kind`, and a `value` or the name of a `file` in it."""
    try:
        found: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def kept(handed: Path, folder: Path | None, hiding: Hiding, *, add: bool) -> dict[str, Any]:
    """What was handed back, moved from a kernel's folder to the one where it is kept, in the place of what was there or
    with `add` beside it; without secrets."""
    found: dict[str, Any] = hiding.json(read(handed))
    if folder is not None:
        before = read(folder) if add else {}
        if not add:
            shutil.rmtree(folder, ignore_errors=True)
        found = before | found
        if found:
            folder.mkdir(parents=True, exist_ok=True)
            for file in handed.glob("*"):
                hiding.file(file)
                shutil.move(file, folder / file.name)
            _write(folder, found)
    shutil.rmtree(handed, ignore_errors=True)
    return found


def value(result: Mapping[str, Any], folder: Path) -> Any:
    """One of them as it was: the value, a frame, the file of a figure, the name of a version."""
    if result["kind"] == "frame":
        import pandas as pd

        return pd.read_parquet(folder / result["file"])
    return folder / result["file"] if "file" in result else result["value"]


def words(results: Mapping[str, Any]) -> str:
    """`auc 0.913 · churn@4 · worst 12 rows × 3`."""
    return " · ".join(_words(name, result) for name, result in results.items())


def _words(name: str, result: Mapping[str, Any]) -> str:
    if result["kind"] == "model":
        return str(result["value"])
    if result["kind"] == "frame":
        return f"{name} {text.count(result['rows'], 'row')} × {result['columns']}"
    return f"{name} → {result['file']}" if "file" in result else f"{name} {shown(result['value'])}"


def shown(value: Any) -> str:
    """A value in a few characters."""
    said = f"{value:.4g}" if isinstance(value, float) else str(value)
    return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"


def _write(folder: Path, results: dict[str, Any]) -> None:
    new = folder / f".{_FILE}.new"
    new.write_text(json.dumps(results), encoding="utf-8")
    os.replace(new, folder / _FILE)


def _described(name: str, value: Any, folder: Path | None) -> dict[str, Any]:
    """What is kept of one; its file is written into the folder."""
    kind = type(value).__name__
    if kind in ("DataFrame", "Series") and hasattr(value, "to_frame" if kind == "Series" else "columns"):
        return _frame(name, value.to_frame(name) if kind == "Series" else value, folder)
    if hasattr(value, "savefig"):
        return _file(name, ".png", folder, lambda file: value.savefig(file, dpi=120, bbox_inches="tight"))
    if hasattr(value, "write_html"):
        return _file(name, ".html", folder, lambda file: value.write_html(file))
    if kind == "ModelVersion":
        return {"kind": "model", "value": value.ref}
    return {"kind": "value", "value": _plain(name, value)}


def _file(name: str, ending: str, folder: Path | None, write: Any) -> dict[str, Any]:
    if folder is not None:
        write(folder / f"{name}{ending}")
    return {"kind": "figure", "file": f"{name}{ending}"}


def _frame(name: str, frame: Any, folder: Path | None) -> dict[str, Any]:
    if folder is not None:
        try:
            frame.to_parquet(folder / f"{name}.parquet")
        except (ValueError, TypeError, ImportError) as error:  # what Arrow has no type for
            what = f"{name}: this frame cannot be kept: {str(error).splitlines()[0]}"
            raise UsageError(what, fix="give its columns types that a Parquet file has") from error
    return {"kind": "frame", "file": f"{name}.parquet", "rows": len(frame), "columns": frame.shape[1]}


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it; NaN stays a float that no JSON of others reads, and so becomes None."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (date, datetime, Path)):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(name, one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(name, one) for one in value]
    fix = "hand back numbers, texts, lists, frames, figures or versions of models"
    raise UsageError(f"{name} is a {type(value).__name__}, which cannot be kept", fix=fix)


def rows_of(results: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Those that fit a cell of a table: names and plain values."""
    for name, result in results.items():
        if result["kind"] in ("value", "model") and not isinstance(result["value"], (list, dict)):
            yield name, result["value"]
