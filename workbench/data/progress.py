"""A progress bar with rate and time left, for work that lasts more than a second, which can be cancelled where it is
shown as more than text."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from .. import stages, text
from ..errors import Interrupted


class Bar(Protocol):
    """How a progress is shown."""

    def moved(self) -> None:
        """More is done."""

    def close(self) -> None:
        """The work has ended: nothing of it stays."""


class Progress:
    """So much done of so much in all; it shows itself only after `patience` seconds, and only where somebody looks.
    Who shows it may `cancel` the work, which then ends with Interrupted where it says what it has done."""

    drawn_by: Callable[[Progress], Bar | None] = lambda _: None
    """A face that draws progress; where it does not, a line of text below the cell does."""

    def __init__(self, label: str, *, shown: bool = True, patience: float = 1.0, unit: str = "row") -> None:
        self.label, self.unit, self.done, self.total = label, unit, 0, 0
        self.started, self.cancelled = time.monotonic(), False
        self._shown, self._patience = shown and _somebody_looks(), patience
        self._bar: Bar | None = None

    def advance(self, rows: int, total: int | None = None, share: float | None = None) -> None:
        """Say that so many more rows are done, of `total`, or that with them this share of the input is done.
        Interrupted where somebody has cancelled the work."""
        total = total if total is not None else round((self.done + rows) / share) if share else 0
        self.reach(self.done + rows, total)

    def reach(self, done: int, total: int) -> None:
        """Say that so much is done of `total`; 0 where that is not known. Interrupted likewise."""
        self.done, self.total = done, total
        if self.cancelled:
            raise self._ended()
        if not self._shown or (self._bar is None and time.monotonic() - self.started < self._patience):
            return
        if self._bar is None:
            if done == total:
                return
            stages.aside()
            self._bar = type(self).drawn_by(self) or _Text(self)
        self._bar.moved()

    def cancel(self) -> None:
        """Let the work end where it says next what it has done; from any thread."""
        self.cancelled = True

    @property
    def told(self) -> list[str]:
        """How much is done of how much, how fast, and how long it still takes, as far as that is known."""
        of = f" of {text.count(self.total, self.unit)}" if self.total else f" {self.unit}s"
        rate = [f"{text.count(round(self.rate))} {self.unit}s/s"] * (self.rate >= 1)
        left = [] if self.left is None else [f"{text.seconds(self.left)} left"]
        return [f"{text.count(self.done)}{of}", *rate, *left]

    @property
    def rate(self) -> float:
        """How much is done a second."""
        return self.done / max(1e-9, time.monotonic() - self.started)

    @property
    def left(self) -> float | None:
        """The seconds that it still takes; None where that is not known."""
        return (self.total - self.done) / self.rate if self.done and self.total else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
            if kind is KeyboardInterrupt:
                raise self._ended() from None

    def _ended(self) -> Interrupted:
        return Interrupted(f"{self.label} was cancelled", fix="run it again to begin anew")


class _Text:
    """A line below a cell that is written over again and again."""

    def __init__(self, progress: Progress) -> None:
        from tqdm import tqdm  # as text: a widget would leave its first state in an executed notebook

        how = {"unit": f" {progress.unit}s", "unit_scale": True, "leave": False, "file": sys.stdout}
        self._progress = progress
        self._bar: Any = tqdm(total=progress.total or None, desc=progress.label, **how)
        self._bar.start_t = self._bar.last_print_t = self._bar._time() - (time.monotonic() - progress.started)

    def moved(self) -> None:
        self._bar.total = self._progress.total or None
        if self._progress.done != self._bar.n:  # a line that says nothing new is one more in an executed notebook
            self._bar.update(self._progress.done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


def _somebody_looks() -> bool:
    return "ipykernel" in sys.modules or sys.stderr.isatty()
