"""The answers of two versions to the same reference rows -> how many differ, by how much, and how they are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import text
from ..errors import WorkbenchError
from .changes import changes
from .equal import difference, same_rows
from .layout import ANSWER, REFERENCE
from .tables import n_rows, read_table

if TYPE_CHECKING:
    from ..inference.fields import Array, Table
    from .version import ModelVersion

_QUANTILES = {"5 %": 0.05, "median": 0.5, "95 %": 0.95}
_MOST_LABELS = 8


@dataclass(frozen=True)
class Column:
    """One column of both answers: in how many of the `rows`, each a `noun`, it differs; for numbers by how much, in the
    `median` and at the most, in row `at`; `before` and `after` say how it is spread (mean and quantiles, or the count
    of each label), `moves` how many rows went from one label to another."""

    name: str
    rows: int
    differ: int
    median: float | None = None
    largest: float | None = None
    at: int | None = None
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    moves: dict[str, int] = field(default_factory=dict)
    noun: str = "reference row"

    @property
    def lines(self) -> list[str]:
        said = f"{self.name}: differs in {text.count(self.differ)} of {text.count(self.rows, self.noun)}"
        if self.differ and self.largest is not None:
            said += f", by {self.median:.3g} in the median and {self.largest:.3g} at most (row {self.at})"
        spread = [
            f"{key} {_figure(self.before.get(key))} → {_figure(self.after.get(key))}"
            for key in dict.fromkeys([*self.before, *self.after])
        ]
        moves = [f"{move} {text.count(count)}" for move, count in self.moves.items()]
        return [said, *(f"  {' · '.join(part)}" for part in (spread, moves) if part and self.differ)]


@dataclass(frozen=True)
class Predictions:
    """How the answers compare: in a sentence, in `dtypes` that changed, and by column where values differ."""

    said: str
    dtypes: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it as text."""
        inside = [line for column in self.columns for line in column.lines]
        return (*filter(None, [self.said]), *self.dtypes, *inside)


@dataclass(frozen=True)
class Rows:
    """Rows to compare answers on, in the place of the reference: as each version takes them, and what one is called."""

    of: Callable[[ModelVersion], Table]
    noun: str


def on_rows(a: ModelVersion, b: ModelVersion, home: Path | None, rows: Rows) -> Predictions:
    """Both asked for these rows. What a version raises that cannot answer them."""
    old, new = (version.predictor(home).predict(rows.of(version)) for version in (a, b))
    return _compared(old, new, noun=rows.noun)


def predictions(a: ModelVersion, b: ModelVersion, home: Path | None, failed: WorkbenchError | None) -> Predictions:
    """Both asked for the reference that `b` keeps, else that of `a`. Where one cannot be loaded, which `failed` says,
    the answers that both keep to the same reference are compared."""
    if failed is None:
        try:
            return _compared(*_asked(a, b, home))
        except WorkbenchError as error:
            failed = error
    why, digest = failed.what, a.manifest.files.get(REFERENCE)
    if digest is None or digest != b.manifest.files.get(REFERENCE):
        return Predictions(f"not compared: {why}")
    old, new = (read_table(v.folder / ANSWER, v.manifest.outputs) for v in (a, b))
    return _compared(old, new, f"as they were answered at capture, since {why}")


def _asked(a: ModelVersion, b: ModelVersion, home: Path | None) -> tuple[Table, Table]:
    keeper = next((version for version in (b, a) if version.manifest.has_reference), b)
    reference = keeper.reference()
    return a.predictor(home).predict(reference), b.predictor(home).predict(reference)


def _compared(old: Table, new: Table, how: str = "", noun: str = "reference row") -> Predictions:
    rows = text.count(n_rows(new), noun)
    suffix = f" ({how})" if how else ""
    if not difference(old, new, exact=True):
        return Predictions(f"equal on {rows}, bit for bit{suffix}")
    if not difference(old, new, exact=False):
        return Predictions(f"equal on {rows}, within the tolerance{suffix}")
    both = [name for name in new if name in old]
    columns = tuple(replace(_column(name, old[name], new[name]), noun=noun) for name in both)
    return Predictions(how, changes(_kinds(old), _kinds(new)), columns)


def _kinds(table: Table) -> dict[str, str]:
    return {name: str(values.dtype) for name, values in table.items()}


def _column(name: str, old: Array, new: Array) -> Column:
    if _are_numbers(old) and _are_numbers(new) and old.shape == new.shape:
        return _numbers(name, old, new)
    was, now = ([str(value) for value in np.asarray(v, object).tolist()] for v in (old, new))
    moved = [pair for pair in zip(was, now, strict=True) if pair[0] != pair[1]]
    counts = [Counter(values) for values in (was, now)]
    few = len(counts[0] | counts[1]) <= _MOST_LABELS
    before, after = ({k: float(n) for k, n in sorted(c.items())} if few else {} for c in counts)
    moves = {f"{x} → {y}": n for (x, y), n in Counter(moved).most_common(_MOST_LABELS)} if few else {}
    return Column(name, len(now), len(moved), before=before, after=after, moves=moves)


def _are_numbers(values: Array) -> bool:
    return getattr(values.dtype, "kind", "O") in "iuf"


def _numbers(name: str, old: Array, new: Array) -> Column:
    was, now = _floats(old), _floats(new)
    differ = int((~same_rows({name: was}, {name: now}, exact=True)).sum())
    with np.errstate(invalid="ignore"):
        gap = np.abs(now - was).reshape(len(now), -1)
    gap[np.isnan(gap)] = 0.0
    by_row = gap.max(axis=1) if gap.size else np.zeros(len(now))
    seen = by_row[by_row > 0]
    at = int(by_row.argmax()) if len(seen) else None
    median, largest = (float(np.median(seen)), float(by_row.max())) if len(seen) else (None, None)
    return Column(name, len(now), differ, median, largest, at, _spread(was), _spread(now))


def _floats(values: Array) -> np.ndarray[Any, Any]:
    if isinstance(values, np.ndarray):
        return values.astype(float)
    made: np.ndarray[Any, Any] = values.to_numpy(dtype=float, na_value=np.nan)
    return made


def _spread(values: np.ndarray[Any, Any]) -> dict[str, float]:
    known = values[np.isfinite(values)]
    missing = {"missing": float(np.isnan(values).sum())} if np.isnan(values).any() else {}
    if not known.size:
        return missing
    return {"mean": float(known.mean()), **{k: float(np.quantile(known, q)) for k, q in _QUANTILES.items()}, **missing}


def _figure(value: float | None) -> str:
    return "none" if value is None else text.count(int(value)) if value.is_integer() else f"{value:.4g}"
