"""A bundle makes a package of itself: its own modules and state, beside any other bundle, in child processes too."""

from __future__ import annotations

import gc
import importlib
import io
import os
import pickle
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bundles import make

from workbench.bundle.write import inference
from workbench.capture.state import captured_module, captured_state
from workbench.inference.package import forget

Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Makes a bundle and imports it as `load.py` does; everything is as before at the end."""
    path, finders, modules = list(sys.path), list(sys.meta_path), set(sys.modules)
    number = iter(range(99))

    def load(model: str, **parts: Any) -> ModuleType:
        folder = tmp_path / f"bundle{next(number)}"
        package = make(folder, model, **parts)
        sys.path.append(str(folder / "code"))
        importlib.invalidate_caches()
        return importlib.import_module(package)

    yield load
    sys.path[:], sys.meta_path[:] = path, finders
    for name in set(sys.modules) - modules:
        if name.startswith("wb_"):
            del sys.modules[name]


MODEL = """\
import helper
import shop.prices
import shop.prices as prices
from helper import WHO, Base
from shop import prices as again
from shop.deep.inner import DEEP

def now():
    return helper.WHO, WHO, shop.prices.PRICE, prices.PRICE, again.PRICE, DEEP

def later():
    import helper
    from helper import WHO as who
    import late
    from shop import lazy
    import shop.deep.inner as inner
    return helper.WHO, who, late.WHO, lazy.NAME, inner.DEEP

class Mine(Base):
    pass
"""


def modules(who: str) -> dict[str, str]:
    return {
        "helper.py": f"WHO = {who!r}\nclass Base:\n    who = WHO\n",
        "late.py": "from helper import WHO\ndef tell():\n    import helper\n    return helper.WHO\n",
        "shop/__init__.py": "",
        "shop/prices.py": "from . import lazy\nimport helper\nPRICE = helper.WHO + ' price'\n",
        "shop/lazy.py": "import late\nNAME = late.tell() + ' lazy'\n",
        "shop/deep/__init__.py": "from ..prices import PRICE",
        "shop/deep/inner.py": "import shop\nDEEP = shop.prices.PRICE + ' deep'\n",
    }


def test_two_bundles_with_same_named_modules_live_side_by_side(load: Load) -> None:
    first, second = load(MODEL, modules=modules("one")), load(MODEL, modules=modules("two"))
    for module, who in ((first, "one"), (second, "two"), (first, "one")):
        price = f"{who} price"
        assert module.now() == (who, who, price, price, price, f"{price} deep")
        assert module.later() == (who, who, who, f"{who} lazy", f"{price} deep")
        assert module.Mine.__module__ == module.__name__
        assert module.Base.__module__ == f"{module.__name__}.helper"
    assert not {"helper", "late", "shop"} & set(sys.modules)


def test_a_module_of_the_same_name_elsewhere_is_not_touched(load: Load, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "helper.py").write_text("WHO = 'elsewhere'")
    sys.path.insert(0, str(tmp_path / "elsewhere"))
    try:
        assert importlib.import_module("helper").WHO == "elsewhere"
        assert load(MODEL, modules=modules("mine")).later()[0] == "mine"
        assert importlib.import_module("helper").WHO == "elsewhere"
    finally:
        del sys.modules["helper"]


def test_a_late_import_does_not_replace_a_global_of_that_name(load: Load) -> None:
    module = load(
        "def helper():\n    return 'mine'\ndef later():\n    from helper import WHO\n    return WHO, helper()\n",
        modules={"helper.py": "WHO = 'module'"},
    )
    assert module.later() == ("module", "mine")
    assert module.later() == ("module", "mine")


def test_tracebacks_show_the_real_files(load: Load) -> None:
    module = load(
        "import helper\ndef predict():\n    return helper.fail()\n",
        modules={"helper.py": "def fail():\n    raise ValueError('bad')  # here\n"},
    )
    with pytest.raises(ValueError, match="bad") as caught:
        module.predict()
    shown = "".join(traceback.format_exception(caught.value))
    assert 'model.py", line 3, in predict\n    return helper.fail()' in shown
    assert "raise ValueError('bad')  # here" in shown


def test_future_annotations_are_the_models_own(load: Load) -> None:
    module = load("def f(x: int): ...\n")
    assert module.f.__annotations__ == {"x": int}


class Referring:
    """Pickles as capture pickles what is in the captured module."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced

    def __call__(self) -> None:
        """What is reduced to a class may be called, once it is one."""


def class_of(path: str, name: str) -> Referring:
    return Referring(getattr, (Referring(captured_module, (path,)), name))


def array_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def frame_bytes(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


STATE_MODEL = """\
import helper
class Mine:
    pass
both = __state__("both.pkl")
clf = __state__("clf.pkl")
again = __state__("clf.pkl")
weights = __state__("weights.npy")
known = __state__("known.parquet")
"""


def test_state_is_bound_to_the_captured_module_and_to_itself(load: Load) -> None:
    state = {
        "clf.pkl": pickle.dumps({"of": Referring(class_of("", "Mine"), ())}),
        "both.pkl": pickle.dumps(
            (Referring(captured_state, ("clf.pkl",)), class_of("shop.prices", "Money"), class_of("helper", "A"))
        ),
        "weights.npy": array_bytes(np.arange(3)),
        "known.parquet": frame_bytes(pd.DataFrame({"a": [1.5]})),
    }
    mods = {
        "helper.py": "class A: pass\n",
        "shop/__init__.py": "",
        "shop/prices.py": "import helper\nclass Money(helper.A): pass\n",
    }
    module = load(STATE_MODEL, state=state, modules=mods)
    clf, money, a = module.both
    assert clf is module.clf is module.again
    assert type(clf["of"]) is module.Mine
    assert money.__module__ == f"{module.__name__}.shop.prices"
    assert issubclass(money, a)
    assert module.helper.A is a
    assert module.weights.tolist() == [0, 1, 2]
    assert module.known["a"].tolist() == [1.5]


@pytest.mark.parametrize("file", ["state/clf.pkl", "model.py", "code/helper.py"])
def test_what_was_changed_is_refused_before_it_runs(tmp_path: Path, load: Load, file: str) -> None:
    ran = tmp_path / "ran"
    evil = pickle.dumps(Referring(os.mkdir, (str(ran),)))
    folder = tmp_path / "bundle"
    package = make(
        folder,
        "import helper\nclf = __state__('clf.pkl')\n",
        state={"clf.pkl": pickle.dumps(1)},
        modules={"helper.py": ""},
    )
    path = folder / file.replace("code/", f"code/{package}/")
    path.write_bytes(evil if file.startswith("state") else f"import os; os.mkdir({str(ran)!r})".encode())
    sys.path.append(str(folder / "code"))
    with pytest.raises(Exception, match="was changed after it was captured") as caught:
        importlib.import_module(package)
    assert type(caught.value).__name__ == "BundleRefused"
    assert not ran.exists()


CHILD_MODEL = """\
import helper
class Doubler:
    def double(self, x):
        import helper
        return helper.FACTOR * x
def once(x):
    return Doubler().double(x), helper.FACTOR
def spread():
    from joblib import Parallel, delayed
    return Parallel(n_jobs=2, backend="loky")(delayed(once)(i) for i in range(4))
def instances():
    from joblib import Parallel, delayed
    return Parallel(n_jobs=2, backend="loky")(delayed(helper.made)(Doubler(), i) for i in range(2))
"""


def test_child_processes_import_the_package(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    package = make(
        folder,
        CHILD_MODEL,
        modules={"helper.py": "FACTOR = 3\ndef made(doubler, x):\n    import helper\n    return doubler.double(x)\n"},
    )
    script = f"import {package} as m\nprint(m.spread(), m.instances())\n"
    (tmp_path / "main.py").write_text(f"if __name__ == '__main__':\n    exec({script!r})\n")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "code")}
    ran = subprocess.run(
        [sys.executable, "main.py"], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ran.stdout == "[(0, 3), (3, 3), (6, 3), (9, 3)] [0, 3]\n", ran.stderr


def test_the_copied_files_need_nothing_else_of_workbench(tmp_path: Path) -> None:
    package = make(tmp_path / "bundle", "")
    names = [
        f"{package}._wb.{path.removesuffix('.py').replace('/', '.')}" for path in inference() if "__init__" not in path
    ]
    script = f"import sys, importlib\nsys.path = [p for p in sys.path if 'pth' not in p]\n[importlib.import_module(n) for n in {names}]\n"
    script += "print([m for m in sys.modules if m.partition('.')[0] == 'workbench'])"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "bundle" / "code")}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "[]\n", ran.stderr


def test_a_package_can_be_forgotten(load: Load) -> None:
    module = load(MODEL, modules=modules("one"))
    package, finders, kept = module.__name__, len(sys.meta_path), weakref.ref(module.Mine)
    forget(package)
    assert not [name for name in sys.modules if name.startswith(package)]
    assert len(sys.meta_path) == finders - 1
    assert module.now()[0] == "one", "who holds it can still use it"
    del module
    gc.collect()
    assert kept() is None
