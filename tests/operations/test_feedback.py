"""Outcomes find the answers that they judge, once each; quality is that of each version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from serving_parts import NUMBERS, client, first, second

from workbench.api import Workbench
from workbench.errors import UsageError
from workbench.monitoring.quality import auc, log_loss, measures, quality


@pytest.fixture
def service(api: Workbench) -> Any:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    return api.serve("churn", log_requests=True)


def ask(service: Any, request: str, *rows: tuple[float, float]) -> None:
    with client(service) as asking:
        body = [{"a": a, "b": b} for a, b in rows]
        assert asking.post("/predict", json=body, headers={"X-Request-Id": request}).status_code == 200


def outcomes(*found: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(found, columns=["request", "row", "paid"])


def test_outcomes_come_late_in_bulk_and_again_and_count_once(api: Workbench, service: Any, tmp_path: Path) -> None:
    ask(service, "one", (1.0, 2.0), (2.0, 0.0))
    assert str(api.feedback("churn")) == "service/churn 0 outcomes"
    said = api.feedback("churn", outcomes(("one", 0, 5.0), ("one", 1, 8.0), ("nobody", 0, 1.0)))
    assert "2 outcomes · 2 new, 1 of no row in the log" in str(said)
    assert said.whole[["version", "outcomes", "mae"]].values.tolist() == [["churn@1", 2, 1.0]]
    again = api.feedback("churn", outcomes(("one", 0, 5.0), ("one", 1, 8.0)))
    assert "2 outcomes · 0 new" in str(again)
    outcomes(("one", 1, 6.0)).to_csv(tmp_path / "late.csv", index=False)
    corrected = api.feedback("churn", "late.csv")
    assert "2 outcomes · 1 new" in str(corrected)
    assert corrected.whole["rmse"].tolist() == [0.0]


def test_each_version_has_its_quality_also_when_the_log_is_gone(api: Workbench, service: Any) -> None:
    ask(service, "one", (1.0, 2.0))
    api.model("churn", second, example=NUMBERS, row_wise="yes")
    api.promote("churn@2")
    ask(service, "two", (1.0, 2.0))
    seen = api.feedback("churn", pd.DataFrame({"request": ["one", "two"], "true": [5.0, 5.0]}))
    assert seen.whole[["version", "mae"]].values.tolist() == [["churn@1", 0.0], ["churn@2", 1000.0]]
    assert "  churn@2  mae 1000 · rmse 1000 · 1 outcome" in str(seen)
    logged = list((service.running.store.job_folder(service.name) / "requests").glob("*.*"))
    assert logged
    for file in logged:
        file.unlink()
    assert api.feedback("churn").whole.equals(seen.whole)
    over = api.feedback("churn", every="1h", metric=lambda y, p: float(len(y))).frame()
    assert over["<lambda>"].sum() == 2
    assert {"period", "version", "outcomes", "mae"} <= set(over.columns)


def test_a_column_that_was_asked_finds_the_rows(api: Workbench, service: Any) -> None:
    ask(service, "one", (7.0, 2.0), (8.0, 0.0))
    seen = api.feedback(
        "churn", pd.DataFrame({"a": [8, 7], "paid": [24.0, 20.0], "note": "x"}), key="a", outcome="paid"
    )
    assert seen.whole["outcomes"].tolist() == [2]
    assert seen.whole["mae"].tolist() == [1.5]


def test_what_does_not_fit_says_so(api: Workbench, service: Any) -> None:
    ask(service, "one", (7.0, 2.0))
    with pytest.raises(UsageError, match="nothing says which rows"):
        api.feedback("churn", pd.DataFrame({"paid": [1.0]}))
    with pytest.raises(UsageError, match="which column is the outcome"):
        api.feedback("churn", pd.DataFrame({"request": ["one"], "paid": [1.0], "other": 2}))
    with pytest.raises(UsageError, match="no column 'paid'"):
        api.feedback("churn", pd.DataFrame({"request": ["one"], "other": 2}), outcome="paid")
    with pytest.raises(UsageError, match="has no column 'customer'"):
        api.feedback("churn", pd.DataFrame({"customer": [1], "other": 2}), key="customer")
    with pytest.raises(UsageError, match="answers no 'score'"):
        api.feedback("churn", outcomes(("one", 0, 1.0)), answer="score")
    with pytest.raises(UsageError, match="is no function"):
        api.feedback("churn", metric="auc")


def test_measures_are_those_of_scikit_learn() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(0)
    true = pd.Series(rng.integers(0, 2, 300))
    scores = pd.Series((0.3 * true + 0.7 * rng.random(300)).round(1))
    assert auc(true, scores) == pytest.approx(metrics.roc_auc_score(true, scores))
    assert log_loss(true, scores.clip(0.01, 0.99)) == pytest.approx(metrics.log_loss(true, scores.clip(0.01, 0.99)))
    assert set(measures(true, scores)) == {"auc", "log_loss", "accuracy"}
    assert set(measures(true.astype(str), pd.Series(["0"] * 300))) == {"accuracy"}
    assert set(measures(scores * 9, scores)) == {"mae", "rmse"}
    judged = pd.DataFrame({"version": "m@1", "outcome": true > 0, "answer": true > 0, "is_reward": False})
    judged["at"] = pd.Timestamp("2024-01-01")
    assert quality("service/m", judged, 86400).whole["accuracy"].tolist() == [1.0]
