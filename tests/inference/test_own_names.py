"""The names that captured code reads of its own modules: those of its notebook, but where they lead to a module."""

from __future__ import annotations

import sys
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from workbench.inference.own_names import compiled, home, shown


def run(source: str, name: str = "__main__") -> dict[str, Any]:
    namespace = {"__name__": "wb_1", "__home__": partial(home, "wb_1"), "__shown__": partial(shown, "wb_1")}
    exec(compiled(source.encode(), "model.py", name), namespace)
    return namespace


@pytest.mark.parametrize(
    "source",
    [
        "found = __name__",
        "def f():\n    return __name__\nfound = f()",
        "class A:\n    pass\nfound = A.__module__",
        "class A:\n    pass\nfound = getattr(A(), '__module__', 'x')",
        "found = globals()['__name__']",
        "def f(name=__name__):\n    return f'{name}'\nfound = f()",
        "if __name__ == '__main__':\n    found = '__main__'",
    ],
)
def test_a_notebook_is_main(source: str) -> None:
    assert run(source)["found"] == "__main__"


@pytest.mark.parametrize("said", ["str(type(A()))", "repr(A().__class__)", "f'{type(A())}'", "f'{A().__class__!r}'"])
def test_a_class_says_the_module_of_its_notebook(said: str) -> None:
    assert run(f"class A:\n    pass\nfound = {said}")["found"] == "<class '__main__.A'>"
    assert run(f"class A(int):\n    pass\nfound = {said.replace('A()', '(3)')}")["found"] == "<class 'int'>"


def test_modules_of_others_and_what_has_none_keep_theirs() -> None:
    found = run("import json\nfound = json.JSONEncoder.__module__, getattr(3, '__module__', 'none')")["found"]
    assert found == ("json.encoder", "none")
    with pytest.raises(AttributeError):
        run("(3).__module__")


def test_a_name_leads_to_the_module_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wb_1", module := ModuleType("wb_1"))
    assert run("import sys\nfound = sys.modules[__name__]")["found"] is module
    assert run("import importlib\nfound = importlib.import_module(f'{__name__}')")["found"] is module


def test_what_is_given_a_module_keeps_the_one_that_is_here() -> None:
    found = run("def f(): pass\ndef g(): pass\ng.__module__ = f.__module__\nfound = vars(g), f")["found"]
    assert found[1].__module__ == "wb_1"


def test_a_module_beside_the_notebook_has_its_own_name() -> None:
    assert run("WHO = __name__\nclass A: pass", "shop.prices")["WHO"] == "shop.prices"
    assert home("wb_1", type("A", (), {"__module__": "wb_1.shop.prices"})) == "shop.prices"


def test_lines_stay_where_they_are() -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        run("import sys\n\nname = __name__\n1 / 0")
    assert failed.traceback[-1].lineno == 3
