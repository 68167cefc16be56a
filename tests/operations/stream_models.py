"""Models of streams, in a module of their own: they are captured with it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pandas as pd

NUMBERS = pd.DataFrame({"n": range(60)})


def slow(df: pd.DataFrame) -> Any:
    """Takes its time for each row."""
    time.sleep(0.001 * len(df))
    return df["n"] * 2.0


def slower(df: pd.DataFrame) -> Any:
    """Of another version."""
    time.sleep(0.001 * len(df))
    return df["n"] * 3.0


def deadly(df: pd.DataFrame) -> Any:
    """Its process ends at one row."""
    if (df["n"] == 1066).any():
        os.kill(os.getpid(), signal.SIGSEGV)
    return df["n"] * 2.0
