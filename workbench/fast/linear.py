"""Linear models: one product, as scikit-learn's `safe_sparse_dot` makes it of arrays, and what it makes of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from .inputs import Matrix, matrix


def scores(estimator: Any, given: Any) -> Matrix | None:
    """`decision_function` of a linear classifier."""
    rows, weights = matrix(estimator, given), estimator.coef_
    if rows is None or type(weights) is not np.ndarray:
        return None
    found: Matrix = rows @ weights.T + estimator.intercept_
    return found.reshape(-1) if found.ndim > 1 and found.shape[1] == 1 else found


def labels(estimator: Any, given: Any) -> Matrix | None:
    """`predict` of a linear classifier."""
    found = scores(estimator, given)
    if found is None:
        return None
    chosen = (found > 0).astype(np.int64) if found.ndim == 1 else found.argmax(axis=1)
    return np.take(estimator.classes_, chosen, axis=0)


def probabilities(estimator: Any, given: Any) -> Matrix | None:
    """`predict_proba` of a logistic regression: of two classes by the logistic function, of more by softmax."""
    found = scores(estimator, given)
    if found is None:
        return None
    return _of_two(found) if found.ndim == 1 else _softmax(found)


def probabilities_of_losses(estimator: Any, given: Any) -> Matrix | None:
    """`predict_proba` of a classifier by gradient descent, for the logistic loss and two classes."""
    found = scores(estimator, given) if estimator.loss == "log_loss" else None
    return None if found is None or found.ndim > 1 else _of_two(found)


def values(estimator: Any, given: Any) -> Matrix | None:
    """`predict` of a linear regression."""
    rows, weights = matrix(estimator, given), estimator.coef_
    if rows is None or type(weights) is not np.ndarray:
        return None
    found: Matrix = rows @ (weights if weights.ndim == 1 else weights.T) + estimator.intercept_
    return found


def values_of_losses(estimator: Any, given: Any) -> Matrix | None:
    """`predict` of a regression by gradient descent."""
    found = values(estimator, given)
    return None if found is None else found.ravel()


def _of_two(found: Matrix) -> Matrix:
    from scipy.special import expit

    found = expit(found, out=found)
    return np.stack([1 - found, found], axis=1)


def _softmax(found: Matrix) -> Matrix:
    found -= found.max(axis=1).reshape(-1, 1)
    np.exp(found, out=found)
    found /= found.sum(axis=1).reshape(-1, 1)
    return found
