"""Versions that answer their example, and are bad at what is asked later."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from serving_parts import first

BEYOND = 100
UNHURRIED = "p90 <= 60s"
"""What is watched where a test is of something else than how long answers take: a busy machine makes any version slow."""


def raises(df: Any) -> Any:
    """Fails at rows that no example has."""
    if (df["a"] > BEYOND).any():
        raise ValueError("too large")
    return first(df)


def third(df: Any) -> Any:
    """As the first, in other words."""
    return df["b"] + df["a"] * 3


def slow(df: Any) -> Any:
    """Takes its time over them."""
    if (df["a"] > BEYOND).any():
        time.sleep(0.1)
    return first(df)


def stuck(df: Any) -> Any:
    """Never comes to an end with them."""
    if (df["a"] > BEYOND).any():
        time.sleep(3600)
    return first(df)


class Sum:
    """The same as the first, in numpy alone."""

    def predict(self, df: Any) -> Any:
        return df.to_numpy() @ np.array([3.0, 1.0])
