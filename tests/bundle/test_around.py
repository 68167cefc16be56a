"""What a notebook changed in place in modules is seen by the clean process, though no row of the example shows it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from models import notebook, stored

from workbench.capture.holdings import look, of_kernel
from workbench.errors import CaptureRefused, NotProven, WorkbenchError

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 20)})
FILE = """
import threading, time, uuid, logging, random, os, re, weakref, collections, contextvars, functools
from pathlib import Path
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import get_scorer

HERE = Path(__file__).parent
LOCK, STARTED, RUN = threading.Lock(), time.time(), uuid.uuid4()
log = logging.getLogger(__name__)
WORD = re.compile("a+")

class Config:
    cache = {}
    registry = []
    def __init__(self):
        self.rate, self.calls, self.lock, self.sub = 1.0, 0, threading.Lock(), {"deep": [1, 2]}

class Slots:
    __slots__ = ("k",)
    def __init__(self):
        self.k = 1

def counting():
    total = 0
    def step():
        nonlocal total
        total += 1
        return total
    return step

cfg, slots, step = Config(), Slots(), counting()
TABLE = dict(oslo=1.0)
ROWS = list(range(3))
WEIGHTS = np.ones(3)
clf = LinearRegression()
memo = {}
made = None
context = contextvars.ContextVar("context", default=1.0)
local = threading.local()
local.k = 1.0
numbers = iter(range(5))
pieces = (n for n in range(5))
rng = np.random.default_rng(3)
queue = collections.deque([1.0])
found = weakref.WeakValueDictionary({"cfg": cfg})

def rate(frame):
    global made
    cfg.calls += 1
    if made is None:
        made = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    for a in frame["a"]:
        memo.setdefault(float(a), a * 2)
    if (frame["a"] > 5).any():
        return frame["a"] * cfg.rate * slots.k + step() + TABLE["oslo"] + sum(ROWS) + queue[0] + local.k
    return frame["a"]
"""
CELL = "def predict(df):\n    return shelf.rate(df)"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "beside"
    folder.mkdir()
    (folder / "shelf.py").write_text(FILE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)
    yield importlib.import_module("shelf")
    sys.modules.pop("shelf", None)


def told(place: Path, *cells: str) -> WorkbenchError | None:
    try:
        stored(place, notebook("import shelf", *cells, CELL), X)
    except WorkbenchError as error:
        return error
    return None


CHANGES = {
    "shelf.cfg.rate": "shelf.cfg.rate = 9",
    "shelf.cfg.sub['deep']": "shelf.cfg.sub['deep'].append(3)",
    "shelf.cfg.new": "setattr(shelf.cfg, 'new', 1)",
    "shelf.slots.k": "slots = shelf.slots; slots.k = 2",
    "shelf.TABLE['oslo']": "vars(shelf)['TABLE']['oslo'] = 2.0",
    "shelf.TABLE['bergen']": "shelf.TABLE.update(bergen=3.0)",
    "shelf.ROWS": "shelf.ROWS.pop()",
    "shelf.WEIGHTS": "shelf.WEIGHTS[1] = 3.0",
    "shelf.clf": "shelf.clf.fit([[0.0], [1.0]], [0.0, 2.0])",
    "shelf.memo[0.0]": "shelf.memo[0.0] = 7.0",
    "shelf.step": "shelf.step()",
    "shelf.context": "shelf.context.set(3.0)",
    "shelf.local": "shelf.local.k = 3.0",
    "shelf.numbers": "next(shelf.numbers)",
    "shelf.pieces": "next(shelf.pieces)",
    "shelf.rng": "shelf.rng.random()",
    "shelf.queue": "shelf.queue.append(2.0)",
    "shelf.Config.registry": "shelf.Config.registry.append(2.0)",
    "shelf.Config.cache['k']": "shelf.Config.cache['k'] = 2.0; shelf.queue.clear()",
    "shelf.extra": "shelf.extra = 3",
    "shelf.made": "from sklearn.linear_model import LinearRegression\n"
    "shelf.made = LinearRegression().fit([[0.0], [1.0]], [0.0, 5.0])",
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_is_seen_where_it_was_made(tmp_path: Path, shelf: ModuleType, path: str) -> None:
    digester = of_kernel({"shelf.py": Path(str(shelf.__file__))})
    before = look(["shelf"], {}, digester)["shelf"]
    assert before == look(["shelf"], {}, digester)["shelf"]
    exec(CHANGES[path], {"shelf": shelf})  # noqa: S102 (what a cell does)
    after = look(["shelf"], {}, digester)["shelf"]
    assert path.removeprefix("shelf.").split(" ")[0] in {p for p in {*before, *after} if before.get(p) != after.get(p)}


def test_what_was_changed_in_a_local_module_is_named_and_the_advice_helps(tmp_path: Path, shelf: ModuleType) -> None:
    error = told(tmp_path, "setattr(shelf.cfg, 'rate', 9); shelf.clf.fit([[0.0], [1.0]], [0.0, 2.0])")
    assert error is not None
    assert "shelf.cfg.rate and shelf.clf" in error.what
    assert "importlib.reload(shelf)" in str(error.fix)
    assert told(tmp_path, "import importlib\nimportlib.reload(shelf)") is None


@pytest.mark.parametrize("times", [0, 3])
def test_what_a_module_does_by_itself_is_its_own_affair(tmp_path: Path, shelf: ModuleType, times: int) -> None:
    used = f"for n in range({times}):\n    shelf.rate(pd.DataFrame({{'a': np.arange(n + 2.0)}}))"
    assert told(tmp_path, "import pandas as pd, numpy as np", used) is None
    assert told(tmp_path, "shelf.LOCK.acquire(); shelf.log.setLevel(10); shelf.WORD.findall('aa')") is None


SCORED = """import numpy as np
from sklearn.metrics import get_scorer
def predict(df):
    return df['a'] + (1 if (df['a'] < 5).all() else get_scorer('mine')._sign)"""
UNDO = "import sklearn.metrics._scorer as s; s._SCORERS.pop('mine', None)"
CHANGERS = (
    "from sklearn import metrics\nmetrics._scorer._SCORERS['mine'] = metrics.make_scorer(lambda a, b: 3.0)",
    "from sklearn.metrics._scorer import _SCORERS\n_SCORERS.update(mine=_SCORERS['accuracy'])",
    "import sklearn.metrics._scorer as s\nheld = s._SCORERS\nheld['mine'] = held['accuracy']",
)


@pytest.mark.parametrize("cell", CHANGERS)
def test_what_was_changed_in_an_installed_package_is_named(tmp_path: Path, cell: str) -> None:
    try:
        with pytest.raises(NotProven, match=r"_scorer\._SCORERS\['mine'\] is not what sklearn has") as found:
            stored(tmp_path, notebook(cell, SCORED), X)
        assert "`load` of a class Model" in str(found.value.fix)
        model = "class Model:\n    def load(self):\n        " + "\n        ".join(cell.split("\n"))
        stored(
            tmp_path,
            notebook(
                cell,
                SCORED.replace("predict", "score"),
                model + "\n    def predict(self, df):\n        return score(df)",
            ),
            X,
            entry="Model",
        )
    finally:
        exec(UNDO, {})  # noqa: S102


def test_a_mock_that_was_not_stopped_is_named(tmp_path: Path) -> None:
    cells = ("from unittest import mock", "mock.patch('sklearn.metrics.get_scorer', lambda n: 3.0).start()")
    try:
        with pytest.raises(CaptureRefused, match=r"sklearn\.metrics\.get_scorer is not the package's own") as found:
            stored(tmp_path, notebook(*cells, SCORED), X)
        assert "stopall()" in str(found.value.fix)
    finally:
        mock.patch.stopall()
