"""Models for exports: they stand in a module that pytest does not rewrite."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd

ROWS = pd.DataFrame({"a": [float(i) / 7 for i in range(120)], "b": [float(i % 5) for i in range(120)]})


def first(df: Any) -> Any:
    return 3 * df["a"] + df["b"]


def second(df: Any) -> Any:
    return 3 * df["a"] + df["b"] + 1000


def third(df: Any) -> Any:
    return 3 * df["a"] + df["b"] + 2000


def with_a_variable(df: Any) -> Any:
    return df["a"] * float(os.environ["FACTOR"])
