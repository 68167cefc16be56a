"""Trees and forests: the trees' own compiled walk, one after the other in scikit-learn's order, without its calls."""

from __future__ import annotations

from typing import Any

import numpy as np

from .inputs import Matrix, singles

_FEW = 512
"""More rows than these are better shared by the threads that a forest was given."""


def tree_values(tree: Any, given: Any) -> Matrix | None:
    """`predict` of a regression tree."""
    found = _leaves(tree, given)
    return None if found is None else found[:, 0]


def tree_probabilities(tree: Any, given: Any) -> Matrix | None:
    """`predict_proba` of a classification tree."""
    found = _leaves(tree, given)
    return None if found is None else found[:, : tree.n_classes_]


def tree_labels(tree: Any, given: Any) -> Matrix | None:
    """`predict` of a classification tree."""
    found = _leaves(tree, given)
    return None if found is None else tree.classes_.take(np.argmax(found, axis=1), axis=0)


def forest_values(forest: Any, given: Any) -> Matrix | None:
    """`predict` of a forest for regression: the mean over its trees."""
    rows = _taken(forest, given)
    if rows is None:
        return None
    found = np.zeros(len(rows))
    for tree in forest.estimators_:
        found += tree.tree_.predict(rows)[:, 0]
    found /= len(forest.estimators_)
    return found


def forest_probabilities(forest: Any, given: Any) -> Matrix | None:
    """`predict_proba` of a forest: the mean over its trees."""
    rows = _taken(forest, given)
    if rows is None:
        return None
    found = np.zeros((len(rows), forest.n_classes_))
    for tree in forest.estimators_:
        found += tree.tree_.predict(rows)[:, : forest.n_classes_]
    found /= len(forest.estimators_)
    return found


def forest_labels(forest: Any, given: Any) -> Matrix | None:
    """`predict` of a forest for classification."""
    found = forest_probabilities(forest, given)
    return None if found is None else forest.classes_.take(np.argmax(found, axis=1), axis=0)


def _leaves(tree: Any, given: Any) -> Matrix | None:
    rows = singles(tree, given, tree) if tree.n_outputs_ == 1 else None
    return None if rows is None else tree.tree_.predict(rows)


def _taken(forest: Any, given: Any) -> Matrix | None:
    """The rows, where it can be asked about them in one thread and has one outcome."""
    rows = singles(forest, given, forest.estimators_[0])
    if rows is None or forest.n_outputs_ > 1 or forest.verbose:
        return None
    return None if forest.n_jobs not in (None, 1) and len(rows) > _FEW else rows
