"""Work that says how much of it is done: what is told of it."""

from __future__ import annotations

import time

import pytest

from workbench.data.progress import Progress
from workbench.errors import Interrupted


def test_it_tells_how_much_how_fast_and_how_long() -> None:
    progress = Progress("churn", shown=False)
    progress.started = time.monotonic() - 2.0
    progress.advance(3000, share=0.75)
    much, rate, left = progress.told
    assert much == "3 000 of 4 000 rows"
    assert rate.startswith("1 ")
    assert rate.endswith(" rows/s")
    assert left == "0.7 s left"


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
