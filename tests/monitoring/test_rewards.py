"""What versions have earned, out of the outcomes of what they answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.monitoring.quality import quality
from workbench.monitoring.rewards import Rewards, earned, keep
from workbench.routing.bandit import Earned


def judged(outcomes: list[Any], answers: list[Any], *, rewards: bool = False) -> pd.DataFrame:
    """Rows that two versions answered in turn, an hour apart."""
    rows = range(len(outcomes))
    return pd.DataFrame(
        {
            "request": [str(i) for i in rows],
            "row": 0,
            "at": pd.to_datetime([3600 * i for i in rows], unit="s", utc=True),
            "version": [f"churn@{1 + i % 2}" for i in rows],
            "outcome": outcomes,
            "answer": answers,
            "is_reward": rewards,
        }
    )


def test_rewards_that_are_given_count_as_they_are() -> None:
    seen = earned(judged([1.0, 0.0, 1.0, 0.5], [9, 9, 9, 9], rewards=True), 0.0)
    assert seen == {"churn@1": Earned(2, 2.0, 2.0, 1.0, 1.0), "churn@2": Earned(2, 0.5, 0.25, 0.0, 0.5)}


@pytest.mark.parametrize(
    ("outcomes", "answers", "means"),
    [
        (["yes", "no"], ["yes", "yes"], (1.0, 0.0)),
        ([1, 0], [1, 1], (1.0, 0.0)),
        ([1, 0], [0.9, 0.5], (0.99, 0.75)),
        ([10.0, 20.0], [12.0, 20.5], (-2.0, -0.5)),
    ],
)
def test_outcomes_say_what_an_answer_was_worth(outcomes: list[Any], answers: list[Any], means: Any) -> None:
    seen = earned(judged(outcomes, answers), 0.0)
    assert (seen["churn@1"].mean, seen["churn@2"].mean) == pytest.approx(means)


def test_only_what_was_answered_since_counts() -> None:
    assert earned(judged([1.0, 1.0, 1.0], [0, 0, 0], rewards=True), 3600.0)["churn@1"].count == 1
    assert earned(judged([1.0], [0], rewards=True), 3600.0) == {}


def test_all_who_look_see_what_was_kept_for_their_table(tmp_path: Path) -> None:
    first, late = Rewards(tmp_path), {"churn@1": Earned(3, 2.0, 2.0, 0.0, 1.0)}
    keep(tmp_path, 7, late)
    assert first.of(7) == {}
    first.refresh()
    assert first.of(7) == Rewards(tmp_path).of(7) == late
    assert first.of(8) == {}, "another table begins anew"


def test_quality_shows_rewards_beside_what_was_true() -> None:
    both = pd.concat([judged([1, 0], [0.9, 0.2]), judged([0.5, 1.0], [0.9, 0.2], rewards=True)], ignore_index=True)
    seen = quality("service/churn", both, 86400.0)
    assert seen.whole["reward"].tolist() == [0.5, 1.0]
    assert seen.whole["accuracy"].tolist() == [1.0, 1.0]
    assert "reward 0.5" in str(seen)
