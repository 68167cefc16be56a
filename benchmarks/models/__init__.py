"""The three models that all servers answer with, their rows, and what they answer. Needs scikit-learn and pandas alone.

`linear` and `forest` take 30 numbers; `frame` takes a frame with whole numbers, numbers that may be missing, text and
dates. A server finds them as files in the folder that MODELS names, and which one is meant in MODEL.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

NAMES = ("linear", "forest", "frame")
CITIES = {"Berlin": 0.3, "Köln": 0.5, "München": 0.2, "Ulm": 0.9}
_ROWS = 2000


def table(name: str) -> Any:
    """Rows that the model was fitted to: an array of 30 columns, or a frame."""
    rng = np.random.default_rng(0)
    if name != "frame":
        return rng.normal(size=(_ROWS, 30))
    amount = rng.lognormal(4, 1, _ROWS).round(2)
    amount[::17] = np.nan
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, _ROWS), unit="D")
    city = rng.choice([*CITIES, "Fürth"], _ROWS)
    return pd.DataFrame({"age": rng.integers(18, 90, _ROWS), "amount": amount, "city": city, "joined": joined})


def prepare(df: pd.DataFrame) -> np.ndarray:
    """The numbers that the frame model is fitted to."""
    city, amount = df["city"].map(CITIES).fillna(0.4), np.log1p(df["amount"].fillna(50.0))
    return np.column_stack([df["age"] / 50, amount, city, df["joined"].dt.month, df["joined"].dt.day_of_week])


def fit(name: str) -> Any:
    """The estimator behind a model."""
    rows = table(name)
    numbers = prepare(rows) if name == "frame" else rows
    target = numbers[:, 0] + np.random.default_rng(1).normal(size=_ROWS) > numbers[:, 0].mean()
    if name == "forest":
        return RandomForestClassifier(100, n_jobs=1, random_state=0).fit(numbers, target)
    return LogisticRegression().fit(numbers, target)


def save(estimators: dict[str, Any], folder: Path) -> None:
    """Files of estimators by their names, which a server loads."""
    for name, estimator in estimators.items():
        joblib.dump(estimator, folder / f"{name}.joblib")


def meant() -> str:
    """The model that a server is to answer with."""
    return os.environ["MODEL"]


def predictor() -> Callable[[Any], np.ndarray]:
    """That model, loaded: an array or a frame -> one number a row."""
    estimator = joblib.load(Path(os.environ["MODELS"]) / f"{meant()}.joblib")
    if meant() == "frame":
        return lambda df: estimator.predict_proba(prepare(df))[:, 1]
    return lambda rows: estimator.predict_proba(rows)[:, 1]


def taken(rows: list[Any]) -> Any:
    """What a model takes, from rows as JSON has them: records of the frame, or lists of numbers."""
    if meant() != "frame":
        return np.array(rows, dtype=np.float64)
    df = pd.DataFrame(rows)
    return df.assign(joined=pd.to_datetime(df["joined"]), amount=df["amount"].astype(float))


def as_json(name: str, rows: int, start: int = 0) -> list[Any]:
    """Rows as JSON has them."""
    some = table(name)[start : start + rows]
    if name != "frame":
        return some.tolist()
    written = some.assign(joined=some["joined"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    return [{k: None if v != v else v for k, v in record.items()} for record in written.to_dict(orient="records")]
