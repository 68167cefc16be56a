"""Models of the frameworks that data scientists use, as `cells.py` has everyday cells."""

from __future__ import annotations

from importlib.util import find_spec

from cells import DATA, MIXED, Case

_ONNX = "CAg6awoSCgFYCgFXCgFCEgFZIgRHZW1tEgFnKhcIAwgBEAEiDAAAAD8AAIA+AACAv0IBVyoNCAEQASIEAAAAQEIBQloUCgFYEg8KDQgBEgkKAxIBbgoCCANiFAoBWRIPCg0IARIJCgMSAW4KAggBQgQKABAN"
_ASKED = "def predict(df):\n    return session.run(None, {'X': df[used].to_numpy(dtype='float32')})[0][:, 0]"
_PLAIN = "used = ['age', 'spend', 'visits']"

CASES = (
    Case(
        "sklearn: a kernel and a scorer of the notebook",
        "search = GridSearchCV(SVR(kernel=near), {'C': [0.1, 1.0]}, scoring=make_scorer(closeness), cv=2).fit(X[:80], y[:80])\ndef predict(df):\n    return search.predict(df)",
        (
            DATA,
            "from sklearn.model_selection import GridSearchCV\nfrom sklearn.metrics import make_scorer\nfrom sklearn.svm import SVR\n"
            "SCALE = 1e-3\ndef near(a, b):\n    return np.asarray(a) @ np.asarray(b).T * SCALE\ndef closeness(true, found):\n    return -abs(true - found).sum()",
        ),
    ),
    Case(
        "sklearn: an estimator of the notebook inside an ensemble",
        "model = VotingRegressor([('mean', Mean()), ('tree', DecisionTreeRegressor(max_depth=3))]).fit(X, y)\ndef predict(df):\n    return model.predict(df)",
        (
            DATA,
            "from sklearn.base import BaseEstimator, RegressorMixin\nfrom sklearn.ensemble import VotingRegressor\nfrom sklearn.tree import DecisionTreeRegressor\n"
            "class Mean(RegressorMixin, BaseEstimator):\n    def fit(self, X, y):\n        self.mean_ = float(np.mean(y))\n        return self\n    def predict(self, X):\n        return np.full(len(X), self.mean_)",
        ),
    ),
    Case(
        "sklearn: a large forest, whose trees lie beside it",
        "model = RandomForestRegressor(30, random_state=0).fit(pd.concat([X + i / 99 for i in range(20)]), rng.normal(size=20 * n))\ndef predict(df):\n    return model.predict(df)",
        (DATA, "from sklearn.ensemble import RandomForestRegressor"),
    ),
    Case(
        "lightgbm: its booster",
        "booster = lgb.train({'objective': 'binary', 'verbose': -1, 'num_leaves': 7}, lgb.Dataset(X, y), 15)\ndef predict(df):\n    return booster.predict(df)",
        (DATA, "import lightgbm as lgb"),
    ),
    Case(
        "xgboost: its booster, with early stopping",
        "booster = xgb.train({'objective': 'binary:logistic', 'max_depth': 3}, train, 30, evals=[(train, 'train')], early_stopping_rounds=2, verbose_eval=False)\n"
        "def predict(df):\n    return booster.predict(xgb.DMatrix(df), iteration_range=(0, booster.best_iteration + 1))",
        (DATA, "import xgboost as xgb\ntrain = xgb.DMatrix(X, y)"),
    ),
    Case(
        "xgboost: its classifier with categories, in a dict of models",
        "models = {'a': XGBClassifier(n_estimators=15, enable_categorical=True).fit(X[used], y)}\ndef predict(df):\n    return models['a'].predict_proba(df[used])[:, 1]",
        (MIXED, "from xgboost import XGBClassifier\nused = ['plan', 'spend', 'member']"),
    ),
    Case(
        "statsmodels: a fitted regression",
        "result = sm.OLS(y, sm.add_constant(X)).fit()\ndef predict(df):\n    return result.predict(sm.add_constant(df, has_constant='add'))",
        (DATA, "import statsmodels.api as sm"),
    ),
    Case(
        "statsmodels: a formula that calls a function of the notebook",
        "result = smf.logit('bought ~ age + np.log1p(visits) + share(spend) + C(band)', X.assign(bought=y, band=band(X))).fit(disp=0)\ndef predict(df):\n    return result.predict(df.assign(band=band(df)))",
        (DATA, "import statsmodels.formula.api as smf\ndef band(df):\n    return np.where(df['visits'] > 20, 'often', 'seldom')\ndef share(v):\n    return v / TOP\nTOP = 200.0"),
    ),
    Case(
        "onnx: a session of a file that is gone",
        _ASKED,
        (
            DATA,
            _PLAIN,
            f"import base64, onnxruntime as ort\nfrom pathlib import Path\nPath('linear.onnx').write_bytes(base64.b64decode('{_ONNX}'))\nsession = ort.InferenceSession('linear.onnx', providers=['CPUExecutionProvider'])",
        ),
    ),
    Case(
        "onnx: a session of bytes, with options",
        _ASKED,
        (
            DATA,
            _PLAIN,
            f"import base64, onnxruntime as ort\noptions = ort.SessionOptions()\noptions.intra_op_num_threads = 1\noptions.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL\nsession = ort.InferenceSession(base64.b64decode('{_ONNX}'), options)",
        ),
    ),
    Case(
        "scipy: an interpolator, a sparse matrix, a frozen distribution",
        "def predict(df):\n    return curve(df['age']) + dist.cdf(df['spend']) + np.asarray(weights @ df[['age', 'spend', 'visits']].to_numpy().T)[0]",
        (
            DATA,
            "from scipy.interpolate import CubicSpline, RegularGridInterpolator\nfrom scipy import sparse, stats\ncurve = CubicSpline([0, 30, 60, 100], [0.0, 1.0, 0.5, 2.0])\n"
            "dist = stats.norm(100, 30)\nweights = sparse.csr_matrix(np.array([[0.5, 0.0, 2.0]]))",
        ),
    ),
    Case(
        "scipy: splines, a tree of points and an optimum",
        "def predict(df):\n    near, _ = tree.query(df[['age', 'spend']].to_numpy())\n    return near + grid(df[['age', 'visits']].to_numpy()) + best.x[0]",
        (
            DATA,
            "from scipy.interpolate import RegularGridInterpolator\nfrom scipy.optimize import minimize\nfrom scipy.spatial import cKDTree\ntree = cKDTree(X[['age', 'spend']].to_numpy())\n"
            "grid = RegularGridInterpolator((np.arange(0, 101, 10.0), np.arange(0, 51, 10.0)), np.arange(66.0).reshape(11, 6))\nbest = minimize(lambda v: (v[0] - 3) ** 2, [0.0])",
        ),
    ),
    Case(
        "large arrays and frames inside containers",
        "def predict(df):\n    rows = tables['points'].iloc[df['visits'].to_numpy()]\n    return rows['value'].to_numpy() + big['deep'][0][df['age'].astype(int)] + views['low'][3]",
        (
            DATA,
            "tables = {'points': pd.DataFrame({'value': rng.normal(size=30_000), 'kind': pd.Categorical(rng.choice(['a', 'b'], 30_000))}).set_index(pd.RangeIndex(30_000, name='id'))}\n"
            "big = {'deep': (np.linspace(0, 1, 200_000), [1, 2])}\nviews = {'low': big['deep'][0][:100]}",
        ),
    ),
    Case(
        "a model that writes into its large array",
        "def predict(df):\n    hits[:] = 0\n    np.add.at(hits, df['visits'].to_numpy(), 1)\n    store['seen'][0] = 7\n    return hits[df['visits'].to_numpy()] * 0 + df['age'] + store['seen'][0]",
        (DATA, "hits = np.zeros(300_000, dtype=np.int64)\nstore = {'seen': np.arange(100_000.0)}"),
    ),
)  # fmt: skip

OPTIONAL = {
    "catboost": (
        Case(
            "catboost: its classifier with categories, and a regressor",
            "model = CatBoostClassifier(iterations=15, verbose=0, cat_features=['plan'], allow_writing_files=False).fit(X[used], y)\n"
            "other = CatBoostRegressor(iterations=5, verbose=0, allow_writing_files=False).fit(X[['spend']], y)\n"
            "def predict(df):\n    return model.predict_proba(df[used])[:, 1] + other.predict(df[['spend']])",
            (MIXED, "from catboost import CatBoostClassifier, CatBoostRegressor\nused = ['plan', 'spend', 'member']\nX['plan'] = X['plan'].astype(str)"),
        ),
    ),
    "spacy": (
        Case(
            "spacy: a pipeline",
            "def predict(df):\n    return [len(nlp(text).ents) for text in df['text']]",
            (
                "import pandas as pd, spacy\nX = pd.DataFrame({'text': ['a good day', 'a bad night'] * 60})\nnlp = spacy.blank('en')\n"
                "nlp.add_pipe('entity_ruler').add_patterns([{'label': 'GOOD', 'pattern': 'good'}])",
            ),
        ),
    ),
    "keras": (
        Case(
            "keras: a model",
            "def predict(df):\n    return model.predict(df[used].to_numpy('float32'), verbose=0)[:, 0]",
            (
                DATA,
                _PLAIN,
                "import importlib.util, os\nos.environ['KERAS_BACKEND'] = 'torch' if importlib.util.find_spec('torch') else 'jax'\nimport keras\n"
                "model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4, activation='relu'), keras.layers.Dense(1)])",
            ),
        ),
    ),
    "torch": (
        Case(
            "torch: a module of the notebook",
            "net.eval()\ndef predict(df):\n    with torch.no_grad():\n        return net(torch.tensor(df[used].to_numpy(dtype='float32')))[:, 0].numpy()",
            (
                DATA,
                _PLAIN,
                "import torch\nfrom torch import nn\nWIDTH = 8\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                "        self.layers = nn.Sequential(nn.Linear(3, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))\n        self.register_buffer('shift', torch.arange(3.0), persistent=False)\n"
                "    def forward(self, v):\n        return self.layers((v - self.shift) / 100)\ntorch.manual_seed(0)\nnet = Net()\nfor _ in range(3):\n    net(torch.rand(20, 3))",
            ),
        ),
        Case(
            "torch: tied weights and a recurrent layer, in a dict",
            "def predict(df):\n    with torch.no_grad():\n        v = torch.tensor(df[used].to_numpy(dtype='float32')).unsqueeze(1)\n        return (parts['rnn'](v)[0] @ parts['head'].weight.T).sum((1, 2)).numpy() + bias.item()",
            (
                DATA,
                _PLAIN,
                "import torch\ntorch.manual_seed(0)\nparts = {'rnn': torch.nn.LSTM(3, 4, batch_first=True), 'head': torch.nn.Linear(4, 2)}\nparts['again'] = parts['head']\nbias = torch.tensor(0.5)",
            ),
        ),
        Case(
            "torch: a traced module",
            "def predict(df):\n    return traced(torch.tensor(df[used].to_numpy(dtype='float32'))).detach()[:, 0].numpy()",
            (DATA, _PLAIN, "import torch, warnings\nwarnings.simplefilter('ignore')\ntorch.manual_seed(0)\ntraced = torch.jit.trace(torch.nn.Linear(3, 1).eval(), torch.rand(2, 3))"),
        ),
    ),
}  # fmt: skip
"""By the library that they need, which is too large to install for the tests."""

CASES += tuple(case for library, cases in OPTIONAL.items() if find_spec(library) for case in cases)
MISSING = [library for library in OPTIONAL if not find_spec(library)]
