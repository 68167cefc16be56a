"""Models whose answers are of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

AWKWARD = pd.DataFrame(
    {
        "small": np.array([1, -2, 3], np.int8),
        "single": np.array([0.1, np.nan, 3.5], np.float32),
        "whole": pd.array([1, None, 2**60], dtype="Int64"),
        "text": pd.array(["a", None, ""], dtype="string"),
        "kind": pd.Categorical(["x", "y", None]),
        "when": pd.to_datetime(["2024-01-01T12:00:00.000001", None, "1999-12-31T00:00:00.5"]),
        "zoned": pd.to_datetime(["2024-01-01", "2024-06-01", "2024-07-01"]).tz_localize("Europe/Berlin"),
        "lasts": pd.to_timedelta([1, 2, 3], unit="s"),
        "yes": [True, False, True],
    }
)


def everything(df: pd.DataFrame) -> pd.DataFrame:
    """What it was given, under other names."""
    return df.add_prefix("its_")


def everything_together(df: pd.DataFrame) -> Any:
    """A model that is not row-wise."""
    return df["a"] - df["a"].mean()


def wide(x: Any) -> Any:
    """Two columns."""
    return np.c_[x.sum(axis=1), x.max(axis=1)]


def images(x: Any) -> Any:
    """One number of each picture."""
    return x.reshape(len(x), -1).sum(axis=1)
