"""A real terminal, and what it shows of a child process."""

from __future__ import annotations

import os
import sys

import pytest


def on_a_terminal(code: str) -> str:
    """What a terminal shows while Python runs this."""
    pty = pytest.importorskip("pty", reason="terminals work differently on Windows")
    termios = pytest.importorskip("termios")
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(2, (24, 80))
        os.execv(sys.executable, [sys.executable, "-c", code])
    shown = b""
    try:
        while block := os.read(terminal, 4096):
            shown += block
    except OSError:  # how Linux says that the other end is closed
        pass
    assert os.waitpid(child, 0)[1] == 0, shown.decode()
    return shown.decode()
