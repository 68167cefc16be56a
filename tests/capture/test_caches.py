"""A filled cache is no part of a model: it comes along empty where it would be filled again with the same."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from shell import Notebook

from workbench.errors import CaptureRefused

METHOD = """from functools import cache, lru_cache
class Rates:
    def __init__(self, rate):
        self.rate = rate
    @{decorator}
    def of(self, k=1):
        return [self.rate * k]
rates = Rates(2)
rates.of(3), rates.of(k=4)"""
NESTED = """from functools import cache, lru_cache
def make():
    table = {'a': 1}
    @cache
    def look(key, *, times=1):
        return table[key] * times
    def change(v):
        table['a'] = v
    return look, change
look, change = make()
look('a'), look('a', times=3)"""
INSIDE = """def outer():
    table = [1]
    @lru_cache(maxsize=9)
    def inner(k):
        return table[0] + k
    def predict(df):
        return [inner(int(v)) for v in df]
    predict.table = table
    return predict
predict = outer()
predict([1, 2])"""
USES = "def predict(df):\n    return {}"


@pytest.mark.parametrize("decorator", ["cache", "lru_cache(maxsize=5)", "lru_cache"])
def test_the_cache_of_a_method(notebook: Notebook, decorator: str) -> None:
    notebook.run(METHOD.format(decorator=decorator), USES.format("rates.of(1)"))
    notebook.capture()
    notebook.run("setattr(rates, 'rate', 5)")
    with pytest.raises(CaptureRefused, match=r"the cache of Rates\.of holds answers") as found:
        notebook.capture()
    assert found.value.fix == "Rates.of.cache_clear(), then capture again"
    notebook.run("Rates.of.cache_clear()").capture()


def test_the_cache_of_a_closure(notebook: Notebook) -> None:
    notebook.run(NESTED, USES.format("look('a')"))
    notebook.capture()
    notebook.run("change(5)")
    with pytest.raises(CaptureRefused, match="the cache of look holds answers") as found:
        notebook.capture()
    assert found.value.fix == "look.cache_clear(), then capture again"
    notebook.run("look.cache_clear()").capture()


def test_the_cache_of_a_function_that_only_a_closure_knows(notebook: Notebook) -> None:
    notebook.run("from functools import lru_cache", INSIDE)
    notebook.capture()
    notebook.run("predict.table[0] = 5")
    with pytest.raises(CaptureRefused, match="the cache of inner holds answers") as found:
        notebook.capture()
    assert found.value.fix == "run the cell that makes inner again"
    notebook.run(INSIDE).capture()


def test_the_cache_of_a_local_class(notebook: Notebook) -> None:
    body = METHOD.format(decorator="cache").split("\n", 1)[1].split("\nrates")[0].replace("\n", "\n    ")
    made = f"def made():\n    {body}\n    return Rates(2)\nrates = made()\nrates.of(3)"
    notebook.run("from functools import cache", made, USES.format("rates.of(1)"))
    notebook.capture()
    notebook.run("rates.rate = 7")
    with pytest.raises(CaptureRefused, match=r"the cache of Rates\.of holds answers") as found:
        notebook.capture()
    assert found.value.fix == "run the cell that makes Rates.of again"


def test_a_cache_over_a_global_that_is_the_same_again(notebook: Notebook) -> None:
    notebook.run(
        "from functools import cache\nRATE = 3\n@cache\ndef slow(v):\n    return v * RATE\nslow(1)", "RATE = 3"
    )
    notebook.run(USES.format("slow(1)")).capture()
    with pytest.raises(CaptureRefused, match="the cache of slow may hold answers from before 'RATE'"):
        notebook.run("RATE = 4").capture()


def test_the_cache_of_a_local_module_over_an_object_of_the_notebook(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wbt_cached.py").write_text("import functools\n@functools.cache\ndef rate(of):\n    return of.k\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("wbt_cached")
    try:
        notebook.run("import wbt_cached\nclass K:\n    k = 1\nk = K()\nwbt_cached.rate(k)")
        notebook.run(USES.format("wbt_cached.rate(k)")).capture()
        notebook.run("k.k = 3")
        with pytest.raises(CaptureRefused, match=r"the cache of wbt_cached\.rate") as found:
            notebook.capture()
        assert found.value.fix == "wbt_cached.rate.cache_clear(), then capture again"
        module.rate.cache_clear()
        notebook.capture()
    finally:
        sys.modules.pop("wbt_cached")
