"""Outcomes and the answers that they judge -> how good each version was, over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import text

if TYPE_CHECKING:
    import pandas as pd

Measure = Callable[[Any, Any], float]

_FEW_LABELS = 20


@dataclass(frozen=True)
class Quality:
    """How good the answers of `name` were: `whole` has a row for each version, `over_time` one for each version and
    period; both with `outcomes`, their count, and a column for each measure. `said` is what was taken in just now."""

    name: str
    whole: pd.DataFrame
    over_time: pd.DataFrame
    measures: tuple[str, ...]
    said: str = ""

    def frame(self) -> pd.DataFrame:
        """One row for each period and version."""
        return self.over_time

    def __str__(self) -> str:
        total = int(self.whole["outcomes"].sum()) if len(self.whole) else 0
        head = " · ".join(filter(None, [f"{self.name} {text.count(total, 'outcome')}", self.said]))
        return "\n".join([head, *(f"  {row['version']}  {self._line(row)}" for _, row in self.whole.iterrows())])

    __repr__ = __str__

    def _line(self, row: Any) -> str:
        figures = [f"{name} {row[name]:.4g}" for name in self.measures if not np.isnan(row[name])]
        return " · ".join([*figures, text.count(int(row["outcomes"]), "outcome")])

    def to_json(self) -> dict[str, Any]:
        over = self.over_time.assign(period=self.over_time["period"].astype(str))
        return {"name": self.name, "versions": self.whole.to_dict("records"), "over_time": over.to_dict("records")}


def quality(name: str, judged: pd.DataFrame, every: float, measure: Measure | None = None, said: str = "") -> Quality:
    """The quality by version, and by periods of so many seconds, of outcomes as `outcomes.kept` gives them.

    `measure(outcomes, answers)` of the user's own comes beside the measures that fit: AUC, log loss and accuracy of
    probabilities, accuracy of labels, MAE and RMSE of numbers."""
    import pandas as pd

    fit = measures(judged["outcome"], judged["answer"]) if len(judged) else {}
    if measure is not None:
        fit = {getattr(measure, "__name__", "measure"): measure, **fit}
    period = pd.to_datetime(judged["at"], utc=True).dt.floor(pd.Timedelta(every, "s"))
    judged = judged.assign(period=period)
    whole, over = (_measured(judged, by, fit) for by in (["version"], ["period", "version"]))
    return Quality(name, whole, over, tuple(fit), said)


def _measured(judged: pd.DataFrame, by: list[str], fit: dict[str, Measure]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        dict(zip(by, key, strict=True))
        | {"outcomes": len(part)}
        | {name: float(of(part["outcome"], part["answer"])) for name, of in fit.items()}
        for key, part in judged.groupby(by, sort=True)
    ]
    return pd.DataFrame(rows, columns=[*by, "outcomes", *fit])


def measures(outcomes: pd.Series, answers: pd.Series) -> dict[str, Measure]:
    """The measures that fit such outcomes and answers."""
    import pandas as pd

    types = pd.api.types
    if not all(types.is_numeric_dtype(side.dtype) for side in (outcomes, answers)):
        return {"accuracy": _same}
    yes_or_no = outcomes.isin([0, 1]).all()
    if types.is_float_dtype(answers.dtype) and yes_or_no and answers.between(0, 1).all():
        return {"auc": auc, "log_loss": log_loss, "accuracy": lambda y, p: _same(y.astype(bool), p >= 0.5)}
    whole = not any(types.is_float_dtype(side.dtype) for side in (outcomes, answers))
    if whole and outcomes.nunique() <= _FEW_LABELS:
        return {"accuracy": _same}
    return {"mae": lambda y, p: _errors(y, p).abs().mean(), "rmse": lambda y, p: (_errors(y, p) ** 2).mean() ** 0.5}


def _errors(outcomes: pd.Series, answers: pd.Series) -> Any:
    return answers.astype(float) - outcomes.astype(float)


def _same(outcomes: Any, answers: Any) -> float:
    if outcomes.dtype != answers.dtype and not all(side.dtype.kind in "biuf" for side in (outcomes, answers)):
        outcomes, answers = outcomes.astype(str), answers.astype(str)
    return float((outcomes == answers).mean())


def auc(outcomes: Any, scores: Any) -> float:
    """The chance that a score of a positive is above that of a negative, ties by half; NaN where one is not there."""
    yes = outcomes.astype(bool)
    positives, negatives = int(yes.sum()), int((~yes).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = scores.rank()
    return float((ranks[yes].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def log_loss(outcomes: Any, scores: Any) -> float:
    """The mean of −log of the probability that was given to what happened."""
    p = scores.astype(float).clip(1e-15, 1 - 1e-15)
    return float(-np.log(np.where(outcomes.astype(bool), p, 1 - p)).mean())
