"""A loaded version -> the same one, with quick computations where they answer what it answers, and what to say of that.

Its answers are compared with and without them: on its reference, in calls of one row and of many, since BLAS adds in
another order for another number of rows; and on the probes that told whether it is row-wise, refusals included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from .. import text
from ..bundle.equal import difference
from ..bundle.probes import probe_rows
from ..bundle.tables import Table, concat, n_rows, take
from ..errors import WorkbenchError
from .finding import estimators
from .known import methods
from .swap import Swapped, swap

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor

_ARITHMETIC = ("sklearn.", "scipy.", "numpy.")
_ROWS = 1000
_ALONE = 32
_SIZES = (2, 3, 7, 32)

Outcome = Table | str
_said: WeakKeyDictionary[Predictor, str] = WeakKeyDictionary()


def quicken(version: ModelVersion, predictor: Predictor) -> str:
    """Let the estimators of a loaded version answer quickly, where that is proven; what came of it in words."""
    if predictor not in _said:
        said = _quicken(version, predictor)
        _said[predictor] = said
    return _said[predictor]


def _quicken(version: ModelVersion, predictor: Predictor) -> str:
    if needs := getattr(predictor, "needs", ""):
        return _none(f"it answers from an environment of its own ({needs})")
    if changed := _changed(version):
        return _none("its notebook changed " + ", ".join(changed))
    found = estimators(version.manifest.package, predictor.function)
    known = [(estimator, quick) for estimator in found if (quick := methods(estimator))]
    others = sorted({type(estimator).__name__ for estimator in found if not methods(estimator)})
    if not known:
        return _none(f"{_listed(others)} not known" if others else "it asks no estimator of scikit-learn")
    if not version.manifest.has_reference:
        return _none("it keeps no rows to prove one on")
    swapped = [swap(estimator, quick) for estimator, quick in known]
    _bind_again(predictor)
    said = Proof.of(predictor, version).of_all(swapped)
    return f"{said} · {_listed(others)} as before" if others else said


def _changed(version: ModelVersion) -> list[str]:
    """What a notebook set in the packages of the arithmetic; it holds while the model answers, not when it is
    loaded."""
    put = [thing["name"] for thing in version.manifest.taken if thing["kind"] == "setting"]
    return [name for names in put for name in names.split(", ") if name.startswith(_ARITHMETIC)]


def _listed(names: list[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _none(why: str) -> str:
    return f"no fast path: {why}"


def _bind_again(predictor: Predictor) -> None:
    """An estimator that is the model itself is asked by a method, which was bound to what it was."""
    function = predictor.function
    if isinstance(function, MethodType) and not isinstance(function.__self__, type):
        predictor.function = getattr(function.__self__, function.__name__, function)


@dataclass(frozen=True)
class Proof:
    """What a model is asked, and what it answered without anything quick."""

    predictor: Predictor
    exact: bool
    rows: int
    probes: int
    tables: list[Table]
    answers: list[Outcome]

    @classmethod
    def of(cls, predictor: Predictor, version: ModelVersion) -> Proof:
        """Ask a model whose estimators answer by themselves."""
        sample = version.reference(_ROWS)
        probes = probe_rows(sample)
        tables = list(_tables(sample, probes))
        answers = [_ask(predictor, table) for table in tables]
        return cls(predictor, version.manifest.bit_stable, n_rows(sample), n_rows(probes), tables, answers)

    def of_all(self, swapped: list[Swapped]) -> str:
        """Switch on what is proven together: all, else those that are proven alone."""
        wrong = self.differs(swapped)
        if wrong:
            swapped = [each for each in swapped if not self.differs([each])]
        if not swapped or (wrong and self.differs(swapped)):
            return _none(f"it did not answer the same: {wrong}")
        _switch(swapped, on=True)
        asked = sorted({each.name for each in swapped if each.answered})
        if not asked:
            return _none("the model asks its estimators for what no quick computation answers")
        proven = f"{text.count(self.rows, 'row')} and {text.count(self.probes, 'probe')}"
        how = "proven" if self.exact else "proven within the tolerance"  # it does not agree with itself to the bit
        return f"fast path: {how} on {proven} · {', '.join(asked)}"

    def differs(self, swapped: list[Swapped]) -> str:
        """How the answers differ with these switched on, in words; they are off again afterwards."""
        _switch(swapped, on=True)
        try:
            pairs = zip(self.answers, (_ask(self.predictor, table) for table in self.tables), strict=True)
            return next((said for before, now in pairs if (said := _unlike(before, now, exact=self.exact))), "")
        finally:
            _switch(swapped, on=False)


def _switch(swapped: list[Swapped], *, on: bool) -> None:
    for each in swapped:
        each.on = on


def _tables(sample: Table, probes: Table) -> Iterator[Table]:
    """All rows at once, a few of each number, probes alone and among others."""
    rows = n_rows(sample)
    yield sample
    for row in np.unique(np.linspace(0, rows - 1, min(rows, _ALONE)).astype(int)):
        yield take(sample, [row])
    for size in _SIZES:
        yield take(sample, np.arange(size) % rows)
        yield take(sample, np.arange(rows - size, rows) % rows)
    for row in range(n_rows(probes)):
        yield take(probes, [row])
    if n_rows(probes):
        yield concat([probes, sample])


def _ask(predictor: Predictor, table: Table) -> Outcome:
    try:
        return predictor.predict(table)
    except WorkbenchError as error:
        return error.what


def _unlike(before: Outcome, now: Outcome, *, exact: bool) -> str:
    if isinstance(before, str) or isinstance(now, str):
        return "" if before == now else f"{_shown(before)} against {_shown(now)}"
    return next(iter(difference(before, now, exact=exact)), "")


def _shown(outcome: Outcome) -> str:
    return outcome if isinstance(outcome, str) else "an answer"
