"""Models of every kind of input and answer, to be asked over HTTP."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 40), "b": np.arange(40)})
IMAGES = {"image": np.arange(24, dtype="float32").reshape(4, 2, 3), "bias": np.array([1.5, 2.5, 3.5, 4.5])}


def doubled(df: pd.DataFrame) -> Any:
    """Twice `a`, and `b`."""
    return df["a"] * 2 + df["b"]


def nearly_doubled(df: pd.DataFrame) -> Any:
    """The same but for the last nine rows, which are a little more."""
    return df["a"] * 2 + df["b"] + 1e-9 * (df["b"] > 30)


def centred(df: pd.DataFrame) -> Any:
    """Not row by row."""
    return df["a"] - df["a"].mean()


def mixed(df: pd.DataFrame) -> pd.DataFrame:
    """Every kind of answer, with missing values."""
    return pd.DataFrame(
        {
            "score": df["amount"] * df["age"],
            "label": df["city"],
            "grade": df["age"].astype("Int64").where(df["vip"]),
            "at": df["day"] + pd.Timedelta(1, "h"),
            "vip": df["vip"],
            "small": (df["age"] / 3).astype("float32"),
        }
    )


def arrays(given: dict[str, Any]) -> Any:
    """One number per row of a dict of arrays."""
    return given["image"].sum(axis=(1, 2)) + given["bias"]
