"""Boosted trees: the same compiled sums in the same order, without what is found out again at each call."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from .inputs import Matrix, shaped, singles

_CONSTANT = ("prior", "mean", "median", "quantile")
_FEW = 512
_beginnings: WeakKeyDictionary[Any, Matrix] = WeakKeyDictionary()  # of what begins with the same for each row


def scores(model: Any, given: Any) -> Matrix | None:
    """`decision_function` of gradient boosting."""
    found = _sums(model, given)
    return found.ravel() if found is not None and found.shape[1] == 1 else found


def labels(model: Any, given: Any) -> Matrix | None:
    """`predict` of gradient boosting for classification."""
    found = scores(model, given)
    if found is None:
        return None
    chosen: Matrix = model.classes_[(found >= 0).astype(int) if found.ndim == 1 else np.argmax(found, axis=1)]
    return chosen


def probabilities(model: Any, given: Any) -> Matrix | None:
    """`predict_proba` of gradient boosting."""
    found = scores(model, given)
    return None if found is None else model._loss.predict_proba(found)


def values(model: Any, given: Any) -> Matrix | None:
    """`predict` of gradient boosting for regression."""
    found = _sums(model, given)
    return None if found is None else found.ravel()


def _sums(model: Any, given: Any) -> Matrix | None:
    from sklearn.ensemble._gb import predict_stages

    rows = singles(model, given)
    if rows is None:
        return None
    found = _beginning(model, rows)
    predict_stages(model.estimators_, rows, model.learning_rate, found)
    return found


def _beginning(model: Any, rows: Matrix) -> Matrix:
    """What the stages are added to: of a constant beginning, what it is for one row, for each."""
    from sklearn.ensemble._gb import _init_raw_predictions

    first = model.init_
    if first == "zero":
        return np.zeros((len(rows), model.n_trees_per_iteration_))
    classifies = hasattr(model, "classes_")
    if not type(first).__name__.startswith("Dummy") or first.strategy not in _CONSTANT:
        return np.asarray(_init_raw_predictions(rows, first, model._loss, classifies))
    if first not in _beginnings:
        _beginnings[first] = _init_raw_predictions(rows[:1], first, model._loss, classifies)
    return np.repeat(_beginnings[first], len(rows), axis=0)


def hist_scores(model: Any, given: Any) -> Matrix | None:
    """`decision_function` of histogram gradient boosting."""
    found = _hist_sums(model, given)
    return found.ravel() if found is not None and found.shape[1] == 1 else found


def hist_labels(model: Any, given: Any) -> Matrix | None:
    """`predict` of histogram gradient boosting for classification."""
    found = hist_scores(model, given)
    if found is None:
        return None
    chosen: Matrix = model.classes_[(found > 0).astype(int) if found.ndim == 1 else np.argmax(found, axis=1)]
    return chosen


def hist_probabilities(model: Any, given: Any) -> Matrix | None:
    """`predict_proba` of histogram gradient boosting."""
    found = _hist_sums(model, given)
    return None if found is None else model._loss.predict_proba(found)


def hist_values(model: Any, given: Any) -> Matrix | None:
    """`predict` of histogram gradient boosting for regression."""
    found = _hist_sums(model, given)
    return None if found is None else model._loss.link.inverse(found.ravel())


def _hist_sums(model: Any, given: Any) -> Matrix | None:
    """Each tree adds to each row by itself: the number of threads does not change a sum."""
    from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data

    rows = _doubles(model, given)
    if rows is None or len(rows) > _FEW:
        return None
    known, places = model._bin_mapper.make_known_categories_bitsets()
    found = np.zeros((len(rows), model.n_trees_per_iteration_), model._baseline_prediction.dtype, order="F")
    found += model._baseline_prediction
    out, columns = np.empty(len(rows)), found.T
    for trees in model._predictors:
        for column, tree in zip(columns, trees, strict=True):
            _predict_from_raw_data(tree.nodes, rows, tree.raw_left_cat_bitsets, known, places, 1, out)
            column += out
    return found


def _doubles(model: Any, given: Any) -> Matrix | None:
    """Rows in double precision, as they are: these trees take all numbers. None for models with categories."""
    rows = shaped(model, given) if model._preprocessor is None else None
    return rows if rows is not None and rows.dtype == np.float64 else None
