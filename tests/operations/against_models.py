"""Models of every kind of input and answer, to be asked over HTTP."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 40), "b": np.arange(40)})
IMAGES = {"image": np.arange(24, dtype="float32").reshape(4, 2, 3), "bias": np.array([1.5, 2.5, 3.5, 4.5])}


WIDE = pd.DataFrame(
    {
        "n": pd.array([1, None, 3, 4], dtype="Int64"),
        "nf": pd.array([1.5, None, 3, 4], dtype="Float32"),
        "nb": pd.array([True, None, False, True], dtype="boolean"),
        "c": pd.Categorical(["x", "y", None, "y"]),
        "ci": pd.Categorical([3, 1, 3, 1], ordered=True),
        "day": pd.to_datetime(["2024-01-01T00:00:00.123456789", None, "2024-01-03", "2024-01-04"], format="ISO8601"),
        "zone": pd.date_range("2024-01-01", periods=4, freq="D", tz="Europe/Berlin"),
        "span": pd.to_timedelta([1.5, 2, None, 4], unit="h"),
        "big": np.array([2**62 + 1, 2**53 + 1, 3, 4]),
        "u64": np.array([2**64 - 1, 1, 2, 3], dtype="uint64"),
        "small": np.arange(4, dtype="uint8"),
        "f4": np.array([0.1, 1e30, 3, 4], dtype="float32"),
        "f2": np.array([0.1, 2, 3, 4], dtype="float16"),
        "date": [datetime.date(2024, 1, 1)] * 4,
        "exact": [decimal.Decimal("1.10"), decimal.Decimal("2.25"), None, decimal.Decimal("3")],
        "bytes": [b"ab", b"\x00\xff", b"", b"z"],
        "text": pd.array(["a", None, "c", ""], dtype="string"),
    }
)


def itself(df: pd.DataFrame) -> pd.DataFrame:
    """What it was given."""
    return df.copy()


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
