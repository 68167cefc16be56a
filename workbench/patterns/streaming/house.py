"""What a stream asks of whoever runs it, between two micro-batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .batches import Share
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

    def counted(self, shares: tuple[Share, ...]) -> None:
        """What each version did of a micro-batch that was written, where there are several."""
