"""The progress bar, on a real terminal."""

from __future__ import annotations

from terminals import on_a_terminal

_WORK = """
from workbench.data.progress import Progress
with Progress("churn", patience={patience}) as progress:
    for done in range(1, 4):
        progress.advance(1000, {total}, done / 4)
"""


def shown(patience: float, total: int | None) -> str:
    return on_a_terminal(_WORK.format(patience=patience, total=total))


def test_it_shows_rate_and_time_left() -> None:
    bar = shown(0, 4000)
    assert "churn" in bar
    assert "rows/s" in bar
    assert "/4.00k" in bar


def test_a_share_of_the_input_tells_how_many_rows_there_are() -> None:
    assert "/4.00k" in shown(0, None)


def test_short_work_shows_nothing() -> None:
    assert shown(60, 4000) == ""
