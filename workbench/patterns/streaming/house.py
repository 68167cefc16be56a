"""What a stream asks of whoever runs it, between two micro-batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .batches import Batch
    from .here import Asker
    from .routed import Route

Sought = tuple[str, Callable[[str], None]]
"""A place to read on from, and what tells that it does: why not, or nothing."""


class House(Protocol):
    """Each call is cheap, and sees to what was asked meanwhile."""

    def route(self) -> Route:
        """The versions that answer from here on; the same object while they are the same."""

    def several(self) -> Asker | None:
        """Who asks them in the place of this process; None where it asks itself."""

    def sought(self) -> Sought | None:
        """Where to read on, if that was asked."""

    def works(self, busy: bool) -> None:
        """Whether a micro-batch is asked about or written from now on."""

    def wrote(self, batch: Batch) -> None:
        """A micro-batch was written, as it was answered: where there are several versions, what each did is counted."""
