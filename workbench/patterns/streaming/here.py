"""Who asks the model about micro-batches: this process, one at a time. `crew` has the same done by several others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .routed import Routed

if TYPE_CHECKING:
    from ...data.log import Record
    from .batches import Batch
    from .routed import Route


class Asker(Protocol):
    """Takes micro-batches, and gives their answers in the same order."""

    @property
    def busy(self) -> bool:
        """Whether something was given that was not taken."""

    @property
    def room(self) -> int:
        """How many micro-batches more may be given."""

    @property
    def idle(self) -> int:
        """How many would have nothing else to do."""

    def give(self, records: list[Record]) -> None:
        """Ask about these."""

    def take(self, timeout: float) -> Batch | None:
        """The answers to the first of what was given; None where the time, in seconds, is up before."""

    def forget(self) -> None:
        """What was given is not waited for."""

    def close(self) -> None:
        """Nothing more is asked."""


class Here:
    """Asks in this process."""

    def __init__(self, route: Route, form: str) -> None:
        self.route, self.asking = route, Routed(route, form)
        self._given: list[Record] = []

    @property
    def busy(self) -> bool:
        return bool(self._given)

    @property
    def room(self) -> int:
        return int(not self._given)

    idle = room

    def give(self, records: list[Record]) -> None:
        self._given = records

    def take(self, timeout: float) -> Batch | None:
        if not self._given:
            return None
        batch, self._given = self.asking(self._given), []
        return batch

    def forget(self) -> None:
        self._given = []

    def close(self) -> None:
        """The predictors are their owner's."""
