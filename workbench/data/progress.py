"""A progress bar with rate and time left, for work that lasts more than a second."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self


class Progress:
    """Rows done of rows in all; it shows itself only after `patience` seconds, and only where somebody looks."""

    def __init__(self, label: str, *, shown: bool = True, patience: float = 1.0) -> None:
        self._label, self._shown = label, shown and _somebody_looks()
        self._started, self._patience = time.monotonic(), patience
        self._done = 0
        self._bar: Any = None

    def advance(self, rows: int, total: int | None = None, share: float | None = None) -> None:
        """Say that so many more rows are done, of `total`, or that with them this share of the input is done."""
        self._done += rows
        if not self._shown or (self._bar is None and time.monotonic() - self._started < self._patience):
            return
        total = total if total is not None else round(self._done / share) if share else None
        if self._bar is None:
            if self._done == total:
                return
            from tqdm import tqdm  # as text: a widget would leave its first state in an executed notebook

            where = sys.stdout if "ipykernel" in sys.modules else sys.stderr
            self._bar = tqdm(total=total, desc=self._label, unit=" rows", unit_scale=True, leave=False, file=where)
            self._bar.start_t = self._bar.last_print_t = self._bar._time() - (time.monotonic() - self._started)
        self._bar.total = total
        self._bar.update(self._done - self._bar.n)

    def show(self, facts: dict[str, Any], *, over: bool) -> bool:
        """Say how far work elsewhere is: its `rows` and `rejects`, and `of` how many, where it has told. Whether it is
        over."""
        done = facts.get("rows", 0) + (facts.get("rejects") or 0)
        if done > self._done:
            self.advance(done - self._done, facts.get("of"))
        return over

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()


def _somebody_looks() -> bool:
    return "ipykernel" in sys.modules or sys.stderr.isatty()
