"""What a verb is doing -> a line of a terminal that moves while it lasts, with a bar where the work is counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import text

if TYPE_CHECKING:
    from ..data.progress import Progress

_WIDTH = 24


class Line:
    """What is done, and for how long by now; it begins `since` then, by the monotonic clock."""

    def __init__(self, label: str, stage: str, since: float) -> None:
        self._label, self._stage, self._since = label, stage, since
        self._shown = _moving("", self._said)

    def _said(self) -> str:
        return " · ".join(filter(None, [self._label, self._stage, text.seconds(time.monotonic() - self._since)]))

    def reach(self, stage: str) -> None:
        """The next thing that is done."""
        self._stage = stage

    def close(self) -> None:
        """It has ended: the line is empty again."""
        self._shown.stop()


class Counted:
    """How much is done of work that is counted, how fast, and how long it still takes."""

    def __init__(self, progress: Progress) -> None:
        from rich.progress import BarColumn

        self._progress = progress
        bar = BarColumn(_WIDTH, complete_style="green", finished_style="green", pulse_style="green")
        self._shown = _moving(progress.label, lambda: " · ".join(progress.told), bar, total=progress.total or None)

    def moved(self) -> None:
        """More is done."""
        self._shown.update(self._shown.task_ids[0], completed=self._progress.done, total=self._progress.total or None)

    def close(self) -> None:
        """It has ended: the line is empty again."""
        self._shown.stop()


def _moving(label: str, said: Callable[[], str], *bar: Any, total: float | None = None) -> Any:
    """A line on standard error that shows what is `said` now, again and again; nothing of it stays."""
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.table import Column
    from rich.text import Text

    class Said(ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text(said())

    name = [TextColumn("{task.description}", markup=False)] if label else []
    columns = [SpinnerColumn(), *name, *bar, Said(Column(no_wrap=True))]
    where = Console(stderr=True)
    shown = Progress(*columns, console=where, transient=True, redirect_stdout=False, redirect_stderr=False)
    shown.add_task(label, total=total)
    shown.start()
    return shown
