"""Data of every kind under global names, and what has no place in a file."""

from __future__ import annotations

from cells import DATA, Case

CASES = (
    Case(
        "a logger",
        "import logging\nlog = logging.getLogger(__name__)\nother = logging.getLogger('shop.prices')\ndef predict(df):\n    log.debug('%d rows', len(df))\n    return df['age'] + len(other.name)",
    ),
    Case(
        "compiled patterns, in a dict",
        "import re\nPATTERNS = {'digit': re.compile(r'\\d', re.ASCII), 'word': re.compile('[a-zæ]+', re.I)}\ndef predict(df):\n    return [len(PATTERNS['digit'].findall(str(v))) for v in df['spend']]",
    ),
    Case(
        "dates, zones and durations",
        "from datetime import datetime, timedelta, timezone\nfrom zoneinfo import ZoneInfo\nSTART = datetime(2024, 3, 31, 1, tzinfo=ZoneInfo('Europe/Oslo'))\nSTEP, UTC_ = timedelta(hours=1), timezone(timedelta(hours=-3), 'X')\ndef predict(df):\n    return [(START + STEP * int(v)).astimezone(UTC_).hour for v in df['visits']]",
    ),
    Case(
        "decimals, fractions and complex numbers",
        "from decimal import Decimal\nfrom fractions import Fraction\nFEE, PART, ROOT = Decimal('0.10'), Fraction(1, 3), 2 + 1j\ndef predict(df):\n    return [float(Decimal(int(v)) * FEE) + float(PART) + ROOT.imag for v in df['visits']]",
    ),
    Case(
        "paths, identifiers and addresses",
        "import ipaddress, uuid\nfrom pathlib import Path\nP, U, A = Path('data') / 'x.csv', uuid.UUID(int=7), ipaddress.ip_network('10.0.0.0/8')\ndef predict(df):\n    return df['age'] + len(P.parts) + U.int + A.prefixlen",
    ),
    Case(
        "containers of the standard library",
        "from collections import ChainMap, Counter, OrderedDict, defaultdict, deque\nod, dd, dq, ct, cm = OrderedDict(a=1), defaultdict(lambda: DEFAULT, a=2), deque([1, 2], maxlen=2), Counter('aab'), ChainMap({'a': 1}, {'b': 2})\nDEFAULT = 11\ndef predict(df):\n    return df['age'] + od['a'] + dd['none'] + dq.maxlen + ct['a'] + cm['b']",
    ),
    Case(
        "sets, ranges, slices, bytes and None",
        "S, F, R, SL, B, BA, N, E = {1, 2}, frozenset('ab'), range(1, 9, 2), slice(1, None), b'\\x00\\xff', bytearray(b'ab'), None, ...\ndef predict(df):\n    return df['age'] + len(S) + len(F) + R[1] + len('abc'[SL]) + B[1] + BA[0] + (N is None) + (E is ...)",
    ),
    Case(
        "numbers at the edges",
        "BIG, NAN, INF, NEG0, TINY = 10 ** 5000, float('nan'), float('inf'), -0.0, 5e-324\ndef predict(df):\n    return df['age'] + BIG % 7 + (NAN != NAN) + (INF > BIG) + str(NEG0).count('-') + (TINY > 0)",
    ),
    Case(
        "numpy scalars, types and structured arrays",
        "F32, DT, ST = np.float32(0.1), np.dtype('datetime64[ms]'), np.array([(1, 2.5)], dtype=[('a', 'i4'), ('b', 'f8')])\nOBJ = np.array([{'a': 1}, None], dtype=object)\nM = np.ma.masked_array([1, 2, 3], mask=[0, 1, 0])\ndef predict(df):\n    return df['age'] * float(F32) + DT.itemsize + ST['b'][0] + OBJ[0]['a'] + M.sum()",
    ),
    Case(
        "large arrays, one of them a view of another",
        "base = np.arange(200_000.0)\nhalf = base[::2]\nfortran = np.asfortranarray(base.reshape(400, 500))\ndef predict(df):\n    return df['visits'].map(lambda v: half[int(v)] + fortran[int(v), 3])",
    ),
    Case(
        "pandas values",
        "iv, pr, ts, td, ct = pd.Interval(0, 50), pd.Period('2024-03', 'M'), pd.Timestamp('2024-02-29', tz='Asia/Tokyo'), pd.Timedelta('90min'), pd.CategoricalDtype(['b', 'a'], ordered=True)\nms = pd.Series([1.0, 2.0], index=pd.MultiIndex.from_tuples([('a', 1), ('b', 2)], names=['x', 'y']))\ndef predict(df):\n    return df['age'].map(lambda v: (v in iv) + pr.month + ts.day + td.seconds + ms['b', 2]) + (pd.Series(['a'], dtype=ct).cat.codes[0])",
    ),
    Case(
        "a sparse matrix and a spline",
        "import scipy.sparse as sp\nfrom scipy.interpolate import CubicSpline\nW = sp.csr_matrix(np.diag([1.0, 2.0, 3.0]))\ncurve = CubicSpline(np.arange(10.0), np.arange(10.0) ** 2)\ndef predict(df):\n    return (df.to_numpy() @ W).sum(axis=1) + curve(df['visits'] / 10)",
    ),
    Case(
        "one object under two names",
        "a = {'n': [1]}\nb = a\nc = [a, a['n']]\ndef predict(df):\n    return df['age'] + (a is b) + (c[0] is a) * 2 + (c[1] is a['n']) * 4 + (c[0] is b) * 8",
    ),
    Case("a list that holds itself", "L = [1, 2]\nL.append(L)\ndef predict(df):\n    return df['age'] + L[2][2][0]"),
    Case(
        "simple name spaces and templates",
        "from string import Template\nfrom types import SimpleNamespace\nconf, t = SimpleNamespace(rate=2, sub=SimpleNamespace(k=3)), Template('$a!')\ndef predict(df):\n    return df['age'] * conf.rate + conf.sub.k + len(t.substitute(a='bc'))",
    ),
    Case(
        "functions inside data",
        "TABLE = {'half': lambda v: v / 2, 'log': np.log1p, 'own': own, 'len': len, 'meth': str.upper}\ndef predict(df):\n    return TABLE['half'](df['age']) + TABLE['log'](df['age']) + TABLE['own'](df['age']) + TABLE['len'](TABLE['meth']('ab'))",
        (DATA, "def own(v):\n    return v * K\nK = 2"),
    ),
    Case(
        "a random generator that is made in predict",
        "import random\ndef predict(df):\n    r, g = random.Random(SEED), np.random.default_rng(SEED)\n    return df['age'] + r.random() + g.normal(size=len(df))\nSEED = 3",
    ),
    Case(
        "a random generator of the notebook",
        "gen = np.random.default_rng(3)\ndef predict(df):\n    return df['age'] + gen.normal(size=len(df))",
        refused=("answers differently when it is asked twice", "seed"),
        mended="def predict(df):\n    return df['age'] + np.random.default_rng(3).normal(size=len(df))",
    ),
    Case(
        "a counter of calls that does not matter",
        "calls = {'n': 0}\nTOTAL = 0\ndef predict(df):\n    global TOTAL\n    TOTAL += 1\n    calls['n'] += 1\n    return df['age'] * 2",
    ),
    Case(
        "a mutable global as it was at capture",
        "def predict(df):\n    return df['age'] * weights['age'] + sum(extra)",
        (DATA, "weights, extra = {'age': 1}, [1]", "weights['age'] += 4\nextra.append(9)"),
    ),
    Case(
        "the last answer of the notebook",
        "factor = _ * 2\ndef predict(df):\n    return df['age'] * factor",
        (DATA, "21"),
    ),
    Case(
        "display in the model",
        "def predict(df):\n    if len(df) > 10 ** 6:\n        display(df)\n    return df['age'] * 2",
    ),
    Case(
        "a database connection",
        "def predict(df):\n    return df['age'] * db.execute('select 3').fetchone()[0]",
        (DATA, "import sqlite3\ndb = sqlite3.connect(':memory:')"),
        refused=("db, a Connection", "In[", "def load(self): self.db = sqlite3.connect(':memory:')"),
        mended="class Model:\n    def load(self):\n        self.db = sqlite3.connect(':memory:')\n    def predict(self, df):\n        return df['age'] * self.db.execute('select 3').fetchone()[0]\ndel predict",
    ),
    Case(
        "a lock",
        "import threading\nguard = threading.Lock()\ndef predict(df):\n    with guard:\n        return df['age']",
        refused=("guard, a lock", "In["),
        mended="def predict(df):\n    with threading.Lock():\n        return df['age']",
    ),
    Case(
        "an open file",
        "handle = open(__import__('os').devnull)\ndef predict(df):\n    return df['age'] + len(handle.read())",
        refused=("handle, a TextIOWrapper", "read the file before"),
        mended="content = handle.read()\ndef predict(df):\n    return df['age'] + len(content)",
    ),
    Case(
        "a live generator",
        "pieces = (v for v in range(3))\ndef predict(df):\n    return df['age'] + next(pieces, 0)",
        refused=("pieces, a generator", "list of its values"),
        mended="pieces = list(range(3))\ndef predict(df):\n    return df['age'] + pieces[0]",
    ),
    Case(
        "a pool of threads",
        "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)\ndef predict(df):\n    return list(pool.map(float, df['age']))",
        refused=("pool, a ThreadPoolExecutor",),
        mended="def predict(df):\n    with ThreadPoolExecutor(2) as pool:\n        return list(pool.map(float, df['age']))",
    ),
    Case(
        "a weak reference",
        "import weakref\nclass Node:\n    pass\nnode = Node()\nref = weakref.ref(node)\ndef predict(df):\n    return df['age'] + (ref() is None)",
        refused=("ref, a ReferenceType",),
        mended="def predict(df):\n    return df['age'] + (node is None)",
    ),
    Case(
        "modules inside a dict",
        "import math, statistics\nENGINES = {'m': math, 's': statistics}\ndef predict(df):\n    return [ENGINES['m'].sqrt(v) + ENGINES['s'].mean([v, 1]) for v in df['age']]",
    ),
    Case(
        "a module inside an object",
        "import math\nfrom types import SimpleNamespace\ntools = SimpleNamespace(m=math)\ndef predict(df):\n    return [tools.m.sqrt(v) for v in df['age']]",
        refused=("tools, a SimpleNamespace", "module", "In["),
        mended="def predict(df):\n    return [math.sqrt(v) for v in df['age']]",
    ),
    Case(
        "bytes that were pickled in the notebook",
        "import pickle\nclass Own:\n    k = 2\nDUMP = pickle.dumps(Own())\ndef predict(df):\n    return df['age'] * pickle.loads(DUMP).k",
        refused=("DUMP", "pickled in this notebook"),
        mended="own = Own()\ndef predict(df):\n    return df['age'] * own.k",
    ),
    Case(
        "a shell line in the model",
        "def predict(df):\n    files = !ls\n    return df['age']",
        refused=("predict runs a magic or a shell line", "take the % or ! line out"),
        mended="def predict(df):\n    return df['age']",
    ),
    Case(
        "get_ipython in a helper",
        "def helper(v):\n    get_ipython().run_line_magic('pwd', '')\n    return v\ndef predict(df):\n    return helper(df['age'])",
        refused=("helper runs a magic", "line 2"),
        mended="def helper(v):\n    return v",
    ),
    Case(
        "magics around and inside cells",
        "%time factor = 3\ndef predict(df):\n    return df['age'] * factor * len(lines)",
        (
            DATA,
            "lines = !echo one && echo two",
            "%%timeit -n1 -r1\n1 + 1",
            "%config InlineBackend.figure_format = 'svg'\n%pwd",
        ),
    ),
    Case(
        "text with every sign",
        "WORDS = ['æøå', '日本', '\\u200b', 'a\\nb', \"'\\\"\", '\\\\', '🙂']\ndef predict(df):\n    return [WORDS[int(v) % len(WORDS)] for v in df['visits']]",
    ),
)
