"""Versions of one model that are better and worse, on rows with known outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def holdout(rows: int = 400) -> pd.DataFrame:
    """Rows with the outcome `late`, which `a` tells well and `b` a little."""
    chance = np.random.default_rng(3)
    a, b = chance.random(rows), chance.random(rows)
    return pd.DataFrame({"a": a, "b": b, "late": (a + 0.2 * b + 0.3 * chance.random(rows) > 0.75).astype(int)})


def sharp(df: Any) -> Any:
    """By what tells it well."""
    return df["a"].clip(0, 1)


def sharper(df: Any) -> Any:
    """By both."""
    return ((df["a"] + 0.2 * df["b"]) / 1.2).clip(0, 1)


def blunt(df: Any) -> Any:
    """By what tells it hardly."""
    return df["b"].clip(0, 1)
