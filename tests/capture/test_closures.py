"""What was made inside other functions: each program answers in its model.py what the live session answers."""

from __future__ import annotations

import pytest
from programs import answer
from shell import Notebook

PROGRAMS = {
    "a list that a function closes over and that holds it": [
        "hooks = []\ndef make(k, hooks):\n    def f(v): return v * k + len(hooks)\n    hooks.append(f)\n    return f",
        "f = make(3, hooks)",
        "def predict(v): return f(v), hooks[0] is f",
    ],
    "instances that their class knows": [
        "class R:\n    all = []\n    def __init__(self, k):\n        self.k = k\n        R.all.append(self)\na, b = R(1), R(2)",
        "def predict(v): return sum(x.k for x in R.all), R.all[0] is a",
    ],
    "a decorator of a method that was redefined since": [
        "def d(f):\n    def w(self, v): return f(self, v) * 2\n    return w\nclass A:\n    @d\n    def f(self, v): return v",
        "def d(f):\n    def w(self, v): return -1\n    return w",
        "def predict(v): return A().f(v)",
    ],
    "a call, a property and a static method that were replaced, a method that was deleted": [
        "class A:\n    def __call__(self, v): return v\n    @property\n    def p(self): return 1\n    @staticmethod\n    def s(): return 1\n"
        "    def gone(self): pass\n",
        "A.__call__ = lambda self, v: -v\nA.p = property(lambda self: 9)\nA.s = staticmethod(lambda: 8)\ndel A.gone",
        "def predict(v): return A()(v), A().p, A.s(), hasattr(A, 'gone')",
    ],
    "what classes and defaults were made with": [
        "N = 3\ndef double(): return N * 2\nclass A:\n    k = double()\n    parts = [i * N for i in range(3)]\n"
        "class O: pass\ndef f(v, k=double(), o=O()): return v * k + o.n\nf.__defaults__[1].n = 5",
        "N = 50\ndef predict(v): return f(v), A.k, A.parts",
    ],
    "a list inside an object, a tuple and a dict": [
        "L = [1]\nclass A: pass\na = A()\na.l = L\nt = (L, 2)\nd = {'x': [L]}",
        "def predict(v): return a.l is L, t[0] is L, d['x'][0] is L",
    ],
    "a factory": ["def make(k):\n    def f(v): return v * k\n    return f", "f = make(3)\ndef predict(v): return f(v)"],
    "two of one factory": [
        "def make(k):\n    def f(v): return v * k\n    return f\na, b = make(3), make(4)",
        "def predict(v): return a(v) + b(v)",
    ],
    "the model itself": ["def make(k):\n    def predict(v): return v * k\n    return predict", "predict = make(3)"],
    "data in a closure": [
        "import numpy as np\ndef make(w):\n    def f(v): return float((w * v).sum())\n    return f",
        "predict = make(np.arange(5.0))",
    ],
    "one list in two closures and a global": [
        "def make(log):\n    def f(v):\n        log.append(v)\n        n = len(log)\n        log.pop()\n        return n\n    return f",
        "shared = [0]\na, b = make(shared), make(shared)",
        "def predict(v): return a(v), b(v), len(shared)",
    ],
    "a counter that was called": [
        "def counter():\n    n = 0\n    def bump():\n        nonlocal n\n        n += 1\n        return n\n    return bump",
        "bump = counter()\nbump(); bump()",
        "import copy\ndef predict(v): return v + bump.__closure__[0].cell_contents",
    ],
    "one cell that two functions share": [
        "def account():\n    total = 5\n    def add(v):\n        nonlocal total\n        total += v\n    def read(): return total\n"
        "    return add, read",
        "add, read = account()",
        "def predict(v):\n    before = read()\n    add(v)\n    done = read() - before\n    add(-v)\n    return done, read()",
    ],
    "recursion inside a factory": [
        "def make():\n    def fact(n): return 1 if n < 2 else n * fact(n - 1)\n    return fact",
        "predict = make()",
    ],
    "two that call each other inside a factory": [
        "def make():\n    def even(n): return n == 0 or odd(n - 1)\n    def odd(n): return n != 0 and even(n - 1)\n"
        "    return even, odd",
        "even, odd = make()",
        "def predict(v): return even(v), odd(v)",
    ],
    "a lambda that calls itself": [
        "def make():\n    fact = lambda n: 1 if n < 2 else n * fact(n - 1)\n    return fact",
        "predict = make()",
    ],
    "lambdas of a comprehension": [
        "fs = [lambda v: v * i for i in range(4)]",
        "def predict(v): return [f(v) for f in fs]",
    ],
    "lambdas of a dict": [
        "def scaler(k): return lambda v: v * k\nfs = {k: scaler(k) for k in (2, 3)}",
        "def predict(v): return {k: f(v) for k, f in fs.items()}",
    ],
    "a composition": [
        "from functools import reduce\ndef compose(*fs): return reduce(lambda f, g: lambda v: g(f(v)), fs)",
        "def inc(v): return v + 1\npredict = compose(inc, lambda v: v * 2, inc)",
    ],
    "a default that only the factory knew": [
        "def make(n):\n    scale = n * 10\n    def f(v, k=scale + 1, *, j=scale): return v * k + j\n    return f",
        "predict = make(2)",
    ],
    "an annotation that only the factory knew": [
        "def make(T, k):\n    def f(v: T) -> T: return v * k\n    return f",
        "predict = make(int, 2)",
    ],
    "a string over several lines": [
        "def make(k):\n    if True:\n        def f(v):\n            text = '''a\n  b\nc'''\n            return len(text) * k * v\n        return f",
        "predict = make(2)",
    ],
    "a variable that was never bound": [
        "def make(k):\n    if k > 100: bonus = 1\n    def f(v):\n        try:\n            return v + bonus\n"
        "        except NameError:\n            return -v\n    return f",
        "predict = make(2)",
    ],
    "a closure over a closure": [
        "def outer(a):\n    def middle(b):\n        def inner(v): return a * 100 + b * 10 + v\n        return inner\n    return middle",
        "predict = outer(1)(2)",
    ],
    "a decorator put on by hand": [
        "import functools\ndef clip(f):\n    @functools.wraps(f)\n    def w(v): return min(f(v), 5)\n    return w",
        "def predict(v):\n    'Doc.'\n    return v",
        "predict = clip(predict)",
    ],
    "a decorator put on by hand, twice": [
        "def plus(f):\n    def w(v): return f(v) + 1\n    return w\ndef predict(v): return v",
        "predict = plus(plus(predict))",
    ],
    "a decorator that was redefined since": [
        "def twice(f):\n    def w(v): return f(v) * 2\n    return w\n@twice\ndef f(v): return v",
        "def twice(f):\n    def w(v): return f(v) * 3\n    return w",
        "def predict(v): return f(v)",
    ],
    "a decorator with an argument of then": [
        "HIGH = 5\ndef clip(high):\n    def deco(f):\n        def w(v): return min(f(v), high)\n        return w\n    return deco",
        "@clip(HIGH)\ndef f(v): return v",
        "HIGH = 6\ndef predict(v): return f(v)",
    ],
    "a decorator with a constant": [
        "def clip(high):\n    def deco(f):\n        def w(v): return min(f(v), high)\n        return w\n    return deco",
        "@clip(5)\ndef predict(v): return v",
    ],
    "a decorator that counts": [
        "def counted(f):\n    def w(v):\n        w.calls += 1\n        return f(v) + w.calls\n    w.calls = 0\n    return w",
        "@counted\ndef f(v): return v\nf(1); f(2)",
        "def predict(v): return f(v) - f.calls",
    ],
    "a decorator that is a class": [
        "class Counted:\n    def __init__(self, f): self.f, self.n = f, 0\n    def __call__(self, v): return self.f(v) + self.n",
        "@Counted\ndef f(v): return v\nf.n = 7",
        "def predict(v): return f(v)",
    ],
    "a decorator that is a class, with update_wrapper": [
        "import functools\nclass Counted:\n    def __init__(self, f):\n        functools.update_wrapper(self, f)\n        self.n = 0\n"
        "    def __call__(self, v): return self.__wrapped__(v) + self.n",
        "@Counted\ndef f(v): return v\nf.n = 7",
        "def predict(v): return f(v)",
    ],
    "a cache put on by hand": [
        "import functools\ndef slow(v): return v * 2\nslow = functools.lru_cache(maxsize=8)(slow)",
        "def predict(v): return slow(v)",
    ],
    "a cached closure": [
        "import functools\ndef make(k):\n    @functools.lru_cache\n    def f(v): return v * k\n    return f",
        "predict = make(3)",
    ],
    "a registry filled by decorators": [
        "REG = {}\ndef register(name):\n    def deco(f):\n        REG[name] = f\n        return f\n    return deco",
        "@register('a')\ndef fa(v): return v\n@register('b')\ndef fb(v): return -v",
        "def predict(v): return REG['a'](v) + REG['b'](v) * 3 + (REG['a'] is fa)",
    ],
    "a registry of classes": [
        "KINDS = {}\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    cls.seen = True\n    return cls",
        "@kind\nclass A:\n    def f(self, v): return v",
        "def predict(v): return KINDS['A']().f(v) + A.seen + (KINDS['A'] is A)",
    ],
    "a singledispatch function": [
        "import functools\n@functools.singledispatch\ndef f(v): return 'other'\n@f.register\ndef _(v: int): return v + 1\n"
        "@f.register(str)\ndef of_text(v): return v + '!'",
        "def predict(v): return f(v), f('a'), f(None)",
    ],
    "a class inside a function": [
        "def make(k):\n    class Scorer:\n        'Doc.'\n        def __init__(self, b): self.b = b\n        def f(self, v): return v * k + self.b\n"
        "    return Scorer",
        "Scorer = make(3)\ns = Scorer(4)",
        "def predict(v): return s.f(v), isinstance(s, Scorer)",
    ],
    "a class inside a function, over a base that it was given": [
        "class Base:\n    def f(self, v): return v\ndef make(base, k):\n    class Scorer(base):\n        def f(self, v): return super().f(v) * k\n    return Scorer",
        "s = make(Base, 3)()",
        "def predict(v): return s.f(v), isinstance(s, Base)",
    ],
    "a class decorator that wraps": [
        "def louder(cls):\n    class Loud(cls):\n        def f(self, v): return super().f(v) * 2\n    return Loud",
        "@louder\nclass A:\n    def f(self, v): return v",
        "def predict(v): return A().f(v)",
    ],
    "a partial of a closure, a bound method of a local class": [
        "import functools\ndef make(k):\n    def f(v, j): return v * k + j\n    class C:\n        def g(self, v): return v - k\n    return f, C",
        "f, C = make(3)\np, g = functools.partial(f, j=1), C().g",
        "def predict(v): return p(v), g(v)",
    ],
    "an instance of a class that was redefined": [
        "class A:\n    k = 1\n    def f(self, v): return v * self.k\na = A()",
        "class A:\n    k = 2\n    def f(self, v): return -v",
        "def predict(v): return a.f(v), A().f(v), isinstance(a, A)",
    ],
    "an instance of a class without methods that was redefined": [
        "class A:\n    k = 1\na = A()",
        "class A:\n    k = 2",
        "def predict(v): return a.k, A().k, v",
    ],
    "a data class that was redefined": [
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int = 1\nc = C(5)",
        "@dataclass\nclass C:\n    a: int = 1\n    b: int = 2",
        "def predict(v): return c.a, C(v).b, repr(c)",
    ],
    "a base that was redefined": [
        "class B:\n    k = 1\nclass S(B): pass",
        "class B:\n    k = 100",
        "def predict(v): return S().k, B.k, issubclass(S, B)",
    ],
    "a default of a method of then": [
        "T = 1\nclass M:\n    def go(self, v, t=T): return v * t",
        "T = 2\ndef predict(v): return M().go(v)",
    ],
    "an enum made by a call": [
        "from enum import Enum\nE = Enum('E', 'A B')\nclass Color(str, Enum):\n    RED = 'r'\nchosen = E.B",
        "def predict(v): return E(1) is E.A, chosen is E.B, E.B.value * v, Color('r') is Color.RED",
    ],
    "an integer flag made by a call": [
        "import enum\nF = enum.IntFlag('F', {'R': 4, 'W': 2})\nboth = F.R | F.W",
        "def predict(v): return both & v, F.R in both",
    ],
    "a data class made by a call": [
        "from dataclasses import make_dataclass, field\nC = make_dataclass('C', [('x', int), ('y', int, 3)])\nc = C(2)",
        "def predict(v): return C(v).y, c.x, isinstance(c, C)",
    ],
    "a class made by type()": [
        "def f(self, v): return v * self.k\nC = type('C', (), {'f': f, 'k': 3})",
        "def predict(v): return C().f(v)",
    ],
    "generics": [
        "from typing import Generic, TypeVar, NewType\nT = TypeVar('T')\nUserId = NewType('UserId', int)\nPair = tuple[int, int] | None\n"
        "class Box(Generic[T]):\n    def __init__(self, item: T): self.item = item\n    def get(self) -> T: return self.item",
        "box: Box[int] = Box(3)\ndef predict(v: Pair): return UserId(v) + box.get()",
    ],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_model_answers_what_is_live(notebook: Notebook, name: str) -> None:
    notebook.run(*PROGRAMS[name])
    expected = notebook.shell.user_ns["predict"](7)
    assert answer(notebook, 7) == expected
