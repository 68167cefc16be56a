"""Outcomes and the answers that they judge -> how good each version was, over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import text
from .measures import Measure, accuracy, are_chances, are_labels, auc, log_loss, mae, rmse, same

if TYPE_CHECKING:
    import pandas as pd


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
    probabilities, accuracy of labels, MAE and RMSE of numbers; of rewards their mean."""
    import pandas as pd

    true = judged[~_rewards(judged)]
    fit = measures(true["outcome"].infer_objects(), true["answer"].infer_objects()) if len(true) else {}
    if measure is not None:
        fit = {getattr(measure, "__name__", "measure"): measure, **fit}
    period = pd.to_datetime(judged["at"], utc=True).dt.floor(pd.Timedelta(every, "s"))
    judged = judged.assign(period=period)
    whole, over = (_measured(judged, by, fit) for by in (["version"], ["period", "version"]))
    return Quality(name, whole, over, tuple(map(str, whole.columns[2:])), said)


def _rewards(judged: pd.DataFrame) -> pd.Series:
    return judged["is_reward"].astype(bool)


def _measured(judged: pd.DataFrame, by: list[str], fit: dict[str, Measure]) -> pd.DataFrame:
    """A row for each group: how many outcomes and rewards it has, its measures, and the mean of its rewards."""
    import pandas as pd

    rewarded = ["reward"] * bool(_rewards(judged).any())
    rows = [
        dict(zip(by, key, strict=True)) | {"outcomes": len(part)} | _figures(part, fit)
        for key, part in judged.groupby(by, sort=True)
    ]
    return pd.DataFrame(rows, columns=[*by, "outcomes", *fit, *rewarded])


def _figures(part: pd.DataFrame, fit: dict[str, Measure]) -> dict[str, float]:
    true, rewards = part[~_rewards(part)], part[_rewards(part)]["outcome"].astype(float)
    outcomes, answers = true["outcome"].infer_objects(), true["answer"].infer_objects()
    measured = {name: float(of(outcomes, answers)) if len(true) else float("nan") for name, of in fit.items()}
    return measured | {"reward": float(rewards.mean())}


def measures(outcomes: pd.Series, answers: pd.Series) -> dict[str, Measure]:
    """The measures that fit such outcomes and answers."""
    if are_labels(outcomes, answers):
        return {"accuracy": same}
    if are_chances(outcomes, answers):
        return {"auc": auc, "log_loss": log_loss, "accuracy": accuracy}
    return {"mae": mae, "rmse": rmse}
