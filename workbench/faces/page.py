"""A shell and its notebook's file -> the `Page`: where the cells that ran stand, as the file was last saved."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..capture.captured import Page

_RAN = "_workbench_ran"
_LARGEST = 20_000_000


class Ran:
    """When the cells of a shell ran: those before it was made, by then."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell, self._until, self._first = shell, time.time(), shell.displayhook.prompt_count
        self._times: dict[int, float] = {}

    def __call__(self, info: Any) -> None:
        """A cell begins to run."""
        if getattr(info, "store_history", True):
            self._times[self._shell.displayhook.prompt_count] = time.time()

    def before(self, moment: float) -> frozenset[int]:
        """The numbers of the cells that had run by then."""
        known = {number for number, begun in self._times.items() if begun < moment}
        earlier = set(range(1, self._first + 1)) - self._times.keys() if self._until < moment else set()
        return frozenset(known | earlier)


def watch(shell: InteractiveShell) -> None:
    """Remember from now on when the cells run."""
    if not hasattr(shell, _RAN):
        setattr(shell, _RAN, Ran(shell))
        shell.events.register("pre_run_cell", getattr(shell, _RAN))


def unwatch(shell: InteractiveShell) -> None:
    """Remember no longer."""
    if ran := getattr(shell, _RAN, None):
        shell.events.unregister("pre_run_cell", ran)
        delattr(shell, _RAN)


def page_of(shell: Any, notebook: Path | None) -> Page | None:
    """The page of a notebook whose file is there and can be read, and where it is known when its cells ran."""
    from ..capture.captured import Page

    ran: Ran | None = getattr(shell, _RAN, None)
    if notebook is None or ran is None or not shell.history_manager:
        return None
    try:
        saved = notebook.stat()
        if saved.st_size > _LARGEST:
            return None
        cells = json.loads(notebook.read_bytes())["cells"]
        code = [(_text(cell["source"]), cell.get("execution_count")) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    places = {text: place for place, (text, _) in reversed(list(enumerate(code)))}
    return Page(
        {number: places[text] for number, text in _inputs(shell) if text in places},
        frozenset(count for _, count in code if isinstance(count, int)),
        ran.before(saved.st_mtime),
    )


def _inputs(shell: Any) -> list[tuple[int, str]]:
    """The cells as they were typed, by their number."""
    inputs = shell.history_manager.input_hist_raw
    first = shell.displayhook.prompt_count - (len(inputs) - 1)  # 0, but after `%reset in`
    return [(number, _text(raw)) for number, raw in enumerate(inputs, first) if raw.strip()]


def _text(source: str | list[str]) -> str:
    """A cell's source, which a file has as lines or in one piece."""
    return (source if isinstance(source, str) else "".join(source)).strip()
