"""Classes as people write them in notebooks, and their instances."""

from __future__ import annotations

from cells import DATA, Case

CASES = (
    Case(
        "inheritance and super",
        "class Base:\n    k = 2\n    def score(self, v):\n        return v * self.k\nclass Child(Base):\n    def score(self, v):\n        return super().score(v) + super(Child, self).score(v)\nchild = Child()\ndef predict(df):\n    return child.score(df['age'])",
    ),
    Case(
        "mixins in diamond",
        "class A:\n    def f(self, v):\n        return v\nclass B(A):\n    def f(self, v):\n        return super().f(v) + 1\nclass C(A):\n    def f(self, v):\n        return super().f(v) * 2\nclass D(B, C):\n    pass\ndef predict(df):\n    return D().f(df['age'])",
    ),
    Case(
        "an abstract class",
        "def predict(df):\n    return shape.area(df['age']) if isinstance(shape, Shape) else 0",
        (
            DATA,
            "from abc import ABC, abstractmethod\nclass Shape(ABC):\n    @abstractmethod\n    def area(self, v): ...\n    @property\n    @abstractmethod\n    def k(self): ...",
            "class Circle(Shape):\n    k = 3\n    def area(self, v):\n        return v * self.k\nshape = Circle()",
        ),
    ),
    Case(
        "a virtual subclass of an abstract class",
        "def predict(df):\n    return df['age'] + isinstance(items, Sequence) * 10 + isinstance(3, Shape) * 100",
        (
            DATA,
            "from abc import ABC\nfrom collections.abc import Sequence\nclass Items:\n    pass\nSequence.register(Items)\nclass Shape(ABC):\n    pass\nShape.register(int)\nitems = Items()",
        ),
        alone=True,
    ),
    Case(
        "a protocol that is checked at run time",
        "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass Scores(Protocol):\n    def score(self, v): ...\nclass Own:\n    def score(self, v):\n        return v * 2\ndef predict(df):\n    own = Own()\n    return own.score(df['age']) if isinstance(own, Scores) else df['age']",
    ),
    Case(
        "data classes with fields, slots and inheritance",
        "from dataclasses import dataclass, field, replace\n@dataclass(slots=True)\nclass Part:\n    a: float = RATE\n    b: list = field(default_factory=lambda: [RATE])\n    total: float = field(init=False)\n    def __post_init__(self):\n        self.total = self.a + self.b[0]\n@dataclass(frozen=True, order=True)\nclass Key:\n    n: int\npart = replace(Part(), a=5.0)\ndef predict(df):\n    return df['age'] * part.total + Part().a + (Key(1) < Key(2))",
        (DATA, "RATE = 1.5"),
    ),
    Case(
        "an enum by its class and members",
        "from enum import Enum, auto, unique\n@unique\nclass Band(Enum):\n    LOW = auto()\n    HIGH = auto()\n    def weight(self):\n        return self.value * SCALE\nSCALE = 3\nusual = Band.HIGH\ndef predict(df):\n    return df['age'] * Band.LOW.weight() + (usual is Band(2))",
    ),
    Case(
        "an enum made by a call",
        "from enum import Enum, IntEnum\nColor = Enum('Color', 'RED GREEN')\nLevel = IntEnum('Level', {'A': 5, 'B': 7})\nchosen = Color.GREEN\ndef predict(df):\n    return df['age'] + Color['RED'].value * Level.B + (chosen is Color(2))",
    ),
    Case(
        "flags",
        "from enum import Flag, IntFlag, auto\nclass Perm(Flag):\n    R = auto()\n    W = auto()\nboth = Perm.R | Perm.W\ndef predict(df):\n    return df['age'] + (Perm.W in both) + both.value",
    ),
    Case(
        "named tuples of both kinds",
        "from collections import namedtuple\nfrom typing import NamedTuple\nPoint = namedtuple('Point', 'x y', defaults=[3])\nclass Pair(NamedTuple):\n    a: int\n    b: int = 4\n    def sum(self):\n        return self.a + self.b\norigin = Point(1)\ndef predict(df):\n    return df['age'] * origin.y + Pair(2).sum() + Point(5)._replace(y=9).y",
    ),
    Case(
        "a data class made by a call",
        "from dataclasses import make_dataclass\nRow = make_dataclass('Row', [('x', int), ('y', int, 3)])\nrow = Row(2)\ndef predict(df):\n    return df['age'] * row.y + Row(9).x + isinstance(row, Row)",
    ),
    Case(
        "a typed dictionary",
        "from typing import TypedDict\nclass Opts(TypedDict, total=False):\n    rate: float\nopts: Opts = {'rate': 2.5}\ndef predict(df):\n    return df['age'] * opts['rate'] + len(Opts.__annotations__)",
    ),
    Case(
        "a pydantic model with a validator",
        "from pydantic import BaseModel, Field, field_validator\nclass Config(BaseModel):\n    rate: float = Field(gt=0)\n    names: list[str] = ['a']\n    @field_validator('rate')\n    @classmethod\n    def half(cls, v):\n        return v / HALF\nHALF = 2\nconfig = Config(rate=5)\ndef predict(df):\n    return df['age'] * config.rate + Config(rate='3').rate + len(config.names)",
    ),
    Case(
        "generics",
        "from typing import Generic, NewType, TypeVar\nT = TypeVar('T')\nUserId = NewType('UserId', int)\nclass Box(Generic[T]):\n    def __init__(self, item: T) -> None:\n        self.item = item\n    def get(self) -> T:\n        return self.item\nbox: Box[float] = Box(2.5)\nclass IntBox(Box[int]):\n    pass\ndef predict(df):\n    return df['age'] * box.get() + UserId(3) + IntBox(4).get()",
    ),
    Case(
        "slots",
        "class Slim:\n    __slots__ = ('a', 'b')\n    def __init__(self, a, b):\n        self.a, self.b = a, b\nslim = Slim(2, 3)\ndef predict(df):\n    return df['age'] * slim.a + slim.b",
    ),
    Case(
        "properties, class methods and static methods",
        "class Model_:\n    _rate = 2\n    @property\n    def rate(self):\n        return self._rate\n    @rate.setter\n    def rate(self, v):\n        self._rate = v * FACTOR\n    @classmethod\n    def usual(cls):\n        made = cls()\n        made.rate = 3\n        return made\n    @staticmethod\n    def plus(v):\n        return v + FACTOR\nFACTOR = 10\nm = Model_.usual()\ndef predict(df):\n    return df['age'] * m.rate + Model_.plus(1)",
    ),
    Case(
        "a cached property and a singledispatch method",
        "from functools import cached_property, singledispatchmethod\nclass Lazy:\n    @cached_property\n    def table(self):\n        return {i: i * 2 for i in range(50)}\n    @singledispatchmethod\n    def show(self, v):\n        return 0\n    @show.register\n    def _(self, v: int):\n        return v + 1\nlazy = Lazy()\ndef predict(df):\n    return df['visits'].map(lazy.table) + lazy.show(3) + lazy.show('x')",
    ),
    Case(
        "attributes set on a class later",
        "class Box:\n    size = 1\nBox.size = 500\nBox.extra = [1, 2]\ndef grow(self):\n    return self.size + len(self.extra)\nBox.grow = grow\ndef predict(df):\n    return df['age'] + Box().grow()",
    ),
    Case(
        "a method that was replaced",
        "class Scorer:\n    def f(self, v):\n        return v\ns = Scorer()\nScorer.f = lambda self, v: -v\ndef predict(df):\n    return s.f(df['age'])",
    ),
    Case(
        "class attributes over globals of then",
        "def predict(df):\n    return df['age'] * Box.limit + Box.table[0]",
        (
            DATA,
            "LIMIT, TABLE = 7, [1]\nclass Box:\n    limit = LIMIT * 2\n    table = TABLE",
            "LIMIT = 99\nTABLE[0] = 5",
        ),
    ),
    Case(
        "an instance of a class that was redefined",
        "def predict(df):\n    return old.f(df['age']) + New_().f(df['age']) + isinstance(old, New_)",
        (
            DATA,
            "class New_:\n    k = 3\n    def f(self, v):\n        return v * self.k\nold = New_()",
            "class New_:\n    k = 5\n    def f(self, v):\n        return -v * self.k",
        ),
    ),
    Case(
        "an instance of a data class that was redefined",
        "def predict(df):\n    return df['age'] * conf.rate + Conf().size",
        (
            DATA,
            "from dataclasses import dataclass\n@dataclass\nclass Conf:\n    rate: float = 2.0\nconf = Conf()",
            "@dataclass\nclass Conf:\n    rate: float = 9.0\n    size: int = 4",
        ),
    ),
    Case(
        "an instance of a class that was redefined, whose text is gone",
        "def predict(df):\n    return df['age'] * old.k",
        (
            DATA,
            "exec('class Gone:\\n    def f(self):\\n        return 1')\nold = Gone()\nold.k = 3\nclass Gone:\n    pass",
        ),
        refused=("Gone", "redefined"),
        mended="old = Gone()\nold.k = 3",
    ),
    Case(
        "a base that was redefined",
        "def predict(df):\n    return df['age'] * Child.k + Parent.k",
        (DATA, "class Parent:\n    k = 2\nclass Child(Parent):\n    pass", "class Parent:\n    k = 50"),
    ),
    Case(
        "a metaclass",
        "class Meta(type):\n    def __new__(mcs, name, bases, space, **more):\n        space['tag'] = len(name) + more.get('plus', 0)\n        return super().__new__(mcs, name, bases, space)\n    def __len__(cls):\n        return cls.tag\nclass Thing(metaclass=Meta, plus=2):\n    pass\ndef predict(df):\n    return df['age'] + len(Thing) + Thing.tag",
    ),
    Case(
        "a registry by __init_subclass__",
        "class Plugin:\n    known = {}\n    def __init_subclass__(cls, key, **more):\n        super().__init_subclass__(**more)\n        cls.known[key] = cls\nclass Twice(Plugin, key='twice'):\n    def f(self, v):\n        return v * 2\ndef predict(df):\n    return Plugin.known['twice']().f(df['age'])",
    ),
    Case(
        "descriptors",
        "class Scaled:\n    def __set_name__(self, owner, name):\n        self.name = '_' + name\n    def __get__(self, obj, owner=None):\n        return self if obj is None else getattr(obj, self.name) * 10\n    def __set__(self, obj, v):\n        setattr(obj, self.name, v)\nclass Item:\n    a = Scaled()\nitem = Item()\nitem.a = 4\ndef predict(df):\n    return df['age'] + item.a",
    ),
    Case(
        "attributes that are answered by __getattr__",
        "class Any_:\n    def __init__(self, d):\n        self.__dict__['d'] = d\n    def __getattr__(self, name):\n        try:\n            return self.__dict__['d'][name]\n        except KeyError:\n            raise AttributeError(name)\nopts = Any_({'rate': 3})\ndef predict(df):\n    return df['age'] * opts.rate + hasattr(opts, 'no')",
    ),
    Case(
        "classes inside classes",
        "class Outer:\n    class Inner:\n        class Deep:\n            k = 4\n    def __init__(self):\n        self.inner = self.Inner.Deep()\nouter, kind = Outer(), Outer.Inner.Deep\ndef predict(df):\n    return df['age'] * outer.inner.k + isinstance(outer.inner, kind)",
    ),
    Case(
        "a class made in a function",
        "def make(k):\n    class Local:\n        'With k.'\n        def __init__(self, b):\n            self.b = b\n        def f(self, v):\n            return v * k + self.b\n    return Local\nLocal = make(3)\nlocal = Local(4)\ndef predict(df):\n    return local.f(df['age']) + isinstance(local, Local)",
    ),
    Case(
        "a class whose body reads the function around it",
        "def make(k):\n    class Local:\n        limit = k * 2\n    return Local\nLocal = make(3)\ndef predict(df):\n    return df['age'] * Local.limit",
        refused=("the body of the class Local reads 'k'", "In["),
        mended="class Local:\n    limit = 6",
    ),
    Case(
        "a class decorator that wraps",
        "def louder(cls):\n    class Loud(cls):\n        def f(self, v):\n            return super().f(v) * 2\n    return Loud\n@louder\nclass Plain:\n    def f(self, v):\n        return v\np = Plain()\ndef predict(df):\n    return p.f(df['age'])",
    ),
    Case(
        "operators of its own",
        "class Vec:\n    def __init__(self, v):\n        self.v = v\n    def __add__(self, o):\n        return Vec(self.v + o.v)\n    def __mul__(self, k):\n        return Vec(self.v * k)\n    __rmul__ = __mul__\n    def __eq__(self, o):\n        return isinstance(o, Vec)\n    __hash__ = None\none = Vec(1)\ndef predict(df):\n    return (2 * Vec(df['age']) + one * 3).v + (one == Vec(9))",
    ),
    Case(
        "a singleton",
        "class Only:\n    _it = None\n    def __new__(cls):\n        if cls._it is None:\n            cls._it = super().__new__(cls)\n            cls._it.n = 5\n        return cls._it\nonly = Only()\nonly.n = 8\ndef predict(df):\n    return df['age'] * Only().n + (Only() is only)",
    ),
    Case(
        "exceptions of its own",
        "class TooOld(ValueError):\n    def __init__(self, age):\n        super().__init__(f'{age} is too old')\n        self.age = age\ndef check(v):\n    if v > 60:\n        raise TooOld(v)\n    return v\ndef predict(df):\n    out = []\n    for v in df['age']:\n        try:\n            out.append(check(v))\n        except TooOld as error:\n            out.append(-error.age)\n    return out",
    ),
    Case(
        "iterators and context managers",
        "class Down:\n    def __init__(self, n):\n        self.n = n\n    def __iter__(self):\n        return self\n    def __next__(self):\n        if self.n <= 0:\n            raise StopIteration\n        self.n -= 1\n        return self.n\n    def __enter__(self):\n        return self\n    def __exit__(self, *e):\n        return False\ndef predict(df):\n    with Down(4) as down:\n        total = sum(down)\n    return df['age'] * total",
    ),
    Case(
        "__reduce__ and __getstate__ of its own",
        "class Kept:\n    def __init__(self, a):\n        self.a, self.fresh = a, False\n    def __reduce__(self):\n        return rebuild, (self.a,)\ndef rebuild(a):\n    made = Kept(a)\n    made.a += 0\n    return made\nkept = Kept(6)\ndef predict(df):\n    return df['age'] * kept.a",
    ),
    Case(
        "a class Model over a base of the notebook",
        "class Model(Base):\n    def predict(self, df):\n        return super().scaled(df['age']) + self.table[2]",
        (
            DATA,
            "class Base:\n    def load(self):\n        self.table = dict(enumerate(range(10, 20)))\n    def scaled(self, v):\n        return v * 2",
        ),
        entry="X.age * 2 + 12",
    ),
    Case(
        "a class Model with an async predict",
        "class Model:\n    async def load(self):\n        self.k = 3\n    async def predict(self, df):\n        return df['age'] * self.k",
        entry="X.age * 3",
    ),
    Case(
        "an attrs class",
        "import attr\n@attr.s(auto_attribs=True)\nclass Conf:\n    rate: float = 2.0\n    names: list = attr.Factory(list)\nconf = Conf(rate=3.5)\ndef predict(df):\n    return df['age'] * conf.rate + len(Conf().names)",
    ),
    Case(
        "an estimator over a base estimator and a scorer of the notebook",
        "search = GridSearchCV(Shift(), {'by': [0.0, 1.0]}, scoring=make_scorer(closeness), cv=2).fit(X, y)\ndef predict(df):\n    return search.predict(df) + search.best_params_['by']",
        (
            DATA,
            "from sklearn.base import BaseEstimator, RegressorMixin\nfrom sklearn.metrics import make_scorer\nfrom sklearn.model_selection import GridSearchCV\nclass Shift(RegressorMixin, BaseEstimator):\n    def __init__(self, by=0.0):\n        self.by = by\n    def fit(self, X, y):\n        self.mean_ = y.mean()\n        return self\n    def predict(self, X):\n        return np.full(len(X), self.mean_ + self.by)\ndef closeness(y, p):\n    return -abs(y - p).sum()",
        ),
    ),
    Case(
        "subclasses that their base finds, on a rare branch",
        "def predict(df):\n    return [[c().of(v) for c in Part.__subclasses__()][-1] if v > 400 else v for v in df['age']]",
        (
            DATA,
            "class Part:\n    def of(self, v):\n        raise NotImplementedError",
            "class Zero(Part):\n    def of(self, v):\n        return 0 * v",
            "class Half(Part):\n    def of(self, v):\n        return v / FULL\nFULL = 2",
        ),
        rare="R = X.head(3).assign(age=[500.0, 501.0, 502.0])",
    ),
    Case(
        "a dict whose items are attributes, as a default and in a class",
        "class Model_:\n    conf = cfg.model\n    def __init__(self, c=cfg):\n        self.c = c\n    def go(self, df, c=cfg.model):\n        return df[self.conf.cols].sum(axis=1) * c.alpha + self.c.model.alpha\n"
        "m = Model_()\ncfg.model.alpha = 7\ndef predict(df):\n    return m.go(df)",
        (
            DATA,
            "class Attributes(dict):\n    __getattr__ = dict.__getitem__\n    __setattr__ = dict.__setitem__\ncfg = Attributes(model=Attributes(alpha=2, cols=['age', 'spend']))",
        ),
    ),
    Case(
        "a method set on one estimator, under the name of its class's own",
        "m = Ridge().fit(X, y)\ndef predict(self, X):\n    return np.clip(type(self).predict(self, X), 0.2, HIGH)\nm.predict = types.MethodType(predict, m)\nHIGH, clipped = 0.8, predict\n"
        "def predict(df):\n    return m.predict(df)",
        (DATA, "import types\nfrom sklearn.linear_model import Ridge"),
    ),
    Case(
        "a scaler of scikit-learn with methods of the notebook's, that answers frames",
        "pipe = make_pipeline(LogScaler().set_output(transform='pandas'), Ridge()).fit(X, y)\ndef predict(df):\n    return pipe.predict(df)",
        (
            DATA,
            "from sklearn.linear_model import Ridge\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler",
            "class LogScaler(StandardScaler):\n    def fit(self, X, y=None, sample_weight=None):\n        return super().fit(np.log1p(X.abs()), y)\n    def transform(self, X, copy=None):\n        return super().transform(np.log1p(X.abs()))",
        ),
    ),
    Case(
        "subclasses of a class that was redefined, that their base finds, on a rare branch",
        "def predict(df):\n    return [sum(c.k for c in below(Base)) if v > 400 else v for v in df['age']]",
        (
            DATA,
            "class Base:\n    pass\nclass One(Base):\n    k = 1\nclass Two(One):\n    k = 3",
            "class One(Base):\n    k = 10",
            "def below(cls):\n    for each in cls.__subclasses__():\n        yield each\n        yield from below(each)",
        ),
        rare="R = X.head(3).assign(age=[500.0, 501.0, 502.0])",
    ),
    Case(
        "attributes that raise what they like",
        "def predict(df, used=strict):\n    return used(df) + kept[0](df)",
        (
            DATA,
            "class Strict:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\n    def __call__(self, df):\n        return df['age'] * 2\nstrict = Strict()\nkept = [strict]",
        ),
    ),
)
