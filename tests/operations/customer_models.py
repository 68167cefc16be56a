"""Rows with all that is awkward, and models of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

CUSTOMERS = pd.DataFrame(
    {
        "age": [31, 42, 53, 29, 64, 38],
        "amount": [1.5, np.nan, 2.25, 1e-7, 12345.678, 0.1],
        "city": ["Köln", None, 'the "old", town', "Ulm", "", "Köln"],
        "day": pd.to_datetime(["2024-01-01", "2024-02-29", "2024-03-01", "2024-07-31", "2024-12-31", "2024-02-29"]),
        "vip": [True, False, True, True, False, False],
    }
)


def frame_model(df: pd.DataFrame) -> pd.DataFrame:
    """A mixed answer: a number that is no round one, a label and a whole number."""
    score = np.log1p(df.age) * df.amount.fillna(0.3) + df.city.isna() * 1000 + df.vip + df.day.dt.month / 7
    return pd.DataFrame({"score": score, "label": np.where(score > 5, "high", "low"), "months": df.day.dt.month})


def array_model(x: Any) -> Any:
    """One number per row of an array."""
    return np.exp(-x).sum(axis=1) / 3
