"""Estimators that were changed by hand are asked themselves, though no row of a proof may show it."""

from __future__ import annotations

from types import MethodType
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from workbench.fast.known import methods

ROWS = np.arange(20.0).reshape(10, 2)


def of_its_own(self: Any, given: Any) -> Any:
    return np.zeros(len(given))


class Careful(DecisionTreeRegressor):
    def predict(self, X: Any, check_input: bool = True) -> Any:
        return super().predict(X, check_input) + 1


def test_a_patched_class_has_no_quick_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LogisticRegression().fit(ROWS, ROWS[:, 0] > 9)
    assert set(methods(model)) == {"decision_function", "predict", "predict_proba"}
    monkeypatch.setattr(LogisticRegression, "decision_function", of_its_own)
    assert not methods(model)


def test_an_object_with_a_method_of_its_own_has_none() -> None:
    model = LinearRegression().fit(ROWS, ROWS[:, 0])
    assert methods(model)
    model._decision_function = MethodType(of_its_own, model)
    assert not methods(model)


def test_a_forest_of_other_trees_has_none() -> None:
    forest = RandomForestRegressor(3, random_state=0).fit(ROWS, ROWS[:, 0])
    assert methods(forest)
    forest.estimators_[1] = Careful().fit(ROWS, ROWS[:, 0])
    assert not methods(forest)
