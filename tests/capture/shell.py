"""A real IPython shell for the tests of capture: cells run in it, and its session is read as data."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from workbench.capture.capture import capture
from workbench.capture.captured import CapturedModel, Cell, Session


class Notebook:
    """Runs cells; `capture(entry)` takes an entry out of it."""

    def __init__(self, shell: InteractiveShell, folder: Path) -> None:
        self.shell, self.folder = shell, folder
        self.cells: list[Cell] = []

    def run(self, *cells: str) -> Notebook:
        for text in cells:
            number = self.shell.execution_count
            self.shell.run_cell(text, store_history=True).raise_error()
            self.cells.append(Cell(number, self.shell.transform_cell(text)))
        return self

    def session(self) -> Session:
        return Session(self.shell.user_ns, tuple(self.cells), folder=self.folder)

    def capture(self, entry: str = "predict") -> CapturedModel:
        return capture(entry, self.session(), self.folder / "state")


@contextmanager
def opened(folder: Path) -> Iterator[Notebook]:
    """A notebook in a shell of its own, which is gone afterwards and does nothing more when Python ends."""
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    try:
        yield Notebook(shell, folder)
    finally:
        shell.reset(new_session=False)
        InteractiveShell.clear_instance()
        atexit.unregister(shell.atexit_operations)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    with opened(tmp_path) as live:
        yield live
