"""Cells around state and modules: what they set up, and what `predict` adds to a row that the example has no like of."""

from __future__ import annotations

COUNTING = """def counting():
    n = 0
    def step():
        nonlocal n
        n += 1
        return n
    return step
step = counting()
step(), step()"""
SINGLE = """class Single:
    held = None
    def __new__(cls):
        if cls.held is None:
            cls.held = super().__new__(cls)
            cls.held.k = 1
        return cls.held
single = Single()
single.k = 7"""
META = """class Meta(type):
    held = {}
    def __call__(cls, *given):
        if cls not in Meta.held:
            Meta.held[cls] = super().__call__(*given)
        return Meta.held[cls]
    def __getattr__(cls, name):
        if name in TABLE:
            return TABLE[name]
        raise AttributeError(name)
TABLE = {'x': 3}
class Only(metaclass=Meta):
    def __init__(self):
        self.k = 1
Only().k = 7"""
REGISTERED = """class Base:
    found, other = {}, 0
    def __init_subclass__(cls, **given):
        Base.found[cls.__name__] = cls
class One(Base):
    v = 3
class Two(Base):
    v = 5"""
ITERATORS = """import itertools
count, cycle = itertools.count(5), itertools.cycle([1, 2, 3])
items, pairs = enumerate([5, 6, 7]), zip([1, 2, 3], [4, 5, 6])
mapped, back, keys = map(abs, [-1, -2, -3]), reversed([1, 2, 3]), iter({'a': 1, 'b': 2}.items())
for each in (count, cycle, items, pairs, mapped, back, keys):
    next(each)
once = iter([1, 2, 3, 4])
both = zip(once, once)
next(once)"""
FILES = """import io
held, text = io.BytesIO(b'abcdef'), io.StringIO('12345')
held.read(3), text.read(2)"""
LAZY = """from functools import cached_property
class Lazy:
    def __init__(self):
        self.k = 1
    @cached_property
    def v(self):
        return self.k * 2
lazy = Lazy()
lazy.v
lazy.k = 9"""
WARNED = """import warnings
warnings.filterwarnings('error', message='odd')
def warned():
    try:
        warnings.warn('odd thing')
        return 1
    except UserWarning:
        return 2"""
TRAPPED = """import decimal
decimal.getcontext().traps[decimal.Inexact] = True
def trapped():
    try:
        return decimal.Decimal(1) / 3 and 1
    except decimal.Inexact:
        return 2"""
BY_NAME = """import calendar, codecs, csv, mimetypes
calendar.setfirstweekday(6)
csv.register_dialect('wbt', delimiter=';')
mimetypes.add_type('wb/t', '.wbt')
codecs.register_error('wbt', lambda e: ('x', e.end))"""
OPEN = """import random
from array import array
from collections import ChainMap, UserDict, UserList, defaultdict
numbers = array('d', [1, 2])
other, chance = numbers, random.Random(3)
chance.random()
user, users, base = UserDict(a=1), UserList([1]), 3
user.data['a'] = 4
users.append(2)
found = defaultdict(lambda: base)
first = {'x': 1}
chain = ChainMap({}, first)
first['x'], base = 9, 5"""

EXACT = {
    "a registry that __init_subclass__ fills": (REGISTERED, "sum(c.v for c in Base.found.values()) + Base.other"),
    "a singleton by __new__": (SINGLE, "Single().k + (Single() is single)"),
    "a singleton by its metaclass, with __getattr__": (META, "Only().k + Only.x"),
    "a borg": (
        "class Borg:\n    shared = {}\n    def __init__(self):\n        self.__dict__ = Borg.shared\nBorg().k = 5",
        "Borg().k",
    ),
    "a closure that counted": (COUNTING, "step()"),
    "a default that was filled": (
        "def seen(v, all=[]):\n    all.append(v)\n    return len(all)\nseen(1), seen(2)",
        "seen(1)",
    ),
    "iterators half way": (
        ITERATORS,
        "next(count) + next(cycle) + next(items)[1] + next(pairs)[1] + next(mapped) + next(back) + next(keys)[1]"
        " + next(both)[1] + next(once, 0)",
    ),
    "buffers read half way": (FILES, "held.read(1)[0] + int(text.read(1))"),
    "a cached property that is older than its object": (LAZY, "lazy.v"),
    "warnings with certain words as errors": (WARNED, "warned()"),
    "decimal traps": (TRAPPED, "trapped()"),
    "what numpy calls at an error": (
        "import numpy as np\nhits = []\nnp.seterrcall(lambda what, flag: hits.append(what))\nnp.seterr(divide='call')",
        "(np.array([1.0]) / 0 > 0).sum() + len(hits)",
    ),
    "what modules know by name": (
        BY_NAME,
        "calendar.firstweekday() + len(next(csv.reader(['a;b'], 'wbt'))) + len('é'.encode('ascii', 'wbt'))"
        " + (mimetypes.guess_type('a.wbt')[0] == 'wb/t')",
    ),
    "containers of other kinds": (
        OPEN,
        "numbers[1] + (numbers is other) + user['a'] + sum(users) + found['q'] + chain['x'] + chance.random()",
    ),
    "a class that became another": (
        "class A:\n    def v(self):\n        return 1\nclass B(A):\n    def v(self):\n        return 2\na = A()\n"
        "a.__class__ = B\nclass C(A):\n    pass\nC.__bases__ = (B,)",
        "a.v() + C().v()",
    ),
    "objects of a local module, held elsewhere": (
        "import wbt_shelf\nclass Box:\n    def __init__(self, *held):\n        self.held = held\n"
        "box, alias, none = Box(wbt_shelf.cfg, wbt_shelf.ROWS), wbt_shelf.WEIGHTS, wbt_shelf.MISSING",
        "(box.held[0] is wbt_shelf.cfg) + (box.held[1] is wbt_shelf.ROWS) * 2 + (alias is wbt_shelf.WEIGHTS) * 4"
        " + (none is wbt_shelf.MISSING) * 8",
    ),
    "what a local module makes when asked, and by chance": (
        "import wbt_shelf",
        "wbt_shelf.made_once()",
    ),
    "a local module with __getattr__ and a context manager": (
        "import wbt_shelf",
        "wbt_shelf.lazily + wbt_shelf.used()",
    ),
}

REFUSED = {
    "a count of subclasses that come along and count again": (
        REGISTERED.replace("= cls\n", "= cls\n        Base.other += 1\n"),
        "len(Base.found) + Base.other",
        "Base.other",
    ),
    "a weak set in a class": (
        "import weakref\nclass B:\n    all = weakref.WeakSet()\nb = B()\nB.all.add(b)", "len(B.all)", "B.all"
    ),
    "a context variable in a class": (
        "import contextvars\nclass H:\n    cv = contextvars.ContextVar('cv', default=1)\nH.cv.set(7)", "H.cv.get()", "H.cv"
    ),
    "a descriptor with state by identity": (
        "class D:\n    held = None\n    def __init__(self):\n        self.by = {}\n    def __get__(self, i, o=None):\n"
        "        return self if i is None else self.by.get(id(i), 0)\n    def __set__(self, i, v):\n        self.by[id(i)] = v\n"
        "class A:\n    x = D()\na = A()\na.x = 5",
        "a.x",
        "A.x.by",
    ),
    "a property over a closure": (
        "def kept():\n    n = [0]\n    def get(self):\n        return n[0]\n    def put(self, v):\n        n[0] = v\n"
        "    return property(get, put)\nclass A:\n    x = kept()\na = A()\na.x = 6",
        "a.x",
        "A.x",
    ),
    "an attribute of a member of an enum": ("import enum\nclass E(enum.Enum):\n    A = 1\nE.A.rate = 9", "E.A.rate", "E.A.rate"),
    "a context variable": ("import contextvars\ncv = contextvars.ContextVar('cv')\ncv.set(7)", "cv.get()", "cv, a ContextVar"),
    "a weak reference": ("import weakref\nclass B:\n    k = 3\nb = B()\nr = weakref.ref(b)", "r().k", "r, a ReferenceType"),
    "a local of a thread": ("import threading\ntl = threading.local()\ntl.k = 7", "tl.k", "tl, a _local"),
    "a mapped file": ("import mmap\nm = mmap.mmap(-1, 10)", "m[0]", "m, a mmap"),
    "a view of memory": ("m = memoryview(b'abc')", "m[1]", "m, a memoryview"),
    "a class of the notebook in a local registry": (
        "import wbt_shelf\nclass Mine(wbt_shelf.Base):\n    v = 5", "len(wbt_shelf.Base.found)", "Base.found['Mine']"
    ),
    "a function of the notebook in a local registry": (
        "import wbt_shelf\n@wbt_shelf.registered\ndef mine():\n    return 5", "wbt_shelf.CALLS['mine']()", "CALLS['mine']"
    ),
    "a handler given to a local object": (
        "import wbt_shelf\nwbt_shelf.cfg.handlers.append(lambda v: v)", "len(wbt_shelf.cfg.handlers)", "cfg.handlers"
    ),
    "a name of a local module that is older than its file": (
        "import wbt_shelf, importlib, pathlib\nfile = pathlib.Path(wbt_shelf.__file__)\n"
        "file.write_text(file.read_text().replace('OLD = 77', ''))\nimportlib.reload(wbt_shelf)",
        "getattr(wbt_shelf, 'OLD', 1)",
        "wbt_shelf.OLD",
    ),
    "a name of a local module that was deleted": ("import wbt_shelf\ndel wbt_shelf.OLD", "getattr(wbt_shelf, 'OLD', 1)", "OLD"),
    "what a local module made of what it was given": ("import wbt_shelf\nwbt_shelf.made_of(4)", "wbt_shelf.made_of(1)", "given"),
    "a method that was put on a local class": ("import wbt_shelf\nwbt_shelf.Base.go = lambda self: 8", "wbt_shelf.Base().go()", "Base.go"),
    "a table of Python's own": ("import html.entities\nhtml.entities.html5['wbt;'] = 'zz'", "len(html.entities.html5['wbt;'])", "html.entities.html5"),
}  # fmt: skip

SHELF = """
import contextlib, os, random, time, uuid
import numpy as np

class Config:
    def __init__(self):
        self.k, self.handlers = 1, []
class Base:
    found = {}
    def __init_subclass__(cls, **given):
        Base.found[cls.__name__] = cls

cfg, ROWS, WEIGHTS, MISSING = Config(), [1], np.ones(3), object()
OLD = 77
CALLS = {}
salt, begun, process, run, here = random.random(), time.time(), os.getpid(), uuid.uuid4().hex, os.getcwd()
once = given = None

def registered(function):
    CALLS[function.__name__] = function
    return function

def made_once():
    global once
    if once is None:
        once = {'k': 3}
    return once['k']

def made_of(k):
    global given
    if given is None:
        given = {'k': k}
    return given['k']

@contextlib.contextmanager
def using(value):
    yield value

def used():
    with using(3) as value:
        return value

def __getattr__(name):
    if name == 'lazily':
        return 5
    raise AttributeError(name)
"""
