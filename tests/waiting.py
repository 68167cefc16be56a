"""Waiting for a condition, in place of sleeping for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0
"""Seconds: what takes one on a quiet machine has taken fifty beside others."""


class NotYet(AssertionError):
    """What was asked for is not there: `until` asks again, and says this if it stays so."""


def until(true: Callable[[], Any], what: str = "", patience: float = PATIENCE) -> Any:
    """Wait for a condition, for so many seconds at the most; what it gave."""
    end = time.monotonic() + patience
    while True:
        missing: NotYet | None = None
        try:
            if found := true():
                return found
        except NotYet as error:
            missing = error
        if time.monotonic() > end:
            raise AssertionError(what or "waited too long") from missing
        time.sleep(0.005)
