"""The progress bar, on a real terminal."""

from __future__ import annotations

import os
import sys

import pytest

_WORK = """
from workbench.data.progress import Progress
with Progress("churn", patience={patience}) as progress:
    for done in range(1, 4):
        progress.advance(1000, {total}, done / 4)
"""


def on_a_terminal(patience: float, total: int | None) -> str:
    """What a terminal shows while a child process works."""
    pty = pytest.importorskip("pty", reason="terminals work differently on Windows")
    termios = pytest.importorskip("termios")
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(2, (24, 80))
        os.execv(sys.executable, [sys.executable, "-c", _WORK.format(patience=patience, total=total)])
    shown = b""
    try:
        while block := os.read(terminal, 4096):
            shown += block
    except OSError:  # how Linux says that the other end is closed
        pass
    assert os.waitpid(child, 0)[1] == 0
    return shown.decode()


def test_it_shows_rate_and_time_left() -> None:
    shown = on_a_terminal(0, 4000)
    assert "churn" in shown
    assert "rows/s" in shown
    assert "/4.00k" in shown


def test_a_share_of_the_input_tells_how_many_rows_there_are() -> None:
    assert "/4.00k" in on_a_terminal(0, None)


def test_short_work_shows_nothing() -> None:
    assert on_a_terminal(60, 4000) == ""
