"""Customers, and a model that scores them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def customers(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "plus"], n)
    return pd.DataFrame({"age": rng.normal(45.0, 9.0, n).round(1), "plan": plan, "calls": rng.poisson(3, n)})


def score(df: pd.DataFrame) -> Any:
    """Older ones with many calls."""
    return df["age"] / 100 + df["calls"] * (df["plan"] == "plus")
