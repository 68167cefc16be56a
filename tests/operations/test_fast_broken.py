"""A fast path is not for estimators that a notebook changed, though no row of the proof shows it."""

from __future__ import annotations

import pytest
from fast_models import PLAIN, in_a_band, logistic
from sklearn.linear_model import LogisticRegression

from workbench.api import Workbench
from workbench.fast.prove import quicken


def test_what_a_notebook_patched_is_asked_itself(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = PLAIN[:2].assign(a=[4.2, 1.0])
    before = logistic(rows).tolist()
    with monkeypatch.context() as patching:
        patching.setattr(LogisticRegression, "decision_function", in_a_band)
        version = api.model("churn", logistic, example=PLAIN)
        right = logistic(rows).tolist()
    predictor = version.predictor(api.home)
    assert quicken(version, predictor) == (
        "no fast path: its notebook changed sklearn.LogisticRegression.decision_function"
    )
    assert predictor.predict(rows)["prediction"].tolist() == right != before
