"""Notebooks as people write them every day: each case is a few cells; the last one is given to %%model."""

from __future__ import annotations

from dataclasses import dataclass, field

DATA = """
import numpy as np
import pandas as pd
rng = np.random.default_rng(7)
n = 240
X = pd.DataFrame({
    "age": rng.integers(18, 90, n).astype(float),
    "spend": rng.normal(100, 30, n).round(2),
    "visits": rng.integers(0, 40, n),
})
y = ((X.age + X.spend + rng.normal(0, 30, n)) > 150).astype(int)
"""

MIXED = """
import numpy as np
import pandas as pd
rng = np.random.default_rng(11)
n = 240
X = pd.DataFrame({
    "city": rng.choice(["Oslo", "Bergen", "Tromsø"], n),
    "plan": pd.Categorical(rng.choice(["basic", "plus"], n), categories=["basic", "plus", "gold"]),
    "since": pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
    "spend": rng.normal(100, 30, n),
    "member": rng.random(n) < 0.5,
})
X.loc[::17, "city"] = None
X.loc[::13, "spend"] = np.nan
y = (X.spend.fillna(90) + 20 * X.member > 105).astype(int)
"""


@dataclass(frozen=True)
class Case:
    """`setup` cells run first; `model` is the body of the %%model cell; `files` lie beside the notebook. The words of
    `refused` stand in the refusal that is expected, and `mended` is the cell that follows its advice. `alone` cases
    change their process. `rare` are rows that the example has no like of, `env` variables of the kernel."""

    name: str
    model: str
    setup: tuple[str, ...] = (DATA,)
    files: dict[str, str] = field(default_factory=dict)
    options: str = ""
    entry: str = "predict(X)"
    refused: tuple[str, ...] = ()
    mended: str = ""
    alone: bool = False
    rare: str = ""
    env: dict[str, str] = field(default_factory=dict)


CASES = (
    Case("a function over globals", "LIMIT = 50\ndef predict(df):\n    return (df['age'] > LIMIT).astype(int)"),
    Case(
        "helpers several levels deep",
        "def predict(df):\n    return score(df)",
        (
            DATA,
            "RATE = 0.5\ndef low(v):\n    return v * RATE",
            "def middle(v):\n    return np.log1p(low(v))",
            "def score(df):\n    return middle(df['age']) + middle(df['spend'].abs())",
        ),
    ),
    Case(
        "a fitted logistic regression",
        "def predict(df):\n    return clf.predict_proba(df)[:, 1]",
        (DATA, "from sklearn.linear_model import LogisticRegression\nclf = LogisticRegression(max_iter=500).fit(X, y)"),
    ),
    Case(
        "a random forest at the end of the cell",
        "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier(20, random_state=0).fit(X, y)",
        entry="__import__('sklearn.ensemble').ensemble.RandomForestClassifier(20, random_state=0).fit(X, y).predict(X)",
    ),
    Case(
        "a gradient boosting with threads of its own",
        "model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(X, y)\ndef predict(df):\n    return model.predict(df)",
        (DATA, "from sklearn.ensemble import HistGradientBoostingRegressor"),
    ),
    Case(
        "a pipeline with a function of the notebook",
        "pipe = make_pipeline(FunctionTransformer(add_ratio), StandardScaler(), Ridge()).fit(X, y)\ndef predict(df):\n    return pipe.predict(df)",
        (
            DATA,
            "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import FunctionTransformer, StandardScaler\nfrom sklearn.linear_model import Ridge",
            "EPS = 1e-3\ndef add_ratio(df):\n    return df.assign(ratio=df.spend / (df.visits + EPS))",
        ),
    ),
    Case(
        "a pipeline with a lambda of the notebook",
        "pipe = make_pipeline(FunctionTransformer(lambda df: df * SCALE), Ridge()).fit(X, y)\ndef predict(df):\n    return pipe.predict(df)",
        (
            DATA,
            "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import FunctionTransformer\nfrom sklearn.linear_model import Ridge\nSCALE = 0.01",
        ),
    ),
    Case(
        "a transformer class of the notebook",
        "pipe = Pipeline([('clip', Clip(0.05)), ('ridge', Ridge())]).fit(X, y)\ndef predict(df):\n    assert isinstance(pipe.steps[0][1], Clip)\n    return pipe.predict(df)",
        (
            DATA,
            "from sklearn.base import BaseEstimator, TransformerMixin\nfrom sklearn.pipeline import Pipeline\nfrom sklearn.linear_model import Ridge",
            "class Clip(BaseEstimator, TransformerMixin):\n    def __init__(self, share=0.01):\n        self.share = share\n"
            "    def fit(self, X, y=None):\n        self.low_, self.high_ = X.quantile(self.share), X.quantile(1 - self.share)\n        return self\n"
            "    def transform(self, X):\n        return X.clip(self.low_, self.high_, axis=1)",
        ),
    ),
    Case(
        "columns of every kind through a column transformer",
        "pipe = make_pipeline(ColumnTransformer([('words', OneHotEncoder(handle_unknown='ignore'), ['city', 'plan']), ('numbers', SimpleImputer(), ['spend'])]), LogisticRegression()).fit(X, y)\n"
        "def predict(df):\n    return pipe.predict_proba(df)[:, 1] + (df['since'].dt.day_of_week > 4)",
        (
            MIXED,
            "from sklearn.compose import ColumnTransformer\nfrom sklearn.impute import SimpleImputer\nfrom sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import OneHotEncoder",
        ),
    ),
    Case(
        "lightgbm with categories",
        "model = lgb.LGBMClassifier(n_estimators=20, verbose=-1, random_state=0).fit(X[used], y)\ndef predict(df):\n    return model.predict_proba(df[used])[:, 1]",
        (MIXED, "import lightgbm as lgb\nused = ['plan', 'spend', 'member']"),
    ),
    Case(
        "xgboost",
        "from xgboost import XGBRegressor\nmodel = XGBRegressor(n_estimators=20, random_state=0).fit(X, y)\ndef predict(df):\n    return model.predict(df)",
    ),
    Case(
        "imports in every form",
        "def predict(df):\n    import statistics\n    from operator import mul\n    return [mul(root(v), pi) + scipy.special.expit(v) + statistics.mean([1, 2]) + np.linalg.norm([v]) for v in df['age']]",
        (
            DATA,
            "import scipy.special\nfrom math import *\nfrom math import sqrt as root\nimport numpy.linalg\ntry:\n    import a_package_that_is_not_there\nexcept ImportError:\n    a_package_that_is_not_there = None",
        ),
    ),
    Case(
        "a module beside the notebook",
        "def predict(df):\n    return wb_prices.price(df['spend'])",
        (DATA, "import wb_prices"),
        {
            "wb_prices.py": "import numpy as np\nfrom wb_tax import RATE\ndef price(v):\n    return np.round(v * RATE, 2)\n",
            "wb_tax.py": "RATE = 1.25\n",
        },
    ),
    Case(
        "a package beside the notebook, and a class of it in the state",
        "def predict(df):\n    return scaler(df['spend'])",
        (DATA, "from wb_shop.scaling import Scaler\nscaler = Scaler(X['spend'].max())"),
        {
            "wb_shop/__init__.py": "",
            "wb_shop/scaling.py": "from . import rates\nclass Scaler:\n    def __init__(self, top):\n        self.top = top\n    def __call__(self, v):\n        return v / self.top * rates.FACTOR\n",
            "wb_shop/rates.py": "FACTOR = 2\n",
        },
    ),
    Case(
        "cells with magics before",
        "def predict(df):\n    return timed(df['age'])",
        (
            DATA,
            "%matplotlib inline\n!echo hello\nfiles = !ls",
            "%%time\nFACTOR = 3\ndef timed(v):\n    return v * FACTOR",
            "%%capture out\nprint('hidden')",
        ),
    ),
    Case(
        "predict that was redefined",
        "def predict(df):\n    return df['age'] * factor",
        (DATA, "factor = 2\ndef predict(df):\n    return df['age']", "factor = 5"),
    ),
    Case(
        "a class Model with load",
        "class Model:\n    bias = 1.5\n    def load(self):\n        self.table = dict(zip(range(100), np.linspace(0, 1, 100)))\n    def predict(self, df):\n        return df['visits'].map(self.table) + self.bias",
        entry="[dict(zip(range(100), np.linspace(0, 1, 100)))[v] + 1.5 for v in X.visits]",
    ),
    Case("a lambda", "predict = lambda df: df['age'] * 2 + df['spend']"),
    Case(
        "a partial",
        "import functools\ndef weigh(df, weight):\n    return df['age'] * weight\npredict = functools.partial(weigh, weight=0.25)",
    ),
    Case(
        "a callable object",
        "class Scorer:\n    def __init__(self, weights):\n        self.weights = weights\n    def __call__(self, df):\n        return df.mul(self.weights).sum(axis=1)\npredict = Scorer(pd.Series({'age': 0.1, 'spend': 0.2, 'visits': 0.3}))",
    ),
    Case(
        "dates with and without zone",
        "def predict(df):\n    return df['since'].dt.month + df['seen'].dt.tz_convert('Europe/Oslo').dt.hour / 24",
        (
            MIXED,
            "X = X.assign(seen=pd.to_datetime(rng.integers(1_700_000_000, 1_750_000_000, n), unit='s', utc=True).tz_convert('America/New_York'))",
        ),
    ),
    Case(
        "nullable integers and booleans",
        "def predict(df):\n    assert str(df['visits'].dtype) == 'Int64' and str(df['ok'].dtype) == 'boolean'\n    return (df['visits'].fillna(3) * 2 + df['ok'].fillna(False)).astype(float)",
        (
            DATA,
            "X = X.assign(visits=X.visits.astype('Int64').mask(X.visits < 3), ok=pd.array(rng.choice([True, False, None], n), dtype='boolean'))",
        ),
    ),
    Case(
        "categories by their code",
        "def predict(df):\n    return df['plan'].cat.codes * 10 + df['plan'].cat.categories.size",
        (MIXED,),
    ),
    Case(
        "text by tf-idf",
        "def predict(df):\n    return clf.decision_function(words.transform(df['text']))",
        (
            "import numpy as np, pandas as pd\nfrom sklearn.feature_extraction.text import TfidfVectorizer\nfrom sklearn.linear_model import SGDClassifier\n"
            "rng = np.random.default_rng(3)\nX = pd.DataFrame({'text': [' '.join(rng.choice(['good', 'bad', 'æble', 'fine', 'poor'], 6)) for _ in range(150)]})\n"
            "words = TfidfVectorizer().fit(X.text)\nclf = SGDClassifier(random_state=0).fit(words.transform(X.text), X.text.str.contains('good'))",
        ),
    ),
    Case(
        "an array as example",
        "W = np.arange(1.0, 4.0)\ndef predict(rows):\n    return rows @ W",
        (DATA, "X = X.to_numpy()"),
    ),
    Case(
        "tables to look up in",
        "def predict(df):\n    return df['visits'].map(means).fillna(0) + df['age'].map(lambda a: bands[int(a // 10)])",
        (DATA, "bands = {i: i * 1.5 for i in range(20)}\nmeans = X.groupby('visits')['spend'].mean()"),
    ),
    Case(
        "a decorator and a cache",
        "@checked\ndef predict(df):\n    return [slow(int(v)) for v in df['age']]",
        (
            DATA,
            "import functools\ndef checked(f):\n    @functools.wraps(f)\n    def wrapper(df):\n        assert len(df)\n        return f(df)\n    return wrapper\n@functools.lru_cache(maxsize=None)\ndef slow(v):\n    return v ** 0.5",
        ),
    ),
    Case(
        "dataclasses and enums",
        "def predict(df):\n    return np.where(df['age'] > config.limit, Band.HIGH.value, Band.LOW.value) * (1 if chosen is Band.HIGH else 2)",
        (
            DATA,
            "from dataclasses import dataclass\nfrom enum import Enum\n@dataclass(frozen=True)\nclass Config:\n    limit: float = 40.0\nclass Band(Enum):\n    LOW = 1\n    HIGH = 2\nconfig, chosen = Config(limit=55.0), Band.HIGH",
        ),
    ),
    Case(
        "a frame with several columns",
        "def predict(df):\n    return pd.DataFrame({'score': df['age'] / 100, 'band': np.where(df['age'] > 50, 'old', 'young')})",
        entry="X.age / 100",
    ),
    Case("a list of labels", "def predict(df):\n    return ['high' if v > 100 else 'low' for v in df['spend']]"),
    Case(
        "a grid search",
        "search = GridSearchCV(Ridge(), {'alpha': [0.1, 1.0]}, cv=3).fit(X, y)\ndef predict(df):\n    return search.predict(df)",
        (DATA, "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge"),
    ),
    Case(
        "a merge with a frame of the notebook",
        "def predict(df):\n    return df.merge(rates, on='city', how='left')['rate'].fillna(0.0)",
        (MIXED, "rates = pd.DataFrame({'city': ['Oslo', 'Bergen'], 'rate': [0.25, 0.5]})"),
    ),
    Case(
        "patterns, dates, paths and decimals as globals",
        "def predict(df):\n    return [(START + timedelta(days=int(v))).day + len(WORD.findall(str(HOME))) + float(FEE) for v in df['visits']]",
        (
            DATA,
            "import re\nfrom datetime import date, timedelta\nfrom decimal import Decimal\nfrom pathlib import PurePosixPath\nSTART, WORD, HOME, FEE = date(2024, 2, 27), re.compile(r'\\w+'), PurePosixPath('/a/b'), Decimal('0.1')",
        ),
    ),
    Case(
        "functions that call each other",
        "def predict(df):\n    return [even(int(v)) for v in df['visits']]",
        (
            DATA,
            "def even(k):\n    return True if k == 0 else odd(k - 1)",
            "def odd(k):\n    return False if k == 0 else even(k - 1)",
        ),
    ),
)
