"""Estimators of every kind that has a fast path, fitted on rows of four columns."""

from __future__ import annotations

import copy
import functools
import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble, linear_model, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from workbench.fast.finding import estimators
from workbench.fast.known import methods
from workbench.fast.swap import Swapped, swap

NAMES = ["a", "b", "c", "d"]
rng = np.random.default_rng(7)
X = rng.normal(size=(240, 4)) * [1, 10, 0.1, 1000]
NUMBER = X @ [1.0, -0.2, 7.0, 0.001] + rng.normal(size=240)
TWO = np.where(NUMBER > 0, "yes", "no")
THREE = np.digitize(NUMBER, [-1, 1])
BOTH = np.column_stack([NUMBER, -(NUMBER**2)])

MIXED = pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(
    n=rng.integers(0, 9, 240),
    s=rng.choice(["red", "green", "blue"], 240),
    t=rng.choice(["u", "v"], 240),
)
MIXED.loc[::9, "b"] = np.nan

_SCALES = (
    StandardScaler(),
    MinMaxScaler(),
    RobustScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(copy=False),
)
_CLASSIFIERS = (
    linear_model.LogisticRegression(),
    linear_model.LogisticRegression(fit_intercept=False, C=0.1),
    linear_model.SGDClassifier(loss="log_loss", random_state=0),
    linear_model.SGDClassifier(loss="modified_huber", random_state=0),
    linear_model.RidgeClassifier(),
    svm.LinearSVC(random_state=0),
    tree.DecisionTreeClassifier(max_depth=5, random_state=0),
    ensemble.RandomForestClassifier(12, random_state=0),
    ensemble.ExtraTreesClassifier(5, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=3, init="zero", random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=3, init=linear_model.LogisticRegression(), random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=8),
    make_pipeline(StandardScaler(), linear_model.LogisticRegression()),
    make_pipeline(SimpleImputer(), "passthrough", RobustScaler(), ensemble.RandomForestClassifier(5, random_state=0)),
)
_REGRESSORS = (
    linear_model.LinearRegression(),
    linear_model.Ridge(),
    linear_model.Lasso(0.01),
    linear_model.ElasticNet(0.01),
    linear_model.SGDRegressor(random_state=0, eta0=1e-9),
    linear_model.HuberRegressor(),
    tree.DecisionTreeRegressor(max_depth=6, random_state=0),
    ensemble.RandomForestRegressor(12, random_state=0),
    ensemble.ExtraTreesRegressor(5, n_jobs=1, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=8, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=3, loss="quantile", random_state=0),
    ensemble.HistGradientBoostingRegressor(max_iter=8),
    ensemble.HistGradientBoostingRegressor(max_iter=5, loss="poisson"),
    make_pipeline(MinMaxScaler(), linear_model.Ridge()),
)
_SEVERAL = (
    linear_model.LinearRegression(),
    linear_model.Ridge(),
    tree.DecisionTreeRegressor(max_depth=4),
    ensemble.RandomForestRegressor(4),
)


_SETS = (
    (_CLASSIFIERS, TWO),
    (_CLASSIFIERS, THREE),
    (_REGRESSORS, abs(NUMBER)),
    (_SEVERAL, BOTH),
    (_SCALES, None),
)
_KINDS = [(kind, outcome) for kinds, outcome in _SETS for kind in kinds]
KINDS = {f"{number}-{type(kind).__name__}": (kind, outcome) for number, (kind, outcome) in enumerate(_KINDS)}


@functools.cache
def fitted(name: str, *, of_frames: bool = False) -> Any:
    """The estimator of that name among `KINDS`, fitted on an array or a frame."""
    kind, outcome = KINDS[name]
    with warnings.catch_warnings(action="ignore"):
        return copy.deepcopy(kind).fit(pd.DataFrame(X, columns=NAMES) if of_frames else X, outcome)


def table_model(*, sparse: bool = False, unknown: str = "ignore", rest: str = "drop") -> Any:
    """Numbers that are filled and scaled, texts that are filled and encoded, and a logistic regression."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown=unknown))
    columns = ColumnTransformer(
        [
            ("numbers", numbers, ["a", "b"] if rest == "passthrough" else ["a", "b", "n"]),
            ("texts", texts, ["s"]),
            ("more", OneHotEncoder(), ["t"]),
        ],
        sparse_threshold=1.0 if sparse else 0.3,
        remainder=rest,
    )
    return make_pipeline(columns, linear_model.LogisticRegression()).fit(MIXED, NUMBER > 0)


def quickened(estimator: Any, *, on: bool = True) -> tuple[Any, list[Swapped]]:
    """A copy whose known parts answer quickly."""
    quick = copy.deepcopy(estimator)
    swapped = [swap(each, known) for each in estimators("", [quick]) if (known := methods(each))]
    for each in swapped:
        each.on = on
    return quick, swapped
