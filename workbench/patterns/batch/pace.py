"""Rows that are done -> how many a second, and how long the rest takes."""

from __future__ import annotations

import time
from typing import Any


class Pace:
    """Counts the rows of one attempt: `rows` of them scored, `rejects` refused, by this attempt and those before it."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.rows = self.rejects = self._before = 0
        self.of: int | None = None
        self._share: float | None = None
        self._share_before = 0.0

    def begin(self, rows: int, rejects: int) -> None:
        """So many are done already."""
        self.rows, self.rejects, self._before = rows, rejects, rows + rejects

    def add(self, scored: int, rejects: int, share: float | None) -> None:
        """So many more are; `share` is that of the input which is read."""
        if self._share is None and share is not None and self._before:
            self._share_before = share  # what was done before took no time now
        self.rows, self.rejects, self._share = self.rows + scored, self.rejects + rejects, share

    @property
    def seconds(self) -> float:
        """Since this attempt began."""
        return time.monotonic() - self.started

    def facts(self) -> dict[str, Any]:
        """As JSON values: `rows, of, rate, seconds_left, rejects`; None where it cannot be told."""
        took, done = self.seconds, self.rows + self.rejects
        rate = (done - self._before) / took if took > 0 else 0.0
        left = (self.of - done) / rate if self.of and rate else self._left(took)
        return {"rows": self.rows, "of": self.of, "rate": rate, "seconds_left": left, "rejects": self.rejects}

    def _left(self, took: float) -> float | None:
        share = (self._share or 0.0) - self._share_before
        return took * (1 - (self._share or 0.0)) / share if share > 0 else None
