"""Counts what became of the corpus, and says so at the end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from frameworks import MISSING

_COUNTS = {"exact": 0, "refused": 0, "wrong": 0}


@pytest.fixture
def corpus() -> dict[str, int]:
    return _COUNTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if any(_COUNTS.values()):
        said = ", ".join(f"{count} {what}" for what, count in _COUNTS.items())
        terminalreporter.write_line(f"corpus: {said} (a refused cell whose advice was followed counts as exact too)")
        missing = ", ".join(MISSING)
        if missing:
            terminalreporter.write_line(f"corpus: without {missing}, which the tests do not install")
