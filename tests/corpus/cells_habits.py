"""Habits of long notebooks: scripts that are run in them, NaN as a key, classes that hold what the notebook made."""

from __future__ import annotations

from cells import DATA, Case

_CELL = '{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": ["%s"]}'
_ENUM, _RATE = r"from enum import Enum\nclass K(Enum):\n    A = 7", r"def rate(v):\n    return v * K.A.value"
_NB = f'{{"cells": [{_CELL % _ENUM}, {_CELL % _RATE}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 4}}'
_FORMULA = "def predict(df):\n    return fit.predict(df)"
_HASHED = "def predict(df):\n    return [KNOWN.get(c, 3 + bucket(c)) + T.get(Key(c), 0) for c in df['city']]"

CASES = (
    Case(
        "NaN as a key and in a list, on a rare branch",
        "def predict(df):\n    return [MAP.get(c, 0) + 10 * (c in SKIP) + 100 * (c is NAN) + kept.m.get(c, 1000) + Kept.other.get(c, 5000) for c in df['city']]",
        (
            DATA,
            "X['city'] = 'Oslo'\nMAP, SKIP, NAN = {np.nan: -1, 'Oslo': 1}, [np.nan, 'none'], np.nan\n"
            "class Kept:\n    other = {}\n    def __init__(self):\n        self.m = {np.nan: 7}\nkept = Kept()\nKept.other[np.nan] = 6",
        ),
        rare="R = X.head(2).assign(city=['Oslo', np.nan])",
    ),
    Case(
        "a number by hash, on a rare branch",
        _HASHED,
        (
            DATA,
            "X['city'] = 'Oslo'\nKNOWN = {'Oslo': 1}\nclass Key:\n    def __init__(self, k):\n        self.k = k\n    def __hash__(self):\n        return hash(self.k)\n"
            "    def __eq__(self, other):\n        return self.k == other.k\nT = {Key('Oslo'): 4}\ndef bucket(c):\n    return hash(c) % 1000",
        ),
        refused=("bucket uses hash()", "zlib.crc32"),
        mended="import zlib\ndef bucket(c):\n    return zlib.crc32(str(c).encode()) % 1000\n" + _HASHED,
        rare="R = X.head(2).assign(city=['Bergen', 'Voss'])",
    ),
    Case(
        "a set of text that is put in an order, on a rare branch",
        "def predict(df):\n    return ['|'.join(TAGS) if c == 'Voss' else c for c in df['city']]",
        (DATA, "X['city'] = 'Oslo'\nTAGS = {'red', 'green', 'blue', 'pink'}"),
        refused=("predict puts the set TAGS in an order", "sorted(TAGS)"),
        mended="def predict(df):\n    return ['|'.join(sorted(TAGS)) if c == 'Voss' else c for c in df['city']]",
        rare="R = X.head(2).assign(city=['Bergen', 'Voss'])",
    ),
    Case(
        "a set of text that is looked into, and taken where no order is asked for",
        "def predict(df):\n    known = df['city'].isin(list(TAGS)) & (len(list(TAGS)) > 1) & any([c in TAGS for c in df['city']])\n    return known * (1 + sum(len(t) for t in TAGS))",
        (DATA, "X['city'] = 'Oslo'\nTAGS = {'Oslo', 'Bergen'}"),
    ),
    Case(
        "a member of an enum, and objects of the notebook, as attributes of a class",
        "def predict(df):\n    return [v + sum(s.k for s in Kept.steps) + (Kept.link in Link) for v in df['age']]",
        (
            DATA,
            "from enum import Enum\nclass Link(Enum):\n    ID = 'id'\n    LOG = 'log'\nclass Step:\n    def __init__(self, k):\n        self.k = k\n"
            "class Kept:\n    link = Link.ID\n    steps = [Step(1)]\nKept.steps.append(Step(2))",
        ),
    ),
    Case(
        "a data class that counts in a ClassVar",
        "def predict(df):\n    return df['age'] + len(Kept.seen) + kept.k",
        (
            DATA,
            "from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass\nclass Kept:\n    k: int = 3\n    seen: ClassVar[list] = []\n"
            "    def __post_init__(self):\n        self.seen.append(self.k)\nkept = Kept(4)",
        ),
    ),
    Case(
        "classes and functions of a script that %run ran",
        "def predict(df):\n    return p.go(df['age']) + kept.k + Kind.A.value",
        (DATA, "%run prep.py one two"),
        {
            "prep.py": "import sys\nfrom dataclasses import dataclass\nfrom enum import Enum\nMORE = len(sys.argv)\ndef prep(v):\n    return v + MORE\n"
            "class P:\n    z = 4\n    def go(self, v):\n        return prep(v) * self.z\nclass Kind(Enum):\n    A = 1\n@dataclass\nclass Kept:\n    k: int = 3\nkept, p = Kept(5), P()\n"
        },
    ),
    Case(
        "a notebook that %run ran",
        "def predict(df):\n    return rate(df['age'])",
        (DATA, "%run other.ipynb"),
        {"other.ipynb": _NB},
    ),
    Case(
        "a global of a script that %run ran and the notebook bound again, on a rare branch",
        "def predict(df):\n    return prep(df['age'])",
        (DATA, "%run more.py\nMORE = 99"),
        {"more.py": "MORE = 1\ndef prep(v):\n    return v if v.min() > 0 else v + MORE\n"},
        refused=("prep reads the 'MORE' of what made it", "%run -i"),
        mended="%run -i more.py\nMORE = 99\ndef predict(df):\n    return prep(df['age'])",
        rare="R = X.head(2).assign(age=[-1.0, 2.0])",
    ),
    Case(
        "statsmodels: a formula whose global was bound again",
        _FORMULA,
        (
            DATA,
            "import statsmodels.formula.api as smf\nPOW = 2\nfit = smf.ols('spend ~ np.power(age, POW)', X).fit()\nPOW = 3",
        ),
        refused=("the formula of fit was fitted with another 'POW'", "bind POW again"),
        mended="POW = 2\n" + _FORMULA,
    ),
    Case(
        "a closure that a module beside the notebook makes",
        "predict = wbt_made.scaled(3, plus=X['age'].mean())",
        (DATA, "import wbt_made"),
        {
            "wbt_made.py": "RATE = 2\ndef scaled(k, plus):\n    def predict(df, col='age', *, times=k):\n        return df[col] * times * RATE + plus\n    return predict\n"
        },
    ),
    Case(
        "one cell that two closures of such a module share",
        "def predict(df):\n    old = get()\n    put(7.5)\n    out = df['age'] * get()\n    put(old)\n    return out + get()",
        (DATA, "import wbt_box\nput, get = wbt_box.box(2.5)\nput(3.5)"),
        {
            "wbt_box.py": "def box(v):\n    def put(w):\n        nonlocal v\n        v = w\n    def get():\n        return v\n    return put, get\n"
        },
    ),
    Case(
        "such closures over functions of the notebook, over each other and over themselves",
        "def half(v):\n    return v / 2\nsteps = {'halved': wbt_steps.then(half, wbt_steps.LATER[1]), 'deep': wbt_steps.deep(3)}\ndef predict(df):\n    return steps['halved'](df['age']) + steps['deep'](df['spend'])",
        (DATA, "import wbt_steps"),
        {
            "wbt_steps.py": "def loud(f):\n    def inner(v):\n        return f(v) + 1\n    return inner\n@loud\ndef doubled(v):\n    return v * 2\nLATER = [lambda v: v - 1, lambda v: doubled(v)]\ndef then(f, g):\n    return lambda v: g(f(v))\ndef deep(k):\n    def walk(v, d=0):\n        return v if d == k else walk(v * 0.5 + 1, d + 1)\n    return walk\n"
        },
    ),
    Case(
        "a lambda of a module beside the notebook in a transformer",
        "from sklearn.preprocessing import FunctionTransformer\nstep = FunctionTransformer(wbt_lambdas.BY['log'])\ndef predict(df):\n    return step.transform(df[['spend']])['spend']",
        (DATA, "import wbt_lambdas"),
        {
            "wbt_lambdas.py": "import numpy as np\nBY = {'sqrt': lambda v: np.sqrt(v), 'log': lambda v: np.log1p(v.abs())}\n"
        },
    ),
    Case(
        "a closure that Python's own library makes",
        "scan = py_make_scanner(JSONDecoder())\ndef predict(df):\n    return [scan(str([v]), 0)[0][0] for v in df['age']]",
        (DATA, "from json import JSONDecoder\nfrom json.scanner import py_make_scanner"),
    ),
    Case(
        "a class that a module beside the notebook makes inside a function",
        "scorer = wbt_classes.scorer(3)()\ndef predict(df):\n    return scorer.score(df['age'])",
        (DATA, "import wbt_classes"),
        {
            "wbt_classes.py": "def scorer(k):\n    class Scorer:\n        def score(self, v):\n            return v * k\n    return Scorer\n"
        },
        refused=("scorer.<locals>.Scorer is a class that wbt_classes makes inside a function",),
        mended="class Model:\n    def load(self):\n        self.scorer = wbt_classes.scorer(3)()\n    def predict(self, df):\n        return self.scorer.score(df['age'])\ndel predict",
    ),
    Case(
        "a function that was registered with a module beside the notebook",
        "def predict(df):\n    return wbt_reg.BY['mine'](df['age'])",
        (DATA, "import wbt_reg\n@wbt_reg.register\ndef mine(v):\n    return v * 2"),
        {"wbt_reg.py": "BY = {}\ndef register(f):\n    BY[f.__name__] = f\n    return f\n"},
        refused=("wbt_reg.BY['mine'] in this kernel is not what wbt_reg.py makes of it",),
        mended="import importlib\nimportlib.reload(wbt_reg)\nOWN = {'mine': mine}\ndef predict(df):\n    return OWN['mine'](df['age'])",
    ),
)
