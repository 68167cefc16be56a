"""Work that says how much of it is done: what is told of it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from workbench.data import progress as progresses
from workbench.data.progress import Progress
from workbench.errors import Interrupted


def test_it_tells_how_much_how_fast_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=lambda: 10.0)
    monkeypatch.setattr(progresses, "time", clock)
    progress = Progress("churn", shown=False)
    clock.monotonic = lambda: 12.0
    progress.advance(3000, share=0.75)
    assert progress.told == ["3 000 of 4 000 rows", "1 500 rows/s", "0.7 s left"]


def test_of_work_without_a_known_end_it_tells_what_is_done() -> None:
    progress = Progress("run/1", shown=False, unit="cell")
    progress.started = time.monotonic() - 100.0
    assert progress.told == ["0 cells"]
    progress.reach(7, 0)
    assert progress.told == ["7 cells"]


def test_what_is_cancelled_ends_where_it_says_what_it_has_done() -> None:
    progress = Progress("churn", shown=False)
    progress.cancel()
    with pytest.raises(Interrupted, match="churn was cancelled"):
        progress.advance(1)
