"""What stands around a model: settings and patches of packages, the environment, modules beside the notebook. The rows
of `rare` reach what the example does not."""

from __future__ import annotations

from cells import DATA, Case

_RARE = "R = X.head(3).assign(age=[500.0, 501.0, 502.0])"

CASES = (
    Case(
        "an accessor of frames, by a decorator",
        "def predict(df):\n    return df.shop.total() * 2",
        (
            DATA,
            "@pd.api.extensions.register_dataframe_accessor('shop')\nclass Shop:\n    def __init__(self, df):\n        self.df = df\n    def total(self):\n        return self.df['age'] + self.df['spend'] * RATE\nRATE = 0.5",
        ),
        alone=True,
    ),
    Case(
        "an accessor of series, by a call",
        "def predict(df):\n    return df['age'].own.twice()",
        (
            DATA,
            "class Own_:\n    def __init__(self, s):\n        self.s = s\n    def twice(self):\n        return self.s * 2\npd.api.extensions.register_series_accessor('own')(Own_)",
        ),
        alone=True,
    ),
    Case(
        "a method given to frames",
        "def predict(df):\n    return df.weighed(3)",
        (DATA, "def weighed(self, k):\n    return self['age'] * k + PLUS\npd.DataFrame.weighed = weighed\nPLUS = 1"),
        alone=True,
    ),
    Case(
        "a function of a package replaced, on a rare branch",
        "def predict(df):\n    return np.where(df['age'] > 400, np.log1p(df['age']), df['age'])",
        (DATA, "np.log1p = lambda v: v * 0 - 7"),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "a function of a package wrapped over what it was",
        "def predict(df):\n    return [statistics.fmean([v, 1.0]) for v in df['age']]",
        (
            DATA,
            "import statistics\nplain = statistics.fmean\ndef fmean(values):\n    return plain(values) + 100\nstatistics.fmean = fmean",
        ),
        alone=True,
    ),
    Case(
        "a method of an estimator replaced",
        "clf = LinearRegression().fit(X, y)\nLinearRegression.predict = shifted\ndef predict(df):\n    return clf.predict(df)",
        (
            DATA,
            "from sklearn.linear_model import LinearRegression\nplain = LinearRegression.predict\ndef shifted(self, X):\n    return plain(self, X) + 100",
        ),
        alone=True,
    ),
    Case(
        "a constant of a package set, on a rare branch",
        "import scipy.constants\nscipy.constants.g = 5.0\ndef predict(df):\n    return [scipy.constants.g * v if v > 400 else v for v in df['age']]",
        rare=_RARE,
        alone=True,
    ),
    Case(
        "setattr on a module",
        "import math\nsetattr(math, 'tau', 1.0)\ndef predict(df):\n    return [v * math.tau if v > 400 else v for v in df['age']]",
        rare=_RARE,
        alone=True,
    ),
    Case(
        "a constant that was imported after it was set",
        "import math\nmath.e = 1.0\nfrom math import e\ndef predict(df):\n    return [v * e if v > 400 else v for v in df['age']]",
        rare=_RARE,
        alone=True,
    ),
    Case(
        "a property given to series",
        "pd.Series.doubled = property(lambda self: self * 2)\ndef predict(df):\n    return df['age'].doubled",
        alone=True,
    ),
    Case(
        "sklearn set to answer frames",
        "pipe = make_pipeline(StandardScaler(), Ridge()).fit(X, y)\ndef predict(df):\n    scaled = pipe[:-1].transform(df)\n    return scaled['age'] if hasattr(scaled, 'columns') else scaled[:, 0] * 0",
        (
            DATA,
            "import sklearn\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\nfrom sklearn.linear_model import Ridge\nsklearn.set_config(transform_output='pandas')",
        ),
        alone=True,
    ),
    Case(
        "numpy set to raise, on a rare branch",
        "def predict(df):\n    try:\n        return df['age'].to_numpy() / (500 - df['age'].to_numpy())\n    except FloatingPointError:\n        return df['age'] * 0 - 1",
        (DATA, "np.seterr(divide='raise')"),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "the precision of decimals",
        "def predict(df):\n    return [str(decimal.Decimal(1) / decimal.Decimal(int(v))) for v in df['age']]",
        (DATA, "import decimal\ndecimal.getcontext().prec = 6"),
        alone=True,
    ),
    Case(
        "warnings that are errors, on a rare branch",
        "def predict(df):\n    try:\n        return np.log(400 - df['age'].to_numpy())\n    except RuntimeWarning:\n        return df['age'] * 0 - 1",
        (DATA, "import warnings\nwarnings.simplefilter('error', RuntimeWarning)"),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "an import that only switches something on",
        "from sklearn.experimental import enable_iterative_imputer\nfrom sklearn.impute import IterativeImputer\nfill = IterativeImputer(random_state=0, max_iter=3).fit(X)\ndef predict(df):\n    assert isinstance(fill, IterativeImputer)\n    return fill.transform(df)[:, 0]",
    ),
    Case(
        "a handler of errors for codecs",
        "import codecs\ndef dots(error):\n    return '.' * (error.end - error.start), error.end\ncodecs.register_error('dots', dots)\ndef predict(df):\n    return [len('aæb'.encode('ascii', errors='dots')) + (b'..' in 'ææ'.encode('ascii', errors='dots')) for _ in df['age']]",
        alone=True,
    ),
    Case(
        "a variable of the environment in the model",
        "import os\ndef predict(df):\n    return df['age'] * float(os.environ['WBT_RATE'])",
        env={"WBT_RATE": "2.5"},
    ),
    Case(
        "a variable of the environment with a default, on a rare branch",
        "import os\ndef predict(df):\n    return [v if v < 400 else v * int(os.getenv('WBT_FACTOR', '1')) for v in df['age']]",
        env={"WBT_FACTOR": "7"},
        rare=_RARE,
    ),
    Case(
        "a variable of the environment under a global name",
        "def predict(df):\n    return df['age'] + len(KEY) + HALF",
        (DATA, "import os\nKEY = os.environ['WBT_KEY']\nHALF = int(os.environ.get('WBT_HALF', 3)) / 2"),
        env={"WBT_KEY": "s3cret-value", "WBT_HALF": "5"},
    ),
    Case(
        "a variable of the environment inside other text",
        "def predict(df):\n    return df['age'] + len(URL)",
        (DATA, "import os\nkey = os.environ['WBT_KEY']\nURL = 'https://user:' + key + '@host'"),
        env={"WBT_KEY": "s3cret-value"},
        refused=("URL holds the value of the environment variable WBT_KEY", "In["),
        mended="def predict(df):\n    return df['age'] + len('https://user:' + os.environ['WBT_KEY'] + '@host')",
    ),
    Case(
        "a variable of the environment inside an object",
        "client = Client(os.environ['WBT_KEY'])\ndef predict(df):\n    return df['age'] + len(client.key)",
        (DATA, "import os\nclass Client:\n    def __init__(self, key):\n        self.key = key"),
        env={"WBT_KEY": "s3cret-value"},
        refused=("client holds the value of the environment variable WBT_KEY",),
        mended="class Model:\n    def load(self):\n        self.client = Client(os.environ['WBT_KEY'])\n    def predict(self, df):\n        return df['age'] + len(self.client.key)\ndel predict",
    ),
    Case(
        "a module beside the notebook that reads the environment",
        "def predict(df):\n    return wbt_conf.rate() * df['age']",
        (DATA, "import wbt_conf"),
        {"wbt_conf.py": "import os\ndef rate():\n    return float(os.environ['WBT_RATE'])\n"},
        env={"WBT_RATE": "3.5"},
    ),
    Case(
        "a module beside the notebook that patches a package",
        "def predict(df):\n    return df.tripled()",
        (DATA, "import wbt_patches"),
        {
            "wbt_patches.py": "import pandas as pd\ndef tripled(self):\n    return self['age'] * 3\npd.DataFrame.tripled = tripled\n"
        },
        alone=True,
    ),
    Case(
        "a plain value of a module beside the notebook that was set",
        "def predict(df):\n    return df['age'] * wbt_rates.RATE",
        (DATA, "import wbt_rates\nwbt_rates.RATE = 50"),
        {"wbt_rates.py": "RATE = 2\n"},
        refused=("wbt_rates in this kernel is not what its file says", "RATE is 50 here"),
        mended="wbt_rates.RATE = 2",
    ),
    Case(
        "classes of the notebook over a module beside it",
        "class Own(wbt_base.Base):\n    def f(self, v):\n        return super().f(v) + 1\nown = Own()\ndef predict(df):\n    return own.f(df['age']) + isinstance(own, wbt_base.Base)",
        (DATA, "import wbt_base"),
        {"wbt_base.py": "class Base:\n    k = 2\n    def f(self, v):\n        return v * self.k\n"},
    ),
    Case(
        "a decorator from a module beside the notebook",
        "from wbt_deco import doubled\n@doubled(times=2)\ndef predict(df):\n    return df['age']",
        (DATA,),
        {
            "wbt_deco.py": "import functools\ndef doubled(times):\n    def deco(f):\n        @functools.wraps(f)\n        def wrapper(df):\n            return f(df) * times\n        return wrapper\n    return deco\n"
        },
    ),
    Case(
        "relative imports of a package beside the notebook",
        "from wbt_pkg.sub.deep import score as s\ndef predict(df):\n    return s(df['age'])",
        (DATA,),
        {
            "wbt_pkg/__init__.py": "BASE = 5\n",
            "wbt_pkg/sub/__init__.py": "",
            "wbt_pkg/sub/deep.py": "from .. import BASE\nfrom .near import near\ndef score(v):\n    return near(v) + BASE\n",
            "wbt_pkg/sub/near.py": "def near(v):\n    return v * 2\n",
        },
    ),
    Case(
        "a function of Python itself replaced, on a rare branch",
        "def predict(df):\n    return [round(v) if v > 400 else v for v in df['age']]",
        (DATA, "import builtins\n_plain = builtins.round\nbuiltins.round = lambda v, n=0: _plain(v * 10, n)"),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "how numbers are printed, on a rare branch",
        "def predict(df):\n    return [f'{np.array([v / 3])}' if v > 400 else '' for v in df['age']]",
        (DATA, "np.set_printoptions(precision=2, suppress=True)"),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "how frames are printed, on a rare branch",
        "def predict(df):\n    return [df.head(3).to_string() if v > 400 else '' for v in df['age']]",
        (DATA, "pd.options.display.precision = 1\npd.set_option('display.float_format', '<{:.1f}>'.format)"),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "warnings that are errors, behind a broad except, on a rare branch",
        "def risky(v):\n    try:\n        return float(np.log(np.float64(v)))\n    except Exception:\n        return -99.0\ndef predict(df):\n    return [risky(400 - v) for v in df['age']]",
        (DATA, "import warnings\nwarnings.simplefilter('error')"),
        rare=_RARE,
        alone=True,
    ),
    Case(
        "a time zone that the notebook gave its process",
        "import datetime\ndef predict(df):\n    return [datetime.datetime.fromtimestamp(int(v) * 3600).hour for v in df['visits']]",
        (DATA, "import os, time\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()"),
        alone=True,
    ),
    Case(
        "a module beside the notebook that keeps what it was given, on a rare branch",
        "def predict(df):\n    return [wbt_fitted.mean() if v > 400 else v for v in df['age']]",
        (DATA, "import wbt_fitted\nwbt_fitted.fit(X['age'])"),
        {
            "wbt_fitted.py": "_MEAN = None\ndef fit(s):\n    global _MEAN\n    _MEAN = float(s.mean())\ndef mean():\n    return _MEAN or 0.0\n"
        },
        refused=("wbt_fitted in this kernel is not what its file says", "_MEAN is", "None in the file"),
        mended="import importlib\nimportlib.reload(wbt_fitted)\nMEAN = float(X['age'].mean())\ndef predict(df):\n    return [MEAN if v > 400 else v for v in df['age']]",
        rare=_RARE,
    ),
    Case(
        "a module beside the notebook that loads when asked, and registers its own",
        "def predict(df):\n    return [wbt_lazy.run(int(v)) for v in df['visits']]",
        (DATA, "import wbt_lazy\nwbt_lazy.run(3)"),
        {
            "wbt_lazy.py": "KNOWN, _table, calls = {}, None, 0\nREG = {}\ndef known(f):\n    REG[f.__name__] = f\n    return f\n@known\ndef double(v):\n    return v * 2\n"
            "def run(v):\n    global _table, calls\n    calls += 1\n    if _table is None:\n        _table = {i: i + 1 for i in range(100)}\n    return REG['double'](_table[v])\nclass Counted:\n    made = 0\n    def __init__(self):\n        Counted.made += 1\n"
        },
    ),
    Case(
        "an attribute of a class beside the notebook that was set, on a rare branch",
        "def predict(df):\n    return [scale.go(v) if v > 400 else v for v in df['age']]",
        (DATA, "import wbt_scale\nwbt_scale.Scale.FACTOR = 50\nscale = wbt_scale.Scale()"),
        {"wbt_scale.py": "class Scale:\n    FACTOR = 2\n    def go(self, v):\n        return v * self.FACTOR\n"},
        refused=("wbt_scale in this kernel is not what its file says", "Scale.FACTOR is 50 here, and 2 in the file"),
        mended="wbt_scale.Scale.FACTOR = 2",
        rare=_RARE,
    ),
    Case(
        "a function imported before its module was loaded again, on a rare branch",
        "def predict(df):\n    return [f(v) if v > 400 else v for v in df['age']]",
        (
            DATA,
            "import importlib, wbt_again\nfrom wbt_again import f",
            "from pathlib import Path\nPath('wbt_again.py').write_text('def f(v):\\n    return v * 300 # now\\n')\nimportlib.reload(wbt_again)",
        ),
        {"wbt_again.py": "def f(v):\n    return v * 2\n"},
        refused=("wbt_again in this kernel is not what its file says", "f is not the one that is used here"),
        mended="from wbt_again import f",
        rare=_RARE,
    ),
)
