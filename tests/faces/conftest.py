from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from workbench.faces import magics


class Recording:
    """An API that remembers what it was asked and answers with it: what a face passes on is all that is tested."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, verb: str) -> Any:
        if verb.startswith("_"):
            raise AttributeError(verb)

        def call(**options: Any) -> tuple[str, dict[str, Any]]:
            self.calls.append((verb, options))
            return self.calls[-1]

        return call

    def asked(self) -> dict[str, Any]:
        """The options of the last call."""
        return self.calls[-1][1]


@pytest.fixture
def bare_shell(tmp_path: Path) -> Iterator[InteractiveShell]:
    """A real IPython shell, the one that `get_ipython()` gives, without our extension."""
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config, ipython_dir=str(tmp_path / "ipython"))
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()
    atexit.unregister(shell.atexit_operations)


@pytest.fixture
def api() -> Recording:
    return Recording()


@pytest.fixture
def shell(bare_shell: InteractiveShell, api: Recording) -> InteractiveShell:
    """A shell whose magics call the recording API."""
    magics.load(bare_shell, lambda: api)  # type: ignore[arg-type, return-value]
    return bare_shell


@pytest.fixture
def run(shell: InteractiveShell) -> Any:
    """Runs a cell as a notebook does and gives its value; what it raises is raised."""

    def run(cell: str) -> Any:
        result = shell.run_cell(cell, store_history=True)
        result.raise_error()
        return result.result

    return run
