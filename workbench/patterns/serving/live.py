"""The version that answers now, and the one that takes over when the epoch moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .served import Served


class Live:
    """Asked at the start of each batch, so that no batch is answered by two versions.

    `epoch` is a number that all processes of a deployment see; a prepared version takes over when it moves.
    """

    def __init__(self, served: Served, epoch: Callable[[], int] = lambda: 0) -> None:
        served.warm()
        self._served, self._epoch = served, epoch
        self._seen = epoch()
        self._next: Served | None = None

    def prepare(self, served: Served) -> None:
        """Let a version answer its example, and wait for the epoch. ModelFailed where it cannot answer."""
        served.warm()
        self._next = served

    def current(self) -> Served:
        """The version that answers from here on."""
        if (now := self._epoch()) != self._seen:
            self._seen = now
            if self._next is not None:
                self._served, self._next = self._next, None
        return self._served
