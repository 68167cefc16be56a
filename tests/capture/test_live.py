"""What the text does not say: each program answers in its model.py what the live session answers, or is refused."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from programs import answer
from shell import Notebook

from workbench.errors import CaptureRefused

PROGRAMS = {
    "a default of then": ["T = 1.0", "def g(v, t=T): return v * t", "T = 99.0\ndef predict(v): return g(v)"],
    "a keyword default of then": ["T = 1.0", "def g(v, *, t=T): return v * t", "T = 99.0\ndef predict(v): return g(v)"],
    "a lambda of a loop": [
        "fs = [lambda v, k=k: v * k for k in (1, 2, 3)]\nk = 0",
        "pick = fs[1]\ndef predict(v): return pick(v)",
    ],
    "a function kept by a default": [
        "def inner(v): return v + 1\nkeep = lambda v, f=inner: f(v)",
        "def inner(v): return v + 1000",
        "def predict(v): return keep(v)",
    ],
    "a class attribute set later": [
        "class Foo:\n    K = 1\nFoo.K = 500\nFoo.new = 2",
        "def predict(v): return v * Foo.K + Foo().new",
    ],
    "a method replaced later": [
        "class Foo:\n    def f(self, v): return v",
        "def other(self, v): return -v\nFoo.f = other",
        "def predict(v): return Foo().f(v)",
    ],
    "an attribute of a function": ["def kf(v): return v * kf.scale\nkf.scale = 4", "def predict(v): return kf(v)"],
    "one object under two names": [
        "p = [1]\nq = p\nclass B: pass\nb = B()\nc = b",
        "def predict(v): return p is q and b.__class__ is c.__class__",
    ],
    "a name inside a query": [
        "import pandas as pd\nK = 3",
        "def predict(v): return int(pd.DataFrame({'a': [v, 1]}).query('a > @K').a.iloc[0])",
    ],
    "a named tuple": [
        "from collections import namedtuple\nP = namedtuple('P', 'x y', defaults=[2])",
        "def predict(v): return P(v).y * P(v).x",
    ],
    "a vectorized function": [
        "import numpy as np\n@np.vectorize\ndef one(v): return v + 1",
        "def predict(v): return int(one(v))",
    ],
    "a counter in a dict": ["seen = {'n': 1}", "seen['n'] += 5\ndef predict(v): return v * seen['n']"],
    "a decorator that adds nothing": ["def same(f): return f", "@same\ndef predict(v): return v"],
    "a data class": [
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n    a: int = 1\n    b: list = field(default_factory=list)",
        "def predict(v): return C(v).a + len(C().b)",
    ],
    "an enum": [
        "from enum import Enum\nclass E(Enum):\n    A = 1\n    B = 2",
        "def predict(v): return E(1) is E.A and E.B.value * v",
    ],
    "a typed named tuple": [
        "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n    y: int = 2",
        "def predict(v): return P(v).y * P(v).x",
    ],
    "a very large number": ["N = 10 ** 5000", "def predict(v): return N % 7 + v"],
    "a list that holds itself": ["L = [1]\nL.append(L)", "def predict(v): return L[1][0] * v"],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_model_answers_what_is_live(notebook: Notebook, name: str) -> None:
    notebook.run(*PROGRAMS[name])
    expected = notebook.shell.user_ns["predict"](7)
    assert answer(notebook, 7) == expected


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            ["T = 1\nclass M:\n    @property\n    def go(self, t=T): return t", "T = 2\ndef predict(v): return M().go"],
            "a default of M.go was another value",
        ),
        (
            ["class A: pass\nclass B: pass\nexec('class H: pass')", "def predict(v): return H()"],
            "the text of the class H is not known",
        ),
        (
            [
                "import functools\nK = 2\n@functools.lru_cache\ndef slow(v): return v * K\nslow(3)",
                "K = 5",
                "def predict(v): return slow(v)",
            ],
            "the cache of slow may hold answers from before 'K' was changed",
        ),
        (
            [
                "from dataclasses import make_dataclass\nD = 1\nC = make_dataclass('C', [('x', int, D)])",
                "D = 2\ndef predict(v): return C()",
            ],
            "C was made by a call that used 'D'",
        ),
        (
            [
                "def make(k):\n    class C:\n        limit = k + 1\n    return C\nC = make(2)",
                "def predict(v): return C.limit",
            ],
            "reads 'k' of the function that it was made in",
        ),
        (
            [
                "class A:\n    def f(self): return 1\nclass A:\n    def f(self): return 2",
                "a = A()\ndel A\ndef predict(v): return A()",
            ],
            "predict uses 'A', which does not exist",
        ),
    ],
)
def test_what_no_text_can_give_again_is_refused(notebook: Notebook, cells: list[str], words: str) -> None:
    notebook.run(*cells)
    with pytest.raises(CaptureRefused, match=words):
        notebook.capture()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("wbt_rates.K = 50", "K is 50 here, and 1 in the file"),
        ("wbt_rates.TABLE['k'] = 30", "TABLE is"),
        ("from wbt_rates import TABLE\nTABLE['k'] = 30", "TABLE is"),
        (
            "open(wbt_rates.__file__, 'w').write('K = 1\\nTABLE = {}\\ndef scale(v): return v * 3\\n')",
            "edited since it was imported",
        ),
        ("wbt_rates.scale = lambda v: -v", "scale was replaced in this session"),
    ],
)
def test_a_local_module_that_is_not_what_its_file_says_is_refused(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, words: str
) -> None:
    (tmp_path / "wbt_rates.py").write_text("K = 1\nTABLE = {'k': 1}\ndef scale(v): return v * K\n")
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("wbt_rates", None)
    importlib.invalidate_caches()
    notebook.run("import wbt_rates", "def predict(v): return wbt_rates.scale(v)")
    notebook.capture()
    notebook.run(change)
    with pytest.raises(CaptureRefused, match=words):
        notebook.capture()


def test_a_large_set_of_words_has_one_text(notebook: Notebook) -> None:
    notebook.run("STOP = {f'word{i}' for i in range(2000)}", "def predict(v): return v in STOP")
    model = notebook.capture()
    assert not model.state
    assert "'word0', 'word1', 'word10'" in model.source
