"""A reference and a window of what a model was asked and answered -> whether they differ, where, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import text
from . import distances, drawing
from .comparing import Comparison, Role, compare
from .together import outliers, together

if TYPE_CHECKING:
    import pandas as pd

THRESHOLD, ALARMS, FEW = 0.1, 0.01, 100
_SHOWN = 8


@dataclass(frozen=True)
class Side:
    """Rows with what was answered to them, which need not be as many; `said` is what they are. `about` names the rows
    (request, row) where they have names; `notes` say what is left out of them."""

    said: str
    inputs: pd.DataFrame
    predictions: pd.DataFrame
    about: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Drift:
    """The comparisons of `window` with `reference`, both in words, and the window's `outliers` as a frame.

    A column has drifted where the population stability index reaches the `threshold` and its p-value, corrected for
    all comparisons, is at most `alarms`: without drift at most that share of windows raises an alarm."""

    model: str
    window: str
    reference: str
    rows: tuple[int, int]
    threshold: float
    alarms: float
    comparisons: tuple[Comparison, ...]
    outliers: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether there were rows enough to judge."""
        return min(self.rows) >= FEW

    @property
    def drifted(self) -> bool:
        return any(one.drifted for one in self.comparisons)

    @property
    def columns(self) -> list[str]:
        """The columns that have drifted."""
        return list(dict.fromkeys(one.column for one in self.comparisons if one.drifted))

    def frame(self) -> pd.DataFrame:
        """One row for each comparison, the largest drift first."""
        import pandas as pd

        left = ("distances", "bins", "unseen")
        rows = [
            {key: value for key, value in vars(one).items() if key not in left}
            | {"unseen": sum(one.unseen.values())}
            | {name: one.distances.get(name) for name in ("wasserstein", "jensen_shannon")}
            for one in self._ordered()
        ]
        return pd.DataFrame(rows)

    def plot(self) -> drawing.Drawing:
        """How each column is spread, in the reference and in the window: a drawing that a notebook shows."""
        spread = [one for one in self._ordered() if one.bins is not None]
        return drawing.spreads([(_titled(one), one.bins, one.drifted) for one in spread if one.bins])

    def _ordered(self) -> list[Comparison]:
        return sorted(self.comparisons, key=lambda one: (not one.drifted, -(one.psi if one.psi is not None else 1.0)))

    def __str__(self) -> str:
        lines = [f"{self.model} {self._headline()} · {self.window} against {self.reference}"]
        lines += [f"  drift {_said(one)}" for one in self._ordered() if one.drifted]
        lines += [f"  new   {_unseen(one)}" for one in self.comparisons if one.unseen]
        lines += [f"  rows  {self._far()}"] if len(self.outliers) else []
        lines += [f"  note  {note}" for note in self.notes]
        lines += [f"  rule  {self._rule()}"] * self.judged
        return "\n".join(lines)

    __repr__ = __str__

    def _headline(self) -> str:
        counts = f"{text.count(self.rows[1], 'row')} against {text.count(self.rows[0])}"
        if not self.judged:
            return f"too few rows to judge drift: {counts}, of which each needs {FEW}"
        compared = len({one.column for one in self.comparisons} - {"all columns"})
        found = self.columns
        if not found:
            return f"✓ no drift in {text.count(compared, 'column')}, {counts}"
        return f"✗ drift in {', '.join(found[:_SHOWN])}{', …' if len(found) > _SHOWN else ''}, {counts}"

    def _rule(self) -> str:
        many = text.count(len(self.comparisons), "comparison")
        rule = f"drift is a psi of {self.threshold:g} or more with p at most {self.alarms:g} after Benjamini–Hochberg"
        return f"{rule} over {many}; over all columns it is p alone; rows are taken as independent"

    def _far(self) -> str:
        first = self.outliers.iloc[0]
        where = " ".join(f"{name} {first[name]}" for name in ("request", "row") if name in self.outliers)
        where = where or f"row {self.outliers.index[0]}"
        far = f"the farthest is {where}: {first['column']} {first['value']}, score {first['score']:.3g}"
        return f"{text.count(len(self.outliers), 'outlier')} (robust z-scores); {far}"

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("model", "window", "reference", "threshold", "alarms", "notes")}
        counts = {"reference_rows": self.rows[0], "window_rows": self.rows[1]}
        state = {"judged": self.judged, "drifted": self.drifted, "columns": self.columns}
        found = {"comparisons": [asdict(one) for one in self.comparisons]}
        return plain | counts | state | found | {"outliers": self.outliers.to_dict("records")}


def drift(model: str, reference: Side, window: Side, *, threshold: float, alarms: float) -> Drift:
    """Compare each column of both, and all columns together. Nothing is compared where a side has under 100 rows."""
    rows, notes = (len(reference), len(window)), (*reference.notes, *window.notes)
    if min(rows) < FEW:
        return Drift(model, window.said, reference.said, rows, threshold, alarms, (), window.inputs.iloc[:0, :0], notes)
    found = [*_compared("input", reference.inputs, window.inputs)]
    found += _compared("prediction", reference.predictions, window.predictions)
    names = [name for name in reference.inputs if name in window.inputs]
    if all_columns := together(reference.inputs[names], window.inputs[names]):
        found.append(all_columns)
    judged = _judged(found, threshold, alarms)
    missing = [name for name in reference.inputs if name not in window.inputs]
    if missing:
        notes += (f"not in the window, and not compared: {', '.join(missing)}",)
    far = _named(outliers(reference.inputs[names], window.inputs[names]), window.about)
    return Drift(model, window.said, reference.said, rows, threshold, alarms, judged, far, notes)


def _compared(role: Role, reference: pd.DataFrame, window: pd.DataFrame) -> Iterator[Comparison]:
    for name in reference:
        if name in window:
            yield from compare(str(name), role, reference[name], window[name])


def _judged(found: list[Comparison], threshold: float, alarms: float) -> tuple[Comparison, ...]:
    raised = distances.adjusted([one.p for one in found])
    return tuple(
        replace(one, adjusted=float(p), drifted=bool(p <= alarms and (one.psi is None or one.psi >= threshold)))
        for one, p in zip(found, raised, strict=True)
    )


def _named(far: pd.DataFrame, about: pd.DataFrame | None) -> pd.DataFrame:
    if about is None:
        return far
    named = about.loc[far.index].join(far)
    return named.reset_index(drop=True)


def _titled(one: Comparison) -> str:
    what = {"values": "", "length of text": ", length"}.get(one.what, f", {one.what}")
    return f"{one.column}{what}" + (" (prediction)" if one.role == "prediction" else "")


def _said(one: Comparison) -> str:
    p = f"p {one.adjusted:.2g}" if one.adjusted > 1e-12 else "p < 1e-12"
    psi = "" if one.psi is None else f"psi {one.psi:.2f}"
    moved = "" if one.psi is None else f"{one.was} → {one.now}"
    return " · ".join(filter(None, [_titled(one), psi, f"{one.test} {one.statistic:.3g}, {p}", moved]))


def _unseen(one: Comparison) -> str:
    first = [f"{label} ({text.count(rows)})" for label, rows in list(one.unseen.items())[:_SHOWN]]
    more = ", …" if len(one.unseen) > _SHOWN else ""
    return f"{_titled(one)} · the reference does not have {', '.join(first)}{more}"


def frame_of(table: dict[str, Any]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A table as a frame, without the columns that hold more than one value a row, which a note names."""
    import pandas as pd

    single = {name: pd.Series(values) for name, values in table.items() if np.ndim(values) == 1}
    left = [name for name in table if name not in single]
    note = (f"not compared, more than one value a row: {', '.join(left)}",) if left else ()
    return pd.DataFrame(single), note
