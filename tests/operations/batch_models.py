"""Models that wait or fail, in a module of their own: they are captured with it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def row_wise(df: pd.DataFrame) -> pd.DataFrame:
    """A number that is no round one and a label; what a row is answered depends on it alone."""
    score = np.log1p(df.age) * df.amount.fillna(0.3) + df.city.isna() * 1000 + df.vip + (df.day.dt.month / 7).fillna(0)
    return pd.DataFrame({"score": score, "label": np.where(score > 5, "high", "low")})


def second(df: pd.DataFrame) -> pd.DataFrame:
    return row_wise(df).assign(score=1.0)


def third(df: pd.DataFrame) -> pd.DataFrame:
    return row_wise(df).assign(score=2.0)


class LateGated:
    """As `row_wise`; waits while its gate, a file, is there and it is asked about somebody older than a hundred."""

    def __init__(self, gate: str) -> None:
        self.gate = gate

    def predict(self, df: pd.DataFrame) -> pd.DataFrame:
        while (df["age"] > 100).any() and os.path.exists(self.gate):
            time.sleep(0.01)
        return row_wise(df)


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


class Failing:
    """A row-wise model that fails so many times as a file says, and then not any more."""

    def __init__(self, count: str) -> None:
        self.count = count

    def predict(self, df: Any) -> Any:
        count = Path(self.count)
        left = int(count.read_text()) if count.exists() else 0
        if left:
            count.write_text(str(left - 1))
            raise ConnectionError("not now")
        return df["age"] * 2.0 + df["amount"]
