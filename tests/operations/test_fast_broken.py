"""A fast path is not for estimators that a notebook changed, though no row of the proof shows it."""

from __future__ import annotations

import gc

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


def test_what_was_patched_is_seen_in_a_process_that_froze_its_garbage_collection(
    api: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogisticRegression, "decision_function", in_a_band)
    gc.freeze()
    try:
        version = api.model("churn", logistic, example=PLAIN)
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()
    assert [thing["name"] for thing in version.manifest.taken if thing["kind"] == "setting"] == [
        "sklearn.LogisticRegression.decision_function"
    ]
