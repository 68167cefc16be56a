"""Cells that people write every day, captured from a live shell; what the text says is checked here,
that it answers the same in a fresh process is checked by the corpus."""

from __future__ import annotations

import pickletools
from pathlib import Path

import pytest
from shell import Notebook

from workbench.capture.capture import capture
from workbench.capture.captured import CapturedModel, Session
from workbench.errors import CaptureRefused


def bindings(model: CapturedModel) -> dict[str, object]:
    """`model.py` run with plain values for its state, as a quick look at what it binds."""
    namespace: dict[str, object] = {"__name__": "captured", "__state__": lambda file: file}
    exec(compile(model.source, "model.py", "exec"), namespace)
    return namespace


def test_helpers_are_followed_several_levels_deep(notebook: Notebook) -> None:
    notebook.run(
        "import numpy as np\nRATE = 0.1",
        "def low(x): return x * RATE",
        "def middle(x): return np.log1p(low(x))\ndef unused(x): return x",
        "def predict(df): return middle(df['a'])",
    )
    model = notebook.capture()
    names = {taken.name for taken in model.taken}
    assert names == {"predict", "middle", "low", "np", "RATE"}
    assert model.requirements.keys() == {"numpy"}
    assert next(t.cell for t in model.taken if t.name == "low") == "In[2]"


def test_the_live_binding_wins_over_what_stands_later_on_the_page(notebook: Notebook) -> None:
    notebook.run("def scale(x): return x * 2", "def predict(df): return scale(df['a'])", "def scale(x): return x * 3")
    assert "x * 3" in notebook.capture().source
    assert "x * 2" not in notebook.capture().source


def test_a_function_bound_under_another_name_comes_as_that_function(notebook: Notebook) -> None:
    notebook.run("def first(x): return x + 1", "old = first\ndef first(x): return x + 2")
    notebook.run("def predict(df): return old(df) + first(df)")
    assert bindings(notebook.capture())["predict"](1) == 2 + 3  # type: ignore[operator]


def test_two_lambdas_on_a_line_are_told_apart(notebook: Notebook) -> None:
    notebook.run("double, triple = (lambda x: x * 2), (lambda x: x * 3)", "predict = lambda df: triple(df)")
    assert bindings(notebook.capture())["predict"](2) == 6  # type: ignore[operator]


def test_decorators_stay_with_and_without_wraps(notebook: Notebook) -> None:
    notebook.run(
        "import functools\n"
        "def plain(f):\n    def wrapper(x): return f(x) + 1\n    return wrapper\n"
        "def wrapped(f):\n    @functools.wraps(f)\n    def wrapper(x): return f(x) + 10\n    return wrapper",
        "@plain\ndef a(x): return x\n@wrapped\ndef b(x): return x\n@functools.lru_cache(maxsize=None)\ndef c(x): return x",
        "def predict(df): return a(df) + b(df) + c(df)",
    )
    assert bindings(notebook.capture())["predict"](0) == 11  # type: ignore[operator]


def test_definitions_stand_before_what_runs_them(notebook: Notebook) -> None:
    notebook.run(
        "class Base:\n    def peer(self): return Child",
        "LIMIT = 3\ndef make(): return LIMIT\nclass Child(Base):\n    limit = make()",
        "def predict(df): return Child().limit",
    )
    assert bindings(notebook.capture())["predict"](None) == 3  # type: ignore[operator]


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("import numpy as np", "import numpy as np"),
        ("from math import *", "from math import sqrt"),
        ("from math import sqrt as root\nsqrt = root", "from math import sqrt as root"),
        ("try:\n    from math import sqrt\nexcept ImportError:\n    sqrt = None", "from math import sqrt"),
        ("import os.path", "import os"),
    ],
)
def test_imports_of_every_form(notebook: Notebook, cell: str, line: str) -> None:
    body = {"import numpy": "np.sqrt(df)", "import os.path": "os.path.join('a', 'b')"}.get(cell[:14].strip())
    body = body or ("root(4)" if "as root" in cell else "sqrt(4)")
    if cell.startswith("import numpy"):
        body = "np.sqrt(df)"
    notebook.run(cell, f"def predict(df): return {body}")
    assert line in notebook.capture().source


def test_pickles_name_no_main_and_hold_the_notebooks_classes(notebook: Notebook) -> None:
    notebook.run(
        "class Clip:\n    class Bounds:\n        low = 0\n    def __init__(self): self.bounds = self.Bounds()\n"
        "    def __call__(self, x): return max(x, self.bounds.low)",
        "clip = Clip()\npair = [clip, len]",
        "def predict(df): return pair[0](df) + clip(df)",
    )
    model = notebook.capture()
    assert "class Clip" in model.source
    for file in model.state.values():
        words = [argument for _, argument, _ in pickletools.genops(file.read_bytes())]
        assert "__main__" not in words


def test_text_of_a_cell_that_failed_later_is_live(notebook: Notebook) -> None:
    notebook.shell.run_cell("def predict(df): return df\nraise ValueError('later')", store_history=True)
    assert "return df" in notebook.capture().source


def test_local_modules_come_along_with_what_they_import(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wbt_prices.py").write_text(
        "import wbt_shop.tax\nimport decimal\ndef price(x): return wbt_shop.tax.add(x)\n"
    )
    (tmp_path / "wbt_shop").mkdir()
    (tmp_path / "wbt_shop" / "__init__.py").write_text("")
    (tmp_path / "wbt_shop" / "tax.py").write_text("import numpy\ndef add(x): return x * 1.2\n")
    monkeypatch.syspath_prepend(tmp_path)
    notebook.run("from wbt_prices import price", "def predict(df): return price(df)")
    model = notebook.capture()
    assert model.modules.keys() == {"wbt_prices.py", "wbt_shop/__init__.py", "wbt_shop/tax.py"}
    assert model.requirements.keys() == {"numpy"}


def test_the_same_cells_give_the_same_text(notebook: Notebook) -> None:
    notebook.run(
        "names = {'b', 'a', 'c'}\ndef g(x): return x\ndef f(x): return g(x)", "def predict(df): return f(df), names"
    )
    assert notebook.capture().source == notebook.capture().source


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            ["def predict(df): return scaler(df)"],
            ["predict uses 'scaler'", "In[1]", "run the cell that defines scaler"],
        ),
        (["def predict(df):\n    files = !ls\n    return df"], ["predict runs a magic or a shell line"]),
        (
            ["import sqlite3\ndb = sqlite3.connect(':memory:')", "def predict(df): return db"],
            ["db, a Connection", "In[1]", "load"],
        ),
        (
            ["exec('def hidden(x): return x')", "def predict(df): return hidden(df)"],
            ["the function hidden was made by exec", "write hidden as it is into a cell"],
        ),
    ],
)
def test_what_cannot_come_along_is_refused_with_its_reason(
    notebook: Notebook, cells: list[str], words: list[str]
) -> None:
    notebook.run(*cells)
    with pytest.raises(CaptureRefused) as refused:
        notebook.capture()
    for word in words:
        assert word in str(refused.value)
    assert refused.value.fix


def test_a_script_is_compiled_as_a_whole_and_its_text_is_still_proven(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import os, statistics\n"
        "class Model:\n    def predict(self, df):\n        return [statistics.mean([1, os.getpid()])] * len(df)\n"
        "pick, other = (lambda v: os.getpid()), (lambda v: os.getppid())\n"
        "def predict(df):\n    return [statistics.mean([1, 2]) + pick(0)] * len(Model().predict(df))\n"
    )
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(compile(script.read_text(), str(script), "exec"), namespace)
    model = capture("predict", Session(namespace), tmp_path / "state")
    assert "pick = lambda v: os.getpid()" in model.source
    assert "class Model" in model.source
