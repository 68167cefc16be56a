"""The card says how the notebook's page, as it was saved, differs from what ran."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from workbench.api import Workbench
from workbench.faces import magics
from workbench.faces.session import session_of

FIRST, PREPARE = (
    "import pandas as pd\nX = pd.DataFrame({'a': range(200)})\nfactor = 2",
    "def prepare(df):\n    return df['a'] * factor",
)
MODEL = "%%model churn --example X\ndef predict(df):\n    return prepare(df) + 1"


class Notebook:
    """A shell and the file of its notebook, which is saved when a test says so."""

    def __init__(self, shell: InteractiveShell, file: Path, shown: pytest.CaptureFixture[str]) -> None:
        self.shell, self.file, self.shown = shell, file, shown

    def run(self, text: str) -> str:
        """The plain text of what the cell shows."""
        self.shell.run_cell(text, store_history=True).raise_error()
        return self.shown.readouterr().out

    def save(self, *cells: str | tuple[str, int], later: float = 0.0) -> None:
        """The page has these cells, each with the number beside it if one is given; saved now, or so much `later`."""
        numbered = [cell if isinstance(cell, tuple) else (cell, None) for cell in cells]
        code = [{"cell_type": "code", "source": s.splitlines(keepends=True), "execution_count": n} for s, n in numbered]
        self.file.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# M"}, *code]}))
        os.utime(self.file, (time.time() + later, time.time() + later))


@pytest.fixture
def notebook(
    bare_shell: InteractiveShell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> Notebook:
    monkeypatch.setenv("WORKBENCH_NOTEBOOK", str(tmp_path / "churn.ipynb"))
    monkeypatch.chdir(tmp_path)
    magics.load(bare_shell, lambda: Workbench(home))
    return Notebook(bare_shell, tmp_path / "churn.ipynb", capsys)


def pages(card: str) -> list[str]:
    return [line.strip().removeprefix("page").strip() for line in card.splitlines() if line.strip().startswith("page ")]


def ran(notebook: Notebook, *cells: str) -> Callable[[], list[str]]:
    for cell in cells:
        notebook.run(cell)
    return lambda: pages(notebook.run(MODEL))


def test_a_page_that_is_as_it_ran_says_nothing(notebook: Notebook) -> None:
    card = ran(notebook, FIRST, PREPARE)
    notebook.save((FIRST, 1), (PREPARE, 2), (MODEL, 3))
    assert card() == []


def test_an_edited_cell_is_marked_also_where_nothing_else_changed(notebook: Notebook) -> None:
    card = ran(notebook, FIRST, PREPARE)
    assert card() == []
    notebook.save((FIRST, 1), (PREPARE + " * 7", 2), MODEL)
    assert card() == ["In[2] was edited since it ran: captured as it ran"]


def test_a_deleted_cell_is_marked_in_the_version(notebook: Notebook) -> None:
    card = ran(notebook, FIRST, PREPARE)
    notebook.save((FIRST, 1), MODEL)
    assert card() == ["In[2] is no longer on the page: captured as it ran"]
    assert pages(str(Workbench().models("churn")[0])) == ["In[2] is no longer on the page: captured as it ran"]


def test_a_page_saved_before_the_cell_ran_says_nothing_of_it(notebook: Notebook) -> None:
    card = ran(notebook, FIRST, PREPARE)
    notebook.save((FIRST, 1), later=-1000)
    assert card() == []


def test_cells_that_ran_in_another_order(notebook: Notebook) -> None:
    card = ran(notebook, PREPARE, FIRST)
    notebook.save((FIRST, 2), (PREPARE, 1), MODEL)
    assert card() == ["In[2] stands above In[1] on the page and ran after it: captured as they ran"]


def test_a_cell_that_ran_again_unchanged_counts_from_the_first_time(notebook: Notebook) -> None:
    card = ran(notebook, FIRST, PREPARE, FIRST)
    notebook.save((FIRST, 3), (PREPARE, 2), MODEL)
    assert card() == []


def test_a_name_that_the_page_binds_again_further_down(notebook: Notebook) -> None:
    card = ran(notebook, FIRST, PREPARE, "factor = 3", FIRST)
    notebook.save((FIRST, 4), (PREPARE, 2), ("factor = 3", 3), MODEL)
    assert card() == ["factor is that of In[4]; In[3], further down the page, binds it again"]


def test_a_dry_run_says_it_too(notebook: Notebook) -> None:
    ran(notebook, FIRST, PREPARE)
    notebook.save((FIRST, 1), MODEL)
    assert pages(notebook.run(MODEL.replace("--example", "--dry-run --example"))) == [
        "In[2] is no longer on the page: captured as it ran"
    ]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"cells": [1]}'])
def test_nothing_is_known_of_a_page_that_is_not_there_or_broken(notebook: Notebook, content: str | None) -> None:
    if content is not None:
        notebook.file.write_text(content)
    assert session_of(notebook.shell).page is None
    magics.unload(notebook.shell)
    notebook.save(FIRST)
    assert session_of(notebook.shell).page is None


def test_what_ran_before_the_extension_was_loaded_is_known_by_then(
    capsys: pytest.CaptureFixture[str],
    bare_shell: InteractiveShell,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare_shell.run_cell(FIRST, store_history=True)
    magics.load(bare_shell, lambda: Workbench(home))
    magics.load(bare_shell, lambda: Workbench(home))
    monkeypatch.setenv("WORKBENCH_NOTEBOOK", str(tmp_path / "churn.ipynb"))
    book = Notebook(bare_shell, tmp_path / "churn.ipynb", capsys)
    book.run("y = 1")
    book.save(FIRST)
    page = session_of(bare_shell).page
    assert page is not None
    assert page.older == {1, 2}
    assert page.places == {1: 0}
