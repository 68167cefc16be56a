"""A shell object -> a `Session`: the namespace, the executed cells and the notebook's path as plain data."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..capture.captured import Cell, Session
from .page import page_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNS_ITS_CELL = ("model", "workbench", "time", "capture", "prun")
"""Cell magics whose cell is Python that runs in the notebook's namespace."""

_RUN = re.compile(r"run_line_magic\('run', ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\)")

_texts: dict[str, str] = {}
"""What `python_text` gave for the cells that ran: a long notebook would wait for it at each capture."""


def session_of(shell: Any, cell: str = "") -> Session:
    """The live notebook behind an IPython shell. `cell` is the body that runs now, kept or not by the history."""
    cells = tuple(_cells(shell))
    if cell and (text := python_text(shell, cell)) not in (c.text for c in cells):
        cells += (Cell(None, text),)
    notebook = notebook_path(shell.user_ns)
    folder = notebook.parent if notebook else Path.cwd()
    return Session(shell.user_ns, cells, notebook, folder, page_of(shell, notebook))


def session_of_script() -> Session:
    """The running script, where there is no notebook: its globals, and its text as the only cell."""
    main = sys.modules["__main__"]
    file = Path(getattr(main, "__file__", None) or "")
    cells = (Cell(None, file.read_text(encoding="utf-8")),) if file.suffix == ".py" and file.is_file() else ()
    return Session(vars(main), cells)


def notebook_path(namespace: dict[str, Any]) -> Path | None:
    """The notebook's file: what runs it may say so; Jupyter and VS Code do; else it is unknown."""
    said = (
        os.environ.get("WORKBENCH_NOTEBOOK"),
        os.environ.get("JPY_SESSION_NAME"),
        namespace.get("__vsc_ipynb_file__"),
    )
    for path in filter(None, said):
        if str(path).endswith(".ipynb"):
            return Path(str(path)).absolute()
    return None


def python_text(shell: Any, raw: str) -> str:
    """A cell after IPython's input transform; of `%%model` or `%%time`, the cell that the magic runs."""
    try:
        text: str = shell.transform_cell(raw)
        while (body := _body(text)) is not None:
            text = shell.transform_cell(body)
    except Exception:  # noqa: BLE001 a cell that did not even parse defined nothing
        return raw
    return text


def label(shell: Any) -> str:
    """How the cell that runs now is called: `In[4]`."""
    return Cell(shell.displayhook.prompt_count, "").label


def _cells(shell: Any) -> Iterator[Cell]:
    inputs = list(shell.history_manager.input_hist_raw) if shell.history_manager else []
    first = shell.displayhook.prompt_count - (len(inputs) - 1)  # 0, but after `%reset in`
    for number, raw in enumerate(inputs, first):
        if raw.strip():
            if raw not in _texts:
                _texts[raw] = python_text(shell, raw)
            yield from _files_run(shell, _texts[raw])
            yield Cell(number, _texts[raw])


def _files_run(shell: Any, text: str) -> Iterator[Cell]:
    """What `%run FILE` lines of a cell ran, as the files are now: the text of a definition is proven anyway."""
    if "run_line_magic('run'" in text:
        for line in _RUN.findall(text):
            for file in (Path(word) for word in ast.literal_eval(line).split()):
                if file.suffix in (".py", ".ipynb") and file.is_file():
                    yield from (Cell(None, part, file.name) for part in _parts(shell, file))


def _parts(shell: Any, file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix == ".py":
        return [text]
    try:
        cells = json.loads(text)["cells"]
        return [python_text(shell, "".join(c["source"])) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):  # which did not run either
        return []


def _body(text: str) -> str | None:
    """The cell inside `get_ipython().run_cell_magic("model", line, cell)`, if the text is that."""
    if not text.startswith("get_ipython().run_cell_magic("):
        return None
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(call, ast.Call):
        return None
    name, _, cell = (ast.literal_eval(argument) for argument in call.args)
    return str(cell) if name in _RUNS_ITS_CELL else None
