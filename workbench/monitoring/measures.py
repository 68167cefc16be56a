"""Measures of answers against true outcomes, by the names that scikit-learn has for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

Measure = Callable[[Any, Any], float]
"""Of the outcomes and the answers to the same rows, both as series."""

_FEW_LABELS = 20
_AVERAGES = ("macro", "micro", "weighted")
_ENDINGS = ("_score", "", "_error", "_loss", "_score_loss")


def named(name: str, own: Mapping[str, Measure]) -> Measure:
    """The measure of this name: one of `own`, which are the user's, or of scikit-learn. UsageError where there is none;
    from the measure itself where it cannot be computed of such rows."""
    if found := own.get(name):
        return _guarded(name, found)
    if found := _BUILT_IN.get(name) or _of_sklearn(name):
        return _guarded(name, found)
    near = text.closest(name, [*own, *_BUILT_IN, *BESIDE, "f1", "precision", "recall"])
    fix = (
        f"did you mean {near}?"
        if near
        else f"{', '.join(_NAMES)}, f1 … as scikit-learn calls them, or --metric FUNCTION"
    )
    raise UsageError(f"there is no measure {name!r}", fix=fix)


def known(name: str) -> bool:
    """Whether there is a measure of this name that is nobody's own."""
    return name in _BUILT_IN or _of_sklearn(name) is not None


def _guarded(name: str, measure: Measure) -> Measure:
    def measured(outcomes: pd.Series, answers: pd.Series) -> float:
        try:
            return float(measure(outcomes, answers))
        except Exception as error:
            what = f"{name} cannot be computed: {type(error).__name__}: {error}"
            fix = "choose a measure that fits such outcomes and answers; --answer COLUMN says which answer is judged"
            raise UsageError(what, fix=fix) from error

    return measured


def _of_sklearn(name: str) -> Measure | None:
    """`f1`, `f1_macro`, `average_precision`, `neg_log_loss`: what answers a number of outcomes and answers."""
    try:
        from sklearn import metrics
    except ImportError:
        return None
    if name.startswith("neg_"):
        positive = _BUILT_IN.get(name[4:]) or _of_sklearn(name[4:])
        return (lambda y, p: -positive(y, p)) if positive else None
    base, _, average = name.rpartition("_") if name.endswith(_AVERAGES) else (name, "", "")
    function = next((f for end in _ENDINGS if callable(f := getattr(metrics, base + end, None))), None)
    if function is None:
        return None
    more = {"average": average} if average else {}
    return lambda y, p: function(y, _as_asked(function, y, p), **more)


def _as_asked(function: Callable[..., Any], outcomes: pd.Series, answers: pd.Series) -> pd.Series:
    """Labels for what judges labels: of a probability, whether it is a half or more."""
    import inspect

    of_labels = "y_pred" in inspect.signature(function).parameters
    return (answers >= 0.5).astype(outcomes.dtype) if of_labels and are_chances(outcomes, answers) else answers


def are_labels(outcomes: pd.Series, answers: pd.Series) -> bool:
    """Whether outcomes and answers are words, or few whole numbers."""
    import pandas as pd

    types = pd.api.types
    if not all(types.is_numeric_dtype(side.dtype) for side in (outcomes, answers)):
        return True
    whole = not any(types.is_float_dtype(side.dtype) for side in (outcomes, answers))
    return whole and outcomes.nunique() <= _FEW_LABELS


def are_chances(outcomes: pd.Series, answers: pd.Series) -> bool:
    """Whether the answers are probabilities of outcomes that are 0 or 1."""
    import pandas as pd

    types = pd.api.types
    if not all(types.is_numeric_dtype(side.dtype) for side in (outcomes, answers)):
        return False
    return bool(types.is_float_dtype(answers.dtype) and outcomes.isin([0, 1]).all() and answers.between(0, 1).all())


def accuracy(outcomes: Any, answers: Any) -> float:
    """The share of rows that were answered right; a probability counts as yes from a half on."""
    if are_chances(outcomes, answers):
        return same(outcomes.astype(bool), answers >= 0.5)
    return same(outcomes, answers)


def same(outcomes: Any, answers: Any) -> float:
    """The share of equal values."""
    return float(right(outcomes, answers).mean())


def right(outcomes: Any, answers: Any) -> Any:
    """Which values are equal, whatever their types."""
    if outcomes.dtype != answers.dtype and not all(side.dtype.kind in "biuf" for side in (outcomes, answers)):
        outcomes, answers = outcomes.astype(str), answers.astype(str)
    return outcomes == answers


def auc(outcomes: Any, scores: Any) -> float:
    """The chance that a score of a positive is above that of a negative, ties by half; NaN where one is not there."""
    yes = _positive(outcomes)
    positives, negatives = int(yes.sum()), int((~yes).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = scores.rank()
    return float((ranks[yes].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def log_loss(outcomes: Any, scores: Any) -> float:
    """The mean of −log of the probability that was given to what happened."""
    import numpy as np

    p = scores.astype(float).clip(1e-15, 1 - 1e-15)
    return float(-np.log(np.where(_positive(outcomes), p, 1 - p)).mean())


def _positive(outcomes: Any) -> Any:
    """Which of two outcomes is meant by yes: 1, True, or the last in order."""
    labels = sorted(outcomes.unique())
    if set(labels) <= {0, 1}:
        return outcomes.astype(bool)
    if len(labels) != 2:
        raise ValueError(f"it is for two outcomes, and there are {len(labels)}")
    return outcomes == labels[1]


def errors(outcomes: Any, answers: Any) -> Any:
    """By how much each answer is above its outcome."""
    return answers.astype(float) - outcomes.astype(float)


def mae(outcomes: Any, answers: Any) -> float:
    """The mean of the absolute errors."""
    return float(errors(outcomes, answers).abs().mean())


def mse(outcomes: Any, answers: Any) -> float:
    """The mean of the squared errors."""
    return float((errors(outcomes, answers) ** 2).mean())


def rmse(outcomes: Any, answers: Any) -> float:
    """The root of the mean of the squared errors."""
    return float(mse(outcomes, answers) ** 0.5)


def r2(outcomes: Any, answers: Any) -> float:
    """Which share of the outcomes' variance is explained; NaN where they do not vary."""
    spread = float(outcomes.astype(float).var(ddof=0))
    return 1 - mse(outcomes, answers) / spread if spread else float("nan")


_BUILT_IN: dict[str, Measure] = {
    "auc": auc,
    "roc_auc": auc,
    "accuracy": accuracy,
    "log_loss": log_loss,
    "mae": mae,
    "mean_absolute_error": mae,
    "mse": mse,
    "mean_squared_error": mse,
    "rmse": rmse,
    "root_mean_squared_error": rmse,
    "r2": r2,
}
_NAMES = ("auc", "accuracy", "log_loss", "mae", "rmse", "r2")


def agreement(before: Any, now: Any) -> float:
    """The share of rows that both answer alike: the same label or number; a chance counts as yes from a half on."""
    if all(side.dtype.kind == "f" and side.between(0, 1).all() for side in (before, now)):
        return float(((before >= 0.5) == (now >= 0.5)).mean())
    return same(before, now)


def shift(before: Any, now: Any) -> float:
    """By how much both answers differ, in the mean."""
    return mae(before, now)


BESIDE: dict[str, Measure] = {"agreement": agreement, "shift": shift}
"""Measures of a version beside the live one, which need no outcomes."""
