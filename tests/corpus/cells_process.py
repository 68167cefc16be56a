"""What a model meets of its process: the names of its modules, switches and options, secrets, things that cannot leave
it. The rows of `rare` reach what the example does not."""

from __future__ import annotations

from cells import DATA, Case

_RARE = "R = X.head(3).assign(age=[500.0, 501.0, 502.0])"
_KEY = {"WBT_SECRET": "s3cret-value"}
_READ = "import os\nkey = os.environ['WBT_SECRET']\n"


def _rarely(expression: str, before: str = "") -> str:
    return f"{before}def predict(df):\n    return [{expression} if v > 400 else 0 for v in df['age']]"


CASES = (
    Case(
        "the names that a notebook has for itself",
        "class Own:\n    home = __name__\ndef where():\n    return Own.__module__ + getattr(type(Own()), '__module__', '') + globals()['__name__'] + Own.home + f'{type(Own())}'\n"
        "def predict(df):\n    return [__name__ + where() + where.__module__] * len(df)",
    ),
    Case(
        "what runs only in a notebook or a script",
        "import logging\nif __name__ == '__main__':\n    K = 3\nlog = logging.getLogger(__name__)\ndef predict(df):\n    log.info('asked')\n    return df['age'] * (K if __name__ == '__main__' else 0)",
    ),
    Case(
        "where a function out of a factory says that it was made",
        _rarely(
            "inner.__qualname__ + C.__qualname__",
            "def make():\n    def inner(): return 1\n    class C: pass\n    return inner, C\ninner, C = make()\n",
        ),
        rare=_RARE,
    ),
    Case(
        "the names that a package beside the notebook has for itself, and finds its parts by",
        "import wbt_parts\ndef predict(df):\n    return [wbt_parts.said() + str(v) for v in df['age']]",
        files={
            "wbt_parts/__init__.py": "import importlib, pkgutil, sys\nPARTS = [importlib.import_module(f'{__name__}.{m.name}') for m in pkgutil.iter_modules(__path__)]\n"
            "class Own: pass\nWHO = __name__\ndef said():\n    return WHO + Own.__module__ + str(sum(p.K for p in PARTS)) + str(sys.modules[__name__].WHO == WHO)\n",
            "wbt_parts/one.py": "K = 3\n",
            "wbt_parts/two.py": "K = 4\nif __name__ == '__main__':\n    K = 9\n",
        },
    ),
    Case(
        "the file of a script, in a notebook",
        _rarely("len(__file__)"),
        refused=("predict reads __file__, which a notebook does not have", "In[", "line 2"),
        mended="from pathlib import Path\nHERE = Path.cwd()\n" + _rarely("len(HERE.parts)"),
    ),
    Case(
        "switches of the process, on a rare branch",
        _rarely(
            "deep(3000) + len(str(10**6000)) + np.getbufsize() + sys.getswitchinterval() + read()",
            "import csv, sys\nsys.setrecursionlimit(20_000)\nsys.set_int_max_str_digits(0)\nsys.setswitchinterval(0.5)\ncsv.field_size_limit(10)\nnp.setbufsize(16384)\n"
            "def deep(n):\n    return 0 if n == 0 else 1 + deep(n - 1)\ndef read():\n    try:\n        return len(list(csv.reader(['a' * 20])))\n    except csv.Error:\n        return -1\n",
        ),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "options of packages, on a rare branch",
        _rarely(
            "'%s' % np.array([v / 3]) + str(np.float64(v)) + str(pd.Series(['a']).dtype) + str(words['w'].dtype) + third() + str(xgb.get_config()['verbosity'])",
            "import decimal\nimport xgboost as xgb\nxgb.set_config(verbosity=0)\nnp.set_printoptions(legacy='1.13', formatter={'float': lambda v: f'<{v:.1f}>'})\npd.options.future.infer_string = False\nwords = pd.DataFrame({'w': ['a', 'b']})\n"
            "decimal.getcontext().traps[decimal.Inexact] = True\ndef third():\n    try:\n        return str(decimal.Decimal(1) / 3)\n    except decimal.Inexact:\n        return 'inexact'\n",
        ),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "filters of warnings, on a rare branch",
        _rarely(
            "warned('bad thing') + warned('other') + counted()",
            "import warnings\nwarnings.filterwarnings('ignore')\nwarnings.filterwarnings('error', message='bad.*')\n"
            "def warned(text):\n    try:\n        warnings.warn(text)\n    except UserWarning:\n        return 10\n    return 1\n"
            "def counted():\n    with warnings.catch_warnings(record=True) as seen:\n        warnings.warn('x')\n    return len(seen)\n",
        ),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "a logger with a level of its own",
        "def predict(df):\n    return df['age'] * (2 if log.isEnabledFor(logging.DEBUG) else 3)",
        (DATA, "import logging\nlog = logging.getLogger('wbt.level')\nlog.setLevel(logging.DEBUG)"),
    ),
    Case(
        "objects that hold each other under names of their own",
        "def predict(df):\n    return df['age'] + a.next.next.next.weights[3] + (held['b'] is b) + (other.c is c) + registry['a'].registry['k']",
        (
            DATA,
            "class Node: pass\na, b, c, other = Node(), Node(), Node(), Node()\na.next, b.next, c.next, other.c = b, c, a, c\na.weights = np.arange(50_000.0)\nheld = {'b': b}\n"
            "registry = {'a': a, 'k': 7}\na.registry = registry",
        ),
    ),
    Case(
        "objects that hold each other, and an unnamed one that both hold",
        "def predict(df):\n    return df['age'] + (a.x is b.s) + (a.x.o is b) + (b.o is a) + (a.x.other is d) + (c.o.o is c) + (c.s is d.s)",
        (
            DATA,
            "class Node: pass\na, b, c, d, inner = (Node() for _ in range(5))\na.x = b.s = inner\ninner.o, b.o, c.o, d.o = b, a, d, c\nc.s = d.s = [1]\ninner.other = d\ndel inner",
        ),
    ),
    Case(
        "an array of a class with attributes",
        "def predict(df):\n    return df['age'] * prices[1] + (prices.unit == 'EUR') + isinstance(prices, Prices)",
        (
            DATA,
            "class Prices(np.ndarray):\n    def __array_finalize__(self, other):\n        self.unit = getattr(other, 'unit', None)\nprices = np.array([1.0, 2.0]).view(Prices)\nprices.unit = 'EUR'",
        ),
    ),
    Case(
        "arrays of numpy's own kinds, one of them a file",
        "def predict(df):\n    return df['age'] + mapped[2] + masked.sum() + records.x[0] + len(text['b'][1]) + (type(mapped) is np.memmap)",
        (
            DATA,
            "mapped = np.memmap('wbt_mapped.dat', 'f8', 'w+', shape=(4,))\nmapped[:] = 3\nmasked = np.ma.array([1.0, 2.0], mask=[0, 1])\n"
            "records = np.rec.array([(1, 2.0)], dtype=[('x', 'i4'), ('y', 'f8')])\ntext = np.zeros(3, dtype=[('a', 'i4'), ('b', 'U3')])\ntext['b'][1] = 'xyz'",
        ),
    ),
    Case(
        "lambdas and functions that keep the variable of their loop as a default",
        "def predict(df):\n    return fs[3](df['age']) + adds[1](1) + two[0](2)",
        (
            DATA,
            "fs = [lambda v, i=i: v * i for i in range(4)]\ntwo = [\n    lambda v, *, k=(j,\n        2): v + k[0] for j in (5, 6)]\nadds = []\n"
            "for step in range(3):\n    def add(v, s=step):\n        return v + s\n    adds.append(add)\ndel step",
        ),
    ),
    Case(
        "statsmodels: a formula over a global",
        "result = smf.ols('spend ~ np.log1p(age) + I(visits > CUT)', X).fit()\ndef predict(df):\n    return result.predict(df)",
        (DATA, "import statsmodels.formula.api as smf\nCUT = 20"),
    ),
    Case(
        "a secret in an array of text",
        "def predict(df):\n    return df['age'] + len(names[0])",
        (DATA, _READ + "names = np.array([key, 'x'] * 20_000)"),
        env=_KEY,
        refused=("names holds the value of the environment variable WBT_SECRET", "In[", "line 3"),
        mended="def predict(df):\n    return df['age'] + len(os.environ['WBT_SECRET'])",
    ),
    Case(
        "a secret in a frame",
        "def predict(df):\n    return df['age'] + len(urls['url'][1])",
        (DATA, _READ + "urls = pd.DataFrame({'url': ['a', f'https://{key}@host'] * 50})"),
        env=_KEY,
        refused=("urls holds the value of the environment variable WBT_SECRET",),
        mended="def predict(df):\n    return df['age'] + len(f\"https://{os.environ['WBT_SECRET']}@host\")",
    ),
    Case(
        "a secret in what has a format of its own",
        "def predict(df):\n    return booster.predict(xgb.DMatrix(df))",
        (DATA, _READ + "import xgboost as xgb\nbooster = xgb.train({'max_depth': 2}, xgb.DMatrix(X, y), 3)\nbooster.set_attr(by=key)"),
        env=_KEY,
        refused=("booster holds the value of the environment variable WBT_SECRET",),
        mended="booster.set_attr(by=None)\ndef predict(df):\n    return booster.predict(xgb.DMatrix(df))",
    ),
    Case(
        "a secret in a file that the model reads",
        "import json\ndef predict(df):\n    return df['age'] + len(json.load(open('wbt_conf.json'))['key'])",
        (DATA, _READ + "open('wbt_conf.json', 'w').write('{\"key\": \"' + key + '\"}')"),
        env=_KEY,
        refused=("the file wbt_conf.json holds the value of the environment variable WBT_SECRET",),
        mended="def predict(df):\n    return df['age'] + len(os.environ['WBT_SECRET'])",
    ),
    Case(
        "a secret written into the text",
        "def predict(df):\n    return df['age'] + len('s3cret-value')",
        (DATA, _READ),
        env=_KEY,
        refused=("predict holds the value of the environment variable WBT_SECRET",),
        mended="def predict(df):\n    return df['age'] + len(os.environ['WBT_SECRET'])",
    ),
    Case(
        "a lock inside an object in a dict",
        "def predict(df):\n    with clients['a'].lock:\n        return df['age'] + len(clients['a'].url)",
        (
            DATA,
            "import threading\nclass Client:\n    def __init__(self, url):\n        self.url, self.lock = url, threading.Lock()",
            "n = 1\nclients = {'a': Client('u')}",
        ),
        refused=("clients['a'].lock is a lock", "In[", "line 2", "def load(self): self.clients = {'a': Client('u')}"),
        mended="class Model:\n    def load(self): self.clients = {'a': Client('u')}\n    def predict(self, df):\n        with self.clients['a'].lock:\n            return df['age'] + len(self.clients['a'].url)\ndel predict",
    ),
    Case(
        "an executor with threads of its own",
        "def predict(df):\n    return list(pool.map(float, df['age']))",
        (DATA, "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)"),
        refused=("pool, a ThreadPoolExecutor, cannot come along", "In[", "def load(self): self.pool = ThreadPoolExecutor(2)"),
        mended="class Model:\n    def load(self): self.pool = ThreadPoolExecutor(2)\n    def predict(self, df):\n        return list(self.pool.map(float, df['age']))\ndel predict",
    ),
    Case(
        "a lock that a function closes over",
        "def predict(df):\n    return twice(df['age'])",
        (DATA, "import threading\ndef make():\n    lock = threading.Lock()\n    def twice(v):\n        with lock:\n            return v * 2\n    return twice\ntwice = make()"),
        refused=("lock of twice, a lock, cannot come along", "In[", "def load(self)"),
        mended="class Model:\n    def load(self): self.twice = make()\n    def predict(self, df):\n        return self.twice(df['age'])\ndel predict",
    ),
)  # fmt: skip
