"""Models that cards are made for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

CUSTOMERS = pd.DataFrame(
    {
        "age": np.linspace(18, 80, 120).round(1),
        "calls": np.arange(120) % 7,
        "plan": pd.Categorical(["basic", "plus", "<pro>"] * 40),
        "vip": [True, False] * 60,
        "city": ["Köln", "Ulm", None] * 40,
    }
)


def first(df: pd.DataFrame) -> Any:
    """A number for each customer."""
    return df["age"] / 100 + df["calls"] + df["vip"]


def second(df: pd.DataFrame) -> Any:
    """Another."""
    return df["age"] / 100 + df["calls"] + df["vip"] + 1000


def third(df: pd.DataFrame) -> Any:
    """A third."""
    return df["age"] / 100 + df["calls"] + df["vip"] + 2000


def labelled(df: pd.DataFrame) -> Any:
    """A number and a label; nobody may be thirteen."""
    if (df["age"] == 13).any():
        raise ValueError("thirteen is too many")
    return pd.DataFrame({"score": df["age"] * 2, "label": np.where(df["plan"] == "plus", "more", "less")})


def added(x: Any) -> Any:
    """One number for each row of an array."""
    return x.sum(axis=1)
