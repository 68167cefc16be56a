"""A file that answers are added to, a line each -> how many there are, and when each of them was there."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

import orjson

PATIENCE = 300.0
_LOOK = 0.001


class Failed(Exception):
    """Why not everything was answered."""


class Growing:
    """Looked at once a millisecond, by the clock that all processes of a machine share."""

    def __init__(self, path: Path, alive: Callable[[], bool]) -> None:
        path.touch()
        self.path, self.alive = path, alive
        self.file = path.open("rb")
        self.lines = 0
        self.looks: list[tuple[int, float]] = []

    def until(self, count: int) -> float:
        """When the line of that number was there. Failed where none comes."""
        end = time.monotonic() + PATIENCE
        while self.lines < count:
            if new := self.file.read(1 << 24):
                self.lines += new.count(b"\n")
                self.looks.append((self.lines, time.monotonic()))
            elif time.monotonic() > end or not self.alive():
                raise Failed(f"{self.lines} of {count} were answered")
            else:
                time.sleep(_LOOK)
        return self._when(count)

    def _when(self, line: int) -> float:
        return self.looks[bisect_left(self.looks, (line, 0.0))][1]

    def waits(self, after: int) -> list[float]:
        """How long each record after those took, from when it was put, which its last number says; sorted."""
        with self.path.open("rb") as file:
            lines = list(file)[after : self.lines]
        return sorted(self._when(n) - orjson.loads(line)["x"][-1] for n, line in enumerate(lines, after + 1))

    def close(self) -> None:
        self.file.close()
