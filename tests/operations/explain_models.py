"""Models whose explanations are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    numbers = {"age": rng.normal(40, 10, n), "calls": rng.poisson(3, n), "noise": rng.random(n)}
    return pd.DataFrame(numbers | {"plan": rng.choice(["basic", "plus"], n)})


def additive(df: pd.DataFrame) -> Any:
    """What each column adds does not depend on the others."""
    return 2 * df["age"] - df["calls"] + 10 * (df["plan"] == "plus")


def mixed(df: pd.DataFrame) -> Any:
    """Calls count for those of one plan alone."""
    return df["calls"] * (df["plan"] == "plus") + df["age"] / 10


def labels(df: pd.DataFrame) -> Any:
    return np.where(df["age"] > 40, "old", "young")


def ranked(df: pd.DataFrame) -> Any:
    """Not row-wise: the answer depends on who else is there."""
    return df["age"].rank() + df["calls"]


def pixels(images: Any) -> Any:
    return images @ np.array([1.0, -2.0, 0.0])


class Told:
    """Explains itself."""

    def predict(self, df: pd.DataFrame) -> Any:
        return additive(df)

    def explain(self, df: pd.DataFrame) -> Any:
        return pd.DataFrame({"age": 2 * df["age"], "everything else": additive(df) - 2 * df["age"] - 1, "base": 1.0})


class ToldWrong(Told):
    def explain(self, df: pd.DataFrame) -> Any:
        return np.ones((len(df), 7))
