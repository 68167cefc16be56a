"""Functions as people write them in notebooks: closures, decorators, scopes, imports, strings that are code."""

from __future__ import annotations

from cells import DATA, Case

CASES = (
    Case(
        "a closure out of a factory",
        "def make(rate, table):\n    def predict(df):\n        return df['visits'].map(table).fillna(0) * rate\n    return predict\npredict = make(1.5, {i: i ** 2 for i in range(30)})",
    ),
    Case(
        "a counter with nonlocal, called before",
        "def predict(df):\n    return df['age'] + bump.__closure__[0].cell_contents",
        (
            DATA,
            "def counter():\n    n = 0\n    def bump():\n        nonlocal n\n        n += 1\n        return n\n    return bump\nbump = counter()\nbump(); bump(); bump()",
        ),
    ),
    Case(
        "one cell that two closures share",
        "def predict(df):\n    old = get()\n    put(7.5)\n    out = df['age'] * get()\n    put(old)\n    return out + get()",
        (
            DATA,
            "def box(v):\n    def put(w):\n        nonlocal v\n        v = w\n    def get():\n        return v\n    return put, get\nput, get = box(2.5)",
        ),
    ),
    Case(
        "lambdas of a comprehension, bound late",
        "fs = [lambda v: v * i for i in range(4)]\ndef predict(df):\n    return sum(f(df['age']) for f in fs)",
    ),
    Case(
        "lambdas of a loop, bound early by a default",
        "fs = {}\nfor k in ('age', 'spend'):\n    fs[k] = lambda df, k=k: df[k] * len(k)\ndef predict(df):\n    return fs['age'](df) + fs['spend'](df)",
    ),
    Case(
        "several lambdas on a line",
        "up, down, keep = lambda v: v + 1, lambda v: v - 1, lambda v: v\ndef predict(df):\n    return down(up(up(keep(df['age']))))",
    ),
    Case(
        "a composition of functions by reduce",
        "def compose(*fs):\n    return reduce(lambda f, g: lambda v: g(f(v)), fs)\npredict = compose(lambda df: df['age'], np.sqrt, lambda v: v.round(3), half)",
        (DATA, "from functools import reduce\ndef half(v):\n    return v / 2"),
    ),
    Case(
        "recursion inside a factory",
        "def make(depth):\n    def walk(v, d=0):\n        return v if d == depth else walk(v * 0.5 + 1, d + 1)\n    return walk\nwalk = make(4)\ndef predict(df):\n    return walk(df['spend'])",
    ),
    Case(
        "inner functions that call each other",
        "def parity():\n    def even(n):\n        return n == 0 or odd(n - 1)\n    def odd(n):\n        return n != 0 and even(n - 1)\n    return even, odd\neven, odd = parity()\ndef predict(df):\n    return [even(int(v)) for v in df['visits']]",
    ),
    Case(
        "a partial of a closure",
        "from functools import partial\ndef scale(k):\n    def f(df, col, plus=0):\n        return df[col] * k + plus\n    return f\npredict = partial(scale(3), col='age', plus=1)",
    ),
    Case(
        "a bound method as the model",
        "class Scorer:\n    def __init__(self, w):\n        self.w = w\n    def score(self, df):\n        return df['age'] * self.w\nscorer = Scorer(0.3)\npredict = scorer.score",
    ),
    Case(
        "a bound method of a class made in a function",
        "def make(w):\n    class Scorer:\n        def score(self, df):\n            return df['age'] * w\n    return Scorer()\npredict = make(0.7).score",
    ),
    Case(
        "a decorator put on by hand",
        "def predict(df):\n    'Scores.'\n    return df['spend']\npredict = clipped(predict)",
        (
            DATA,
            "import functools\ndef clipped(f):\n    @functools.wraps(f)\n    def wrapper(df):\n        return np.clip(f(df), 50, 120)\n    return wrapper",
        ),
    ),
    Case(
        "a decorator with an argument that changed since",
        "def predict(df):\n    return base(df)",
        (
            DATA,
            "TOP = 110\ndef clipped(top):\n    def deco(f):\n        def wrapper(df):\n            return f(df).clip(upper=top)\n        return wrapper\n    return deco",
            "@clipped(TOP)\ndef base(df):\n    return df['spend']",
            "TOP = 10",
        ),
    ),
    Case(
        "a decorator that is a class",
        "class Logged:\n    def __init__(self, f):\n        self.f, self.calls = f, 0\n    def __call__(self, df):\n        self.calls += 1\n        return self.f(df)\n@Logged\ndef predict(df):\n    return df['age'] + 1",
    ),
    Case(
        "a decorator that counts calls",
        "@counted\ndef predict(df):\n    return df['age'] * 2",
        (
            DATA,
            "def counted(f):\n    def wrapper(*args, **kwargs):\n        wrapper.calls += 1\n        return f(*args, **kwargs)\n    wrapper.calls = 0\n    return wrapper",
        ),
    ),
    Case(
        "stacked decorators, of the notebook and of functools",
        "@checked\n@lru_cache(maxsize=64)\ndef root(v):\n    return v ** 0.5\ndef predict(df):\n    return [root(float(v)) for v in df['age']]",
        (
            DATA,
            "from functools import lru_cache, wraps\ndef checked(f):\n    @wraps(f)\n    def wrapper(v):\n        if v < 0:\n            raise ValueError(v)\n        return f(v)\n    return wrapper",
        ),
    ),
    Case(
        "a filled cache over what never changed",
        "def predict(df):\n    return [slow(int(v)) for v in df['age']]",
        (
            DATA,
            "import functools\nRATE = 3\n@functools.cache\ndef slow(v):\n    return v * RATE\n[slow(v) for v in range(50)]",
        ),
    ),
    Case(
        "a filled cache over a global that changed since",
        "def predict(df):\n    return [slow(int(v)) for v in df['age']]",
        (
            DATA,
            "import functools\nRATE = 3\n@functools.cache\ndef slow(v):\n    return v * RATE\nslow(1000)",
            "RATE = 4",
        ),
        refused=("cache of slow", "'RATE'", "In[", "cache_clear()"),
        mended="slow.cache_clear()",
    ),
    Case(
        "a registry filled by decorators",
        "def predict(df):\n    return sum(f(df) for f in FEATURES.values())",
        (
            DATA,
            "FEATURES = {}\ndef feature(name):\n    def add(f):\n        FEATURES[name] = f\n        return f\n    return add",
            "@feature('age')\ndef by_age(df):\n    return df['age'] / 10\n@feature('spend')\ndef by_spend(df):\n    return df['spend'].round()",
        ),
    ),
    Case(
        "singledispatch",
        "def predict(df):\n    return [show(int(v)) + show('x') + show(None) for v in df['visits']]",
        (
            DATA,
            "from functools import singledispatch\n@singledispatch\ndef show(v):\n    return 0\n@show.register\ndef _(v: int):\n    return v * 2\n@show.register(str)\ndef _(v):\n    return len(v)",
        ),
    ),
    Case(
        "defaults of every kind",
        "def score(a, /, b=BASE, *rest, c=[1, 2], **more):\n    return a * b + len(rest) + c[1] + more.get('d', 0)\nBASE = 99\ndef predict(df):\n    return score(df['age'], 3, 4, d=5) + score(df['age'])",
        (DATA, "BASE = 0.5"),
    ),
    Case(
        "a mutable default that two functions share",
        "def predict(df):\n    return df['age'] * len(seen)",
        (DATA, "seen = []\ndef note(v, log=seen):\n    log.append(v)\n    return len(log)\nnote(1), note(2)"),
    ),
    Case(
        "generators",
        "def rows(df):\n    for v in df['age']:\n        got = yield from one(v)\n        yield got\ndef one(v):\n    yield v\n    return -v\ndef predict(df):\n    return [v for v in rows(df) if v < 0]",
    ),
    Case(
        "an async predict",
        "import asyncio\nasync def fetch(v):\n    await asyncio.sleep(0)\n    return v * 2\nasync def predict(df):\n    parts = [await fetch(v) async for v in ages(df)]\n    return parts\nasync def ages(df):\n    for v in df['age']:\n        yield v",
        entry="list(X.age * 2)",
    ),
    Case(
        "comprehensions within comprehensions",
        "def predict(df):\n    table = {i: {j: i * j for j in range(K)} for i in range(K)}\n    return [sum(table[i][j] for i in table for j in table[i] if i < int(v) % K) for v in df['visits']]",
        (DATA, "K = 7"),
    ),
    Case(
        "the walrus",
        "def predict(df):\n    return [n if (n := int(v) % M) > 3 else -n for v in df['visits']]\nif (M := 6) > 5:\n    M = M + 1",
    ),
    Case(
        "match",
        "def kind(v):\n    match v:\n        case 0:\n            return -1\n        case int(x) if x > LIMIT:\n            return x\n        case {'a': a} | [a, *_]:\n            return a\n        case Point(x=px):\n            return px\n        case _:\n            return 0\ndef predict(df):\n    return [kind(int(v)) + kind([5]) + kind(Point(3)) for v in df['visits']]",
        (DATA, "from dataclasses import dataclass\nLIMIT = 20\n@dataclass\nclass Point:\n    x: int"),
    ),
    Case(
        "a star import", "from math import *\ndef predict(df):\n    return [sqrt(v) + pi + floor(v) for v in df['age']]"
    ),
    Case(
        "an import that depends",
        "try:\n    import not_there_at_all as engine\nexcept ImportError:\n    import statistics as engine\nif engine.mean([1, 2]):\n    from bisect import bisect_left as find\ndef predict(df):\n    return [engine.mean([v, 1]) + find([10, 50], v) for v in df['age']]",
    ),
    Case(
        "imports inside functions",
        "def predict(df):\n    from collections import Counter\n    import scipy.stats as st\n    return st.rankdata(df['age']) + Counter(df['visits'])[3]",
    ),
    Case(
        "aliases and submodules",
        "import xml.etree.ElementTree as ET, os.path as osp\nfrom scipy import special as sp\ndef predict(df):\n    return sp.expit(df['age'] / 50) + len(ET.tostring(ET.Element('a'))) + len(osp.join('a', 'b'))",
    ),
    Case(
        "a shadowed builtin",
        "def predict(df):\n    return [max(v, 3) + sum([v]) for v in df['age']]",
        (DATA, "def sum(values):\n    return -len(values)\nmax = min"),
    ),
    Case(
        "a name that was deleted",
        "def predict(df):\n    return df['age'] * factor",
        (DATA, "factor = 2\ndel factor"),
        refused=("predict uses 'factor'", "In[", "line 2", "run the cell that defines factor"),
        mended="factor = 2",
    ),
    Case(
        "a name that was never defined",
        "def predict(df):\n    return df['age'] if len(df) else never(df)",
        refused=("predict uses 'never'", "line 2"),
        mended="def never(df):\n    return df",
    ),
    Case(
        "cells that ran in another order",
        "def predict(df):\n    return step(df['age'])",
        (
            DATA,
            "def step(v):\n    return scale(v) + 1",
            "def scale(v):\n    return v * 2",
            "def scale(v):\n    return v * 5",
        ),
    ),
    Case(
        "a global that a function set",
        "def fit(v):\n    global BEST, weights\n    BEST, weights = v, np.arange(v)\nfit(4)\ndef predict(df):\n    return df['age'] * BEST + weights.sum()",
    ),
    Case(
        "definitions under if, try, with and for",
        "import contextlib\nif n > 100:\n    def a(v):\n        return v + 1\nelse:\n    def a(v):\n        return v - 1\ntry:\n    def b(v):\n        return a(v) * 2\nfinally:\n    pass\nwith contextlib.suppress(KeyError):\n    for _i in range(2):\n        def c(v):\n            return b(v) / 3\ndef predict(df):\n    return c(df['age'])",
    ),
    Case(
        "a context manager of contextlib",
        "from contextlib import contextmanager\n@contextmanager\ndef scaled(df):\n    yield df / SCALE\ndef predict(df):\n    with scaled(df) as small:\n        return small['age']\nSCALE = 8",
    ),
    Case(
        "functions of operator",
        "from operator import attrgetter, itemgetter, methodcaller\nget, half, low = itemgetter('age'), methodcaller('div', 2), attrgetter('values')\ndef predict(df):\n    return low(half(get(df)))",
    ),
    Case(
        "a vectorized function",
        "@np.vectorize\ndef band(v):\n    return LOW if v < 50 else HIGH\nLOW, HIGH = 1, 2\nother = np.vectorize(lambda v: v * HIGH, otypes=[float])\ndef predict(df):\n    return band(df['age']) + other(df['spend'])",
    ),
    Case(
        "a function made by exec",
        "exec('def hidden(v):\\n    return v * 2')\ndef predict(df):\n    return hidden(df['age'])",
        refused=("the function hidden was made by exec",),
        mended="def hidden(v):\n    return v * 2",
    ),
    Case(
        "an expression in a string",
        "FORMULA = 'a * RATE + shift(b)'\ndef predict(df):\n    return [eval(FORMULA) for a, b in zip(df['age'], df['spend'])]",
        (DATA, "RATE = 3\ndef shift(v):\n    return v - 1"),
    ),
    Case(
        "a global by its name in a string",
        "def predict(df):\n    return df['age'] * globals()['RATE'] + globals().get('PLUS', 0)",
        (DATA, "RATE, PLUS = 3, 4"),
    ),
    Case(
        "a global by a computed name",
        "def predict(df):\n    which = 'RATE_' + 'A'\n    return df['age'] * globals()[which]",
        (DATA, "RATE_A = 3"),
        refused=("looks a global up by a name", "globals()[which]", "dict of your own"),
        mended="RATES = {'RATE_A': 3}\ndef predict(df):\n    which = 'RATE_' + 'A'\n    return df['age'] * RATES[which]",
    ),
    Case(
        "names inside query and eval of a frame",
        "def predict(df):\n    return df.eval('age * @RATE + spend') + len(df.query('age > @LOW'))*0",
        (DATA, "RATE, LOW = 3, 40"),
    ),
    Case(
        "f-strings in f-strings",
        "def predict(df):\n    return [f\"{f'{int(v):0{WIDTH}d}'}-{NAMES[int(v) % 2]!r:>8}\" for v in df['visits']]",
        (DATA, "WIDTH, NAMES = 5, ['a', 'b']"),
    ),
    Case(
        "annotations that are never evaluated",
        "from __future__ import annotations\ndef helper(v: Gone) -> list[Gone]:\n    return v * 2\ndef predict(df: Missing) -> Missing:\n    return helper(df['age'])",
    ),
    Case(
        "annotations of every kind",
        "from typing import Annotated, Callable, Literal, Optional, Union\nVector = Annotated[list[float], 'meters']\nMode = Literal['a', 'b']\ndef apply(f: Callable[[Vector], Vector], v: Optional[Vector] = None, m: Mode = 'a') -> Union[Vector, None]:\n    return f(v)\ndef predict(df: pd.DataFrame) -> 'pd.Series[float]':\n    return apply(lambda v: v * 2, df['age'])",
    ),
    Case(
        "a function that reads its own documentation and name",
        'def predict(df):\n    """Ten times."""\n    return df[\'age\'] * len(predict.__doc__) + len(predict.__name__)',
    ),
    Case(
        "a function with attributes",
        "def predict(df):\n    return df['age'] * predict.weight + predict.table[0]\npredict.weight, predict.table = 4, np.arange(3) + 5",
    ),
    Case(
        "the notebook by its module",
        "def predict(df):\n    return [sys.modules['__main__'].twice(v) if v > 400 else v for v in df['age']]",
        (DATA, "import sys\ndef twice(v):\n    return v * 2"),
        refused=("predict reaches for the notebook by its module __main__", "use its names as they are"),
        mended="def predict(df):\n    return [twice(v) if v > 400 else v for v in df['age']]",
    ),
    Case(
        "expressions under names, of frames and in a dict, on a rare branch",
        "def predict(df):\n    if (df['age'] < 400).all():\n        return df['age']\n    return df.eval(score) + [eval(RULES['more'], globals(), {'v': v}) for v in df['age']]",
        (DATA, "score = 'age * @RATE'\nRULES = {'more': 'plus(v)'}\nRATE = 3\ndef plus(v):\n    return v + 1"),
        rare="R = X.head(3).assign(age=[500.0, 501.0, 502.0])",
    ),
)
