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
)
