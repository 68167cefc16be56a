"""Progress of work in the kernel -> a live card in the place of a bar of text, while the work lasts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .live import follow, hub

if TYPE_CHECKING:
    from ..data.progress import Progress


class CardBar:
    """A bar that its hub keeps up to date; the work only says when it has ended."""

    def __init__(self, content: str) -> None:
        from IPython.display import DisplayHandle

        handle: Any = DisplayHandle  # which has no types of its own
        self._handle = handle()
        self._handle.display({"text/plain": "", "text/html": content}, raw=True)

    def moved(self) -> None:
        """The hub looks by itself; the work leaves it some time, since both are Python."""
        time.sleep(0)

    def close(self) -> None:
        self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


def drawn(progress: Progress) -> CardBar | None:
    """The bar of a progress where a browser looks."""
    from ..cards.progress import ProgressCard

    return CardBar(follow(ProgressCard(progress))) if hub() is not None else None
