"""The questions of `advise` in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress

import pytest
from waiting import PATIENCE


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_in_a_terminal_it_asks_one_by_one() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "workbench", "advise", "churn"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"program\nnonsense\n3\n3\n\nno\n")
    said = b""
    with suppress(OSError):  # how Linux says that the other end is closed
        while block := os.read(ours, 4096):
            said += block
    os.close(ours)
    text = said.decode()
    assert process.wait(PATIENCE) == 0, text
    assert "one of hours, minutes, seconds, or its number" in text
    assert "serving fits" in text
    assert "workbench serve churn" in text
