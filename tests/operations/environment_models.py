"""A model that reads the environment where it predicts."""

from __future__ import annotations

import os
from typing import Any

NAME = "WBT_OPERATIONS_RATE"


def priced(df: Any) -> Any:
    """What a day costs at the rate of the place."""
    return df["age"] * float(os.environ["WBT_OPERATIONS_RATE"])
