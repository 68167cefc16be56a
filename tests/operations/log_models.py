"""Models whose columns and answers are awkward for a log of requests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

OWN_NAMES = pd.DataFrame({"status": [1.0, 2.0, 3.0], "version": ["a", "b", "c"], "prediction": [1, 2, 3]})


def of_own_names(df: pd.DataFrame) -> Any:
    return df["status"] * 10 + df["prediction"]


def ratio(df: pd.DataFrame) -> Any:
    return np.where(np.isinf(df["a"]), -1.0, df["a"] / 3)
