"""What must hold is read as it is written, and told with figures that show why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import UsageError
from workbench.monitoring.conditions import read
from workbench.monitoring.measures import agreement, named


def test_conditions_are_read_and_told() -> None:
    first, second, third = read("auc >= live - 0.01, errors <= 2% and p90 < 50ms")
    assert list(map(str, (first, second, third))) == ["auc >= live - 0.01", "errors <= 2%", "p90 < 50ms"]
    assert [read(str(one)) for one in (first, second, third)] == [[first], [second], [third]]
    assert first.holds(0.875, 0.884)
    assert first.told(0.871, 0.884) == "auc 0.871 < 0.874 (live − 0.01)"
    assert not second.holds(0.03, None)
    assert second.told(0.033, None) == "errors 3.3 % > 2 %"
    assert third.told(0.0613, None) == "p90 61.3 ms ≥ 50 ms"


def test_digits_tell_what_differs_apart() -> None:
    (condition,) = read("auc >= live")
    assert condition.told(0.88401, 0.88402) == "auc 0.88401 < 0.88402"
    assert condition.told(0.884, 0.884) == "auc 0.884 ≥ 0.884"


def test_what_is_not_known_does_not_hold_and_without_a_live_version_all_does() -> None:
    (condition,) = read("auc >= live")
    assert not condition.holds(float("nan"), 0.5)
    assert condition.told(float("nan"), 0.5) == "auc is not known, which says nothing"
    assert condition.holds(0.1, None)
    assert condition.told(0.1, None) == "auc 0.1, nothing is live"


@pytest.mark.parametrize("wrong", ["", "auc", "auc >= ", "auc == live", "auc >= life", "0.9 <= auc", "auc >= live * 2"])
def test_what_is_no_condition_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="is no condition"):
        read(wrong)


def test_measures_have_the_names_of_scikit_learn() -> None:
    chance = np.random.default_rng(1)
    yes = pd.Series(chance.integers(0, 2, 500))
    chances = (0.6 * yes + 0.7 * pd.Series(chance.random(500))).clip(0, 1)
    from sklearn import metrics

    labels = (chances >= 0.5).astype(int)
    expected = {
        "auc": metrics.roc_auc_score(yes, chances),
        "roc_auc": metrics.roc_auc_score(yes, chances),
        "log_loss": metrics.log_loss(yes, chances.clip(1e-15, 1 - 1e-15)),
        "neg_log_loss": -metrics.log_loss(yes, chances.clip(1e-15, 1 - 1e-15)),
        "accuracy": metrics.accuracy_score(yes, labels),
        "f1": metrics.f1_score(yes, labels),
        "f1_macro": metrics.f1_score(yes, labels, average="macro"),
        "average_precision": metrics.average_precision_score(yes, chances),
        "brier": metrics.brier_score_loss(yes, chances),
        "mae": metrics.mean_absolute_error(yes, chances),
        "rmse": metrics.root_mean_squared_error(yes, chances),
        "r2": metrics.r2_score(yes, chances),
    }
    found = {name: named(name, {})(yes, chances) for name in expected}
    assert found == pytest.approx(expected)


def test_labels_are_judged_too() -> None:
    said, answered = pd.Series(["no", "yes", "no", "yes"]), pd.Series(["no", "yes", "yes", "yes"])
    assert named("accuracy", {})(said, answered) == 0.75
    assert named("auc", {})(said, pd.Series([0.1, 0.9, 0.2, 0.8])) == 1.0
    assert agreement(said, answered) == 0.75
    assert agreement(pd.Series([0.1, 0.9]), pd.Series([0.2, 0.3])) == 0.5


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(UsageError, match="there is no measure 'acuracy'"):
        named("acuracy", {})
    with pytest.raises(UsageError, match="auc cannot be computed"):
        named("auc", {})(pd.Series(["a", "b", "c"]), pd.Series([0.1, 0.2, 0.3]))
