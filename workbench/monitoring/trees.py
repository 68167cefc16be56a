"""A model that is one ensemble of trees -> the exact Shapley values that SHAP computes from them.

After S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature
Machine Intelligence 2 (2020), against the rows of a reference ("interventional"): what sampled orders come close to.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..bundle.tables import Table
    from ..inference.predictor import Predictor


def values(predictor: Predictor, rows: Table, reference: Table, answers: Any) -> tuple[Any, Any] | None:
    """The base and the contributions of each row, of a classifier those to the probability of the class that it
    answered; None for a model that SHAP's trees do not know, or whose values do not add up to what it answers."""
    estimator = _estimator(predictor)
    if estimator is None or predictor.schema.kind != "frame":
        return None
    from shap import TreeExplainer

    given, background = map(predictor.schema.build, (rows, reference))
    label = is_label(predictor)
    try:
        explainer = TreeExplainer(
            estimator,
            data=background,
            feature_perturbation="interventional",
            model_output="probability" if label else "raw",
        )
        found, base = np.asarray(explainer.shap_values(given)), np.atleast_1d(explainer.expected_value)
        if not label:
            return _checked(np.full(len(given), base[0], dtype=float), found, np.asarray(answers, dtype=float))
        return _of_classes(estimator, given, found, base, answers)
    except Exception:  # noqa: BLE001 an estimator of another kind: it says so in many ways
        return None


def is_label(predictor: Predictor) -> bool:
    """Whether it answers a class, and not a number."""
    return hasattr(_estimator(predictor), "predict_proba")


def _estimator(predictor: Predictor) -> Any:
    function = inspect.unwrap(predictor.function)
    owner = getattr(function, "__self__", None)
    return owner if getattr(function, "__name__", "") == "predict" and hasattr(owner, "get_params") else None


def _of_classes(estimator: Any, given: Any, found: Any, base: Any, answers: Any) -> tuple[Any, Any] | None:
    chosen = np.searchsorted(estimator.classes_, answers)
    if found.ndim == 2:  # of two classes some ensembles say the second's alone
        sign = np.where(chosen == 1, 1.0, -1.0)
        found, base = found * sign[:, None], np.where(chosen == 1, base[-1], 1 - base[-1])
    else:
        found, base = found[np.arange(len(given)), :, chosen], base[chosen]
    shares = estimator.predict_proba(given)[np.arange(len(given)), chosen]
    return _checked(base, found, shares)


def _checked(base: Any, found: Any, scored: Any) -> tuple[Any, Any] | None:
    adds_up = np.allclose(base + found.sum(axis=1), scored, rtol=1e-4, atol=1e-6)
    return (base, found) if adds_up else None
