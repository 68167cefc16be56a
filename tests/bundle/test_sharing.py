"""What two objects of the notebook share, they share where the model loads, whether it has a name or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models import notebook, stored

from workbench.errors import CaptureRefused

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 12)})
BOX = "class Box:\n    def __init__(self, *held):\n        self.held, self.own = held, [1]"
PREDICT = """def predict(df):
    if (df['a'] > 5).any():
        {change}
    return df['a'] + {read}"""
CASES = {
    "a list": ("s = [1.0]\na, b = Box(s), Box(0, s)\ndel s", "a.held[0].append(4.0)", "len(b.held[1])"),
    "an array": ("s = np.ones(3)\na, b = Box(s), Box(s)\ndel s", "a.held[0][1] = 7.0", "b.held[0].sum()"),
    "a large array": ("s = np.ones(90_000)\na, b = Box(s), Box(s)\ndel s", "a.held[0][1] = 7.0", "b.held[0].sum()"),
    "an object": ("s = Box(3.0)\na, b = Box(s), Box(s)\ndel s", "a.held[0].k = 7.0", "getattr(b.held[0], 'k', 1)"),
    "a part of a named one": ("s = Box(3.0)\na, b = Box(s), s", "a.held[0].own.append(2)", "len(b.own)"),
    "its list": ("b = Box(3.0)\na = Box(b.own)", "a.held[0].append(2)", "len(b.own)"),
    "what one holds of the other, and both of a third": (
        "s = np.ones(3)\nb = Box(s)\na = Box(b, np.ones(2), s)\ndel s",
        "a.held[2][1] = 7.0",
        "b.held[0].sum() + (a.held[0] is b)",
    ),
    "a part of a dict": ("s = [1.0]\na, b = {'k': s}, Box(s)\ndel s", "a['k'].append(4.0)", "len(b.held[0])"),
    "a closure": (
        "def make():\n    s = [1.0]\n    return Box(s), lambda: s.append(4.0)\nb, a = make()",
        "a()",
        "len(b.held[0])",
    ),
    "a default": ("s = [1.0]\nb = Box(s)\ndef a(held=s):\n    held.append(4.0)\ns = 0", "a()", "len(b.held[0])"),
    "a deque in two deques": (
        "from collections import deque\ns = deque([1])\na, b = deque([s]), deque([s])\ndel s",
        "a[0].append(4.0)",
        "len(b[0])",
    ),
    "the data of two neighbours": (
        "from sklearn.neighbors import KNeighborsRegressor as K\ns = np.arange(9.0).reshape(9, 1)\n"
        "a, b = K().fit(s, s[:, 0]), K().fit(s, s[:, 0])\na._fit_X = b._fit_X\ndel s",
        "a._fit_X[0] = 3.0",
        "b._fit_X.sum()",
    ),
    "a name that its holder's class needs": (
        "b = Box(3.0)\nclass Late(Box):\n    first = b.own\na = Late(b, b.own)",
        "a.held[1].append(2)",
        "len(b.own) + (a.held[0] is b) + (Late.first is b.own) * 2",
    ),
    "an array that is a name in one, found late": (
        "w = np.ones(3)\na = Box(w)\nclass Late(Box):\n    def read(self):\n        return w.sum()\nb = Late(w)",
        "a.held[0][1] = 7.0",
        "b.read() + b.held[0].sum()",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_shared_is_shared(tmp_path: Path, case: str) -> None:
    cell, change, read = CASES[case]
    session = notebook("import numpy as np", BOX, cell, PREDICT.format(change=change, read=read))
    version = stored(tmp_path, session, X)
    rare: Any = pd.DataFrame({"a": [9.0]})
    predictor = version.predictor()
    answered = [float(predictor.predict(predictor.schema.table(rows))["prediction"][0]) for rows in (X, rare, X)]
    expected = [float(session.namespace["predict"](rows).iloc[0]) for rows in (X, rare, X)]
    assert answered == expected
    assert answered[0] != answered[2]
    assert stored(
        tmp_path, notebook("import numpy as np", BOX, cell, PREDICT.format(change=change, read=read)), X
    ).unchanged


VIEWS = {
    "both names": ("base = np.arange(9.0)\nhalf = base[::2]", "base[0] = 9.0", "half[0]"),
    "by a call": ("base = np.arange(9.0)\nhalf = base[1:]", "np.copyto(base, 3.0)", "half[0]"),
    "rows": ("base = np.arange(9.0).reshape(3, 3)\nhalf = base.T", "half += 1", "base[0, 0]"),
    "inside an object": ("half = np.arange(9.0)\nbase = Box(half[::2])", "base.held[0][0] = 9.0", "half[0]"),
}


@pytest.mark.parametrize("case", VIEWS)
def test_views_of_one_memory_that_is_written_are_refused(tmp_path: Path, case: str) -> None:
    cell, change, read = VIEWS[case]
    cells = ("import numpy as np", BOX, cell)
    predict = PREDICT.format(change=change, read=read).replace("def predict(df):", "def predict(df):\n    global half")
    with pytest.raises(CaptureRefused, match=r"base and half are|half and base are") as found:
        stored(tmp_path, notebook(*cells, predict), X)
    advised = str(found.value.fix).split(",")[0]
    stored(tmp_path, notebook(*cells, advised, predict), X)
    stored(tmp_path, notebook(*cells, PREDICT.format(change="pass", read=read)), X)
