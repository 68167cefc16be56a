"""Versions that answer their example, and are bad at what is asked later."""

from __future__ import annotations

import time
from typing import Any

from serving_parts import first

BEYOND = 100


def raises(df: Any) -> Any:
    """Fails at rows that no example has."""
    if (df["a"] > BEYOND).any():
        raise ValueError("too large")
    return first(df)


def slow(df: Any) -> Any:
    """Takes its time over them."""
    if (df["a"] > BEYOND).any():
        time.sleep(0.05)
    return first(df)
