"""What a verb is doing -> a line of a terminal that moves while it lasts."""

from __future__ import annotations


class Line:
    """What is done, and for how long by now; it begins `since` then, by the monotonic clock."""

    def __init__(self, label: str, stage: str, since: float) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        said, took = TextColumn("{task.description}", markup=False), TimeElapsedColumn()
        where = Console(stderr=True)
        self._label = label
        self._shown = Progress(
            SpinnerColumn(), said, took, console=where, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._task = self._shown.add_task(self._said(stage), total=None)
        self._shown.tasks[0].start_time = since
        self._shown.start()

    def _said(self, stage: str) -> str:
        return " · ".join(filter(None, [self._label, stage]))

    def reach(self, stage: str) -> None:
        """The next thing that is done."""
        self._shown.update(self._task, description=self._said(stage))

    def close(self) -> None:
        """It has ended: the line is empty again."""
        self._shown.stop()
