"""Work that the kernel does now -> its card: how much is done, how fast, what is left, and a button that ends it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from . import charts
from .card import Parts
from .markup import button, el, escape

if TYPE_CHECKING:
    from ..data.progress import Progress


class ProgressCard:
    """One piece of work."""

    def __init__(self, progress: Progress) -> None:
        self.name, self._progress = f"progress/{secrets.token_hex(3)}", progress

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def look(self) -> Parts:
        """How far it is now."""
        now = self._progress
        share = min(1.0, now.done / now.total) if now.total else 0.0
        of = f" of {text.count(now.total, now.unit)}" if now.total else f" {now.unit}s"
        rate = f"{text.count(round(now.rate))} {now.unit}s/s" if now.rate >= 1 else ""
        left = f"{text.seconds(now.left)} left" if now.left is not None else ""
        told = " · ".join(filter(None, [f"{text.count(now.done)}{of}", rate, left]))
        title = el("b", escape(now.label), cls="wb-name") + el("span", escape(told), cls="wb-since")
        return {
            "head": el("div", title, cls="wb-title"),
            "figures": charts.bar(share, now.label),
            "buttons": button("Cancelling …" if now.cancelled else "Cancel", "cancel"),
        }

    def press(self, do: str, **args: Any) -> Parts:
        """Cancel it. UsageError for another button."""
        if do != "cancel":
            raise UsageError(f"progress has no button {do!r}", fix="run its cell again")
        self._progress.cancel()
        return {"said": "It ends with the piece that it works on."}
