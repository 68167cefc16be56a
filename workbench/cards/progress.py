"""Work that the kernel does now -> its card: how much is done, how fast, what is left, and a button that ends it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from . import charts
from .card import Parts
from .markup import button, el, escape

if TYPE_CHECKING:
    from ..data.progress import Progress


class Work:
    """One piece of work; `cancel` ends it."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.name, self.cancelled = f"progress/{secrets.token_hex(3)}", False
        self._cancel = cancel

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def press(self, do: str, **args: Any) -> Parts:
        """Cancel it. UsageError for another button."""
        if do != "cancel":
            raise UsageError(f"progress has no button {do!r}", fix="run its cell again")
        self.cancelled = True
        self._cancel()
        return {"said": "It ends with the piece that it works on."}

    def drawn(self, label: str, told: Sequence[str], bar: str, rows: str = "") -> Parts:
        """Its parts: what it is, what is `told` of it, and how far it is."""
        said = el("span", escape(" · ".join(filter(None, told))), cls="wb-since")
        head = el("div", el("b", escape(label), cls="wb-name"), said, cls="wb-title")
        end = button("Cancelling …" if self.cancelled else "Cancel", "cancel")
        return {"head": head, "figures": bar, "rows": rows, "buttons": end}


class ProgressCard(Work):
    """Work that is counted."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress.cancel)
        self._progress = progress

    def look(self) -> Parts:
        """How far it is now."""
        now = self._progress
        share = min(1.0, now.done / now.total) if now.total else 0.0
        return self.drawn(now.label, now.told, charts.bar(share, now.label))


class StepsCard(Work):
    """Work whose end nobody knows: the step that it has reached, where it says so, and how long it takes by now; it
    began `since` then, by the monotonic clock."""

    def __init__(
        self, label: str, steps: Sequence[str], cancel: Callable[[], None], since: float, now: str = ""
    ) -> None:
        super().__init__(cancel)
        self._label, self._steps, self._begun, self.now = label, steps, since, now

    def look(self) -> Parts:
        """What it does now; of its steps those that are over, and those to come."""
        at = next((i for i, step in enumerate(self._steps) if self.now.startswith(step)), 0)
        took = text.seconds(time.monotonic() - self._begun)
        bar = charts.bar(at / len(self._steps), self._label) if self._steps else charts.endless(self._label)
        lines = [self._line(step, i - at) for i, step in enumerate(self._steps)]
        return self.drawn(
            self._label, ["" if self._steps else self.now, took], bar, el("ol", *lines, cls="wb-steps") if lines else ""
        )

    def _line(self, step: str, ahead: int) -> str:
        if ahead == 0:
            return el("li", escape(self.now or step), cls="wb-now", aria_current="step")
        return el("li", escape(step), cls="wb-over" if ahead < 0 else "wb-soft")
