"""Rows of every kind of field, some of them hostile to a page, and a model that says them back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

HOSTILE = '<script>alert("1")</script>'
ROWS = 200
NAMED = pd.DataFrame(
    {
        "age": np.arange(18, 18 + ROWS, dtype=np.int16),
        "amount": [np.nan, *np.linspace(0.5, 99.5, ROWS - 1)],
        "city": ["Köln", None, HOSTILE, "Ulm"] * (ROWS // 4),
        "plan": pd.Categorical(["basic", "plus", HOSTILE, None] * (ROWS // 4)),
        "day": pd.date_range("2024-01-01", periods=ROWS),
        "vip": [True, False] * (ROWS // 2),
        HOSTILE: np.arange(ROWS) + 2**60,
    }
)


def told(df: pd.DataFrame) -> pd.DataFrame:
    """Says back what it was given."""
    if (df["age"] == 13).any():
        raise ValueError("thirteen is too many")
    said = (
        df["city"].fillna("nowhere").astype(str)
        + " "
        + df["plan"].astype(object).fillna("none").astype(str)
        + " "
        + df["day"].dt.strftime("%Y-%m-%d")
    )
    return pd.DataFrame({"said": said, "vip": df["vip"], "big": df.iloc[:, 6] + 1, "amount": df["amount"]})


class Times:
    """The sum of each row, so many times."""

    def __init__(self, times: float) -> None:
        self.times = times

    def predict(self, x: Any) -> Any:
        return x.sum(axis=1) * self.times
