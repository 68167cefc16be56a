"""The methods of scikit-learn whose arithmetic is known exactly, by the class that defines them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np

from . import boosting, composed, linear, preparing, trees
from .swap import Computation

_THEIRS = ("sklearn", "functools", "abc", "dataclasses")
_METHODS = ("transform", "decision_function", "predict_proba", "predict")

KNOWN: dict[str, Computation] = {
    "LinearClassifierMixin.decision_function": linear.scores,
    "LinearClassifierMixin.predict": linear.labels,
    "LogisticRegression.predict_proba": linear.probabilities,
    "SGDClassifier.predict_proba": linear.probabilities_of_losses,
    **dict.fromkeys(("LinearModel.predict", "MultiOutputLinearModel.predict", "Ridge.predict"), linear.values),
    "BaseSGDRegressor.predict": linear.values_of_losses,
    "DecisionTreeRegressor.predict": trees.tree_values,
    "DecisionTreeClassifier.predict": trees.tree_labels,
    "DecisionTreeClassifier.predict_proba": trees.tree_probabilities,
    "ForestRegressor.predict": trees.forest_values,
    "ForestClassifier.predict": trees.forest_labels,
    "ForestClassifier.predict_proba": trees.forest_probabilities,
    "GradientBoostingRegressor.predict": boosting.values,
    "GradientBoostingClassifier.decision_function": boosting.scores,
    "GradientBoostingClassifier.predict": boosting.labels,
    "GradientBoostingClassifier.predict_proba": boosting.probabilities,
    "HistGradientBoostingRegressor.predict": boosting.hist_values,
    "HistGradientBoostingClassifier.decision_function": boosting.hist_scores,
    "HistGradientBoostingClassifier.predict": boosting.hist_labels,
    "HistGradientBoostingClassifier.predict_proba": boosting.hist_probabilities,
    "StandardScaler.transform": preparing.standardized,
    "MinMaxScaler.transform": preparing.between,
    "RobustScaler.transform": preparing.robust,
    "SimpleImputer.transform": preparing.imputed,
    "OneHotEncoder.transform": preparing.encoded,
    "ColumnTransformer.transform": composed.side_by_side,
    **{f"Pipeline.{method}": composed.through(method) for method in _METHODS},
}


def methods(estimator: Any) -> Mapping[str, Computation]:
    """What can be computed quickly of an estimator: nothing of one that is not scikit-learn's own, or was patched."""
    if not all(map(_is_own, (estimator, *_trees(estimator)))):
        return {}
    found = {method: KNOWN.get(_definition(estimator, method)) for method in _METHODS if hasattr(estimator, method)}
    return {method: computation for method, computation in found.items() if computation is not None}


def _trees(estimator: Any) -> list[Any]:
    """What an ensemble is made of, and asked by its quick computation in place of their methods."""
    return list(np.ravel(getattr(estimator, "estimators_", ())))


def _is_own(estimator: Any) -> bool:
    """Whether its class and all functions of it are scikit-learn's, and none was put on the object."""
    own = type(estimator)
    if not own.__module__.startswith("sklearn."):
        return False
    put = [name for name, value in vars(estimator).items() if callable(value) and hasattr(own, name)]
    bases = (base for base in own.__mro__ if base.__module__.startswith("sklearn."))
    return not put and all(_is_written_there(part) for base in bases for part in vars(base).values())


def _is_written_there(part: Any) -> bool:
    """Whether a function is scikit-learn's own code; what is no function is not asked."""
    part = inspect.unwrap(part) if isinstance(part, FunctionType) else part
    return not isinstance(part, FunctionType) or part.__module__.partition(".")[0] in _THEIRS


def _definition(estimator: Any, method: str) -> str:
    """`LinearModel.predict`: a method by the class that defines it; both kinds of trees have one `predict`."""
    own = type(estimator)
    owner = next((each.__name__ for each in own.__mro__ if method in vars(each)), "")
    if owner == "BaseDecisionTree":
        owner = "DecisionTreeClassifier" if hasattr(estimator, "classes_") else "DecisionTreeRegressor"
    return f"{owner}.{method}"
