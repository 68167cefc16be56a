"""Work in the kernel -> a live card in the place of a bar of text, while the work lasts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .live import follow, hub

if TYPE_CHECKING:
    from ..cards.progress import ProgressCard, StepsCard
    from ..data.progress import Progress
    from .following import Following


class CardBar:
    """A bar that its hub keeps up to date, in the output of `handle` if there is one; the work only says when it has
    ended."""

    def __init__(self, card: ProgressCard | StepsCard, following: Following, handle: Any = None) -> None:
        from IPython.display import DisplayHandle

        made: Any = DisplayHandle  # which has no types of its own
        shown = {"text/plain": "", "text/html": follow(card)}
        self._handle, self._card, self._following = handle or made(), card, following
        (self._handle.update if handle else self._handle.display)(shown, raw=True)
        following.insist(frozenset({card.name}))

    def moved(self) -> None:
        """The hub looks by itself; the work leaves it some time, since both are Python."""
        time.sleep(0)

    def reach(self, stage: str) -> None:
        """The next step of work that has steps: it is shown at once."""
        self._card.now = stage  # type: ignore[union-attr]
        self._following.tell(self._card.name)

    def close(self) -> None:
        self._following.insist(frozenset())
        self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


def drawn(progress: Progress) -> CardBar | None:
    """The bar of a progress where a browser looks."""
    from ..cards.progress import ProgressCard

    widget = hub()
    return CardBar(ProgressCard(progress), widget.following) if widget is not None else None
