"""Rows that an estimator is asked about -> the array that scikit-learn's checks would let through, or None.

What is plainly good is let through here in a few microseconds. All else (other names, a missing value where none may
be, sparse rows, lists, other types) is None: the estimator's own method answers that, or refuses it in its own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

Matrix = np.ndarray[Any, Any]

_NUMBERS = frozenset(map(np.dtype, ("f8", "f4", "i8", "i4")))
_seen: WeakKeyDictionary[Any, tuple[Any, Any]] = (
    WeakKeyDictionary()
)  # the names that an estimator knows, as pandas' own


@dataclass(frozen=True, slots=True)
class Part:
    """Some columns of a frame, without the time that pandas takes to select them."""

    columns: Mapping[str, Matrix]

    def to_numpy(self) -> Matrix:
        """As pandas lays out the values of such a frame."""
        values = list(self.columns.values())
        kinds = {column.dtype.kind for column in values}
        if len({column.dtype for column in values}) > 1 and not kinds <= {"f", "i"}:
            raise TypeError("pandas decides what such columns become together")
        return np.concatenate(values).reshape(len(values), -1).T


def matrix(estimator: Any, given: Any, *, missing: bool = False) -> Matrix | None:
    """Rows of finite numbers, of the types that scikit-learn leaves as they are; NaN too where `missing`."""
    values = shaped(estimator, given)
    if values is None or values.dtype not in _NUMBERS:
        return None
    if values.dtype.kind == "f" and not np.isfinite(values).all() and (not missing or np.isinf(values).any()):
        return None
    return values


def floats(estimator: Any, given: Any, *, missing: bool = False) -> Matrix | None:
    """A copy of such rows in double precision, to be changed in place; None for those in single precision."""
    values = matrix(estimator, given, missing=missing)
    if values is None or values.dtype == np.float32:
        return None
    return values.astype(np.float64, order="K")


def singles(estimator: Any, given: Any, tree: Any = None) -> Matrix | None:
    """Such rows in single precision and by rows, as trees take them; NaN too where `tree` says that it can."""
    values = shaped(estimator, given)
    if values is None or values.dtype not in _NUMBERS:
        return None
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32, order="C", copy=False)
    if np.isfinite(narrow).all():
        return narrow
    known = tree is not None and not np.isinf(narrow).any() and tree._support_missing_values(narrow)
    return narrow if known else None


def shaped(estimator: Any, given: Any) -> Matrix | None:
    """At least one row of as many columns as the estimator was fitted with, under the same names in the same order."""
    values = _values(estimator, given)
    if values is None or values.ndim != 2 or not len(values) or values.shape[1] != estimator.n_features_in_:
        return None
    return values


def _values(estimator: Any, given: Any) -> Matrix | None:
    """The array; None where scikit-learn would warn of names, or refuse them."""
    names = getattr(estimator, "feature_names_in_", None)
    if type(given) is np.ndarray:
        return given if names is None else None
    if names is None or not (_named(given, names) if type(given) is Part else _is_frame(estimator, given, names)):
        return None
    made: Matrix = given.to_numpy()  # what numpy.asarray gives, at a tenth of the time
    return made


def _named(given: Part, names: Matrix) -> bool:
    return bool(list(given.columns) == names.tolist())


def _is_frame(estimator: Any, given: Any, names: Matrix) -> bool:
    """Whether this is a frame of pandas under these names; those seen before are known at once."""
    if type(given).__name__ != "DataFrame" or type(given).__module__.partition(".")[0] != "pandas":
        return False
    before = _seen.get(estimator)
    if before is not None and before[0] is names and before[1].is_(given.columns):
        return True
    if given.columns.tolist() != names.tolist():
        return False
    _seen[estimator] = names, given.columns
    return True
