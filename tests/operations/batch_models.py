"""Models that wait or fail, in a module of their own: they are captured with it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
import pandas as pd


def row_wise(df: pd.DataFrame) -> pd.DataFrame:
    """A number that is no round one and a label; what a row is answered depends on it alone."""
    score = np.log1p(df.age) * df.amount.fillna(0.3) + df.city.isna() * 1000 + df.vip + (df.day.dt.month / 7).fillna(0)
    return pd.DataFrame({"score": score, "label": np.where(score > 5, "high", "low")})


class Gated:
    """A row-wise model that waits while its gate, a file, is there and it is asked about more than ten rows."""

    def __init__(self, gate: str) -> None:
        self.gate = gate

    def predict(self, df: Any) -> Any:
        while len(df) > 10 and os.path.exists(self.gate):
            time.sleep(0.01)
        return df["age"] * 2.0 + df["amount"]


def ten_at_most(df: Any) -> Any:
    """A model that fails when it is asked about more than ten rows."""
    if len(df) > 10:
        raise ValueError("no more than ten")
    return df["age"] * 2


def deadly(df: Any) -> Any:
    """A model whose process ends at two ages."""
    for age, ending in ((66, signal.SIGSEGV), (99, signal.SIGABRT)):
        if (df["age"] == age).any():
            os.kill(os.getpid(), ending)
    return df["age"] * 2.0
