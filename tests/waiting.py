"""Waiting for a condition, in place of sleeping for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0


def until(true: Callable[[], Any], what: str = "", patience: float = PATIENCE) -> Any:
    """Wait for a condition, for so many seconds at the most; what it gave."""
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end, what or "waited too long"
        time.sleep(0.005)
    return found
