from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from workbench.faces import session


def _texts(shell: InteractiveShell) -> dict[int | None, str]:
    return {cell.number: cell.text for cell in session.session_of(shell).cells}


def test_cells_are_what_ran(bare_shell: InteractiveShell) -> None:
    for cell in ("a = 1", "", "%time b = 2", "%%time\nc = 3\n%pwd", "def f():\n    return a"):
        bare_shell.run_cell(cell, store_history=True)
    assert _texts(bare_shell) == {
        1: "a = 1\n",
        2: "get_ipython().run_line_magic('time', 'b = 2')\n",
        3: "c = 3\nget_ipython().run_line_magic('pwd', '')\n",
        4: "def f():\n    return a\n",
    }
    assert session.session_of(bare_shell).namespace["a"] == 1


@pytest.mark.parametrize("line", ["%%model churn --example X", "%%workbench model churn", "%%capture\n%%time"])
def test_the_cell_below_a_magic_is_python(bare_shell: InteractiveShell, line: str) -> None:
    assert (
        session.python_text(bare_shell, f"{line}\ndef predict(X):\n    return X") == "def predict(X):\n    return X\n"
    )


def test_a_cell_of_another_language_stays_a_call(bare_shell: InteractiveShell) -> None:
    assert session.python_text(bare_shell, "%%bash\nls").startswith("get_ipython().run_cell_magic('bash'")


def test_a_cell_that_does_not_parse_stays(bare_shell: InteractiveShell) -> None:
    bare_shell.run_cell("x = (", store_history=True)
    assert [text.strip() for text in _texts(bare_shell).values()] == ["x = ("]


def test_numbers_hold_after_a_reset(bare_shell: InteractiveShell) -> None:
    bare_shell.run_cell("a = 1", store_history=True)
    bare_shell.run_cell("%reset -f in", store_history=True)
    seen: list[dict[int | None, str]] = []
    bare_shell.user_ns["look"] = lambda: seen.append(_texts(bare_shell))
    bare_shell.run_cell("b = 2", store_history=True)
    bare_shell.run_cell("look()", store_history=True)
    assert seen == [{3: "b = 2\n", 4: "look()\n"}]


def test_the_cell_that_runs_is_there_without_history(bare_shell: InteractiveShell) -> None:
    cells = session.session_of(bare_shell, "d = 4").cells
    assert [(cell.number, cell.text) for cell in cells] == [(None, "d = 4\n")]


def test_the_notebook_is_what_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKBENCH_NOTEBOOK", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert session.notebook_path({}) is None
    assert session.notebook_path({"__vsc_ipynb_file__": "/n/a.ipynb"}) == Path("/n/a.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", "/n/console-1")
    assert session.notebook_path({}) is None
    monkeypatch.setenv("JPY_SESSION_NAME", "/n/b.ipynb")
    monkeypatch.setenv("WORKBENCH_NOTEBOOK", "/n/c.ipynb")
    assert session.notebook_path({"__vsc_ipynb_file__": "/n/a.ipynb"}) == Path("/n/c.ipynb")
