"""The version that answers now, and the one that takes over when the epoch comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .served import Served


class Live:
    """Asked at the start of each batch, so that no batch is answered by two versions.

    `epoch` is a number that all processes of a deployment see; a prepared version takes over once it is reached.
    """

    def __init__(self, served: Served, epoch: Callable[[], int] = lambda: 0) -> None:
        served.warm()
        self._served, self._epoch = served, epoch
        self._next: tuple[int, Served] | None = None

    def prepare(self, served: Served, at: int) -> None:
        """Let a version answer its example, and wait for the epoch `at`. ModelFailed where it cannot answer."""
        served.warm()
        self._next = at, served

    def current(self) -> Served:
        """The version that answers from here on."""
        if self._next is not None and self._epoch() >= self._next[0]:
            self._served, self._next = self._next[1], None
        return self._served

    def held(self) -> list[Served]:
        """The version that answers, and the one that waits."""
        return [self.current()] + ([self._next[1]] if self._next else [])
