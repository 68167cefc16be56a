"""The methods of scikit-learn whose arithmetic is known exactly, by the class that defines them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import boosting, composed, linear, preparing, trees
from .swap import Computation

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
    """What can be computed quickly of an estimator: nothing of classes that are not scikit-learn's own."""
    own = type(estimator)
    if not own.__module__.startswith("sklearn."):
        return {}
    found = {method: KNOWN.get(_definition(estimator, method)) for method in _METHODS if hasattr(estimator, method)}
    return {method: computation for method, computation in found.items() if computation is not None}


def _definition(estimator: Any, method: str) -> str:
    """`LinearModel.predict`: a method by the class that defines it; both kinds of trees have one `predict`."""
    own = type(estimator)
    owner = next((each.__name__ for each in own.__mro__ if method in vars(each)), "")
    if owner == "BaseDecisionTree":
        owner = "DecisionTreeClassifier" if hasattr(estimator, "classes_") else "DecisionTreeRegressor"
    return f"{owner}.{method}"
