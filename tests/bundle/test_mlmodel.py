"""A bundle is a model folder of MLflow: it predicts there, in an environment that has no Workbench."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import notebook, stored

from workbench.bundle.version import ModelVersion

SCORE = """
import sys, importlib.util
import pandas as pd, numpy as np, mlflow.pyfunc
assert importlib.util.find_spec("workbench") is None
folder, given, out = sys.argv[1:]
model = mlflow.pyfunc.load_model(folder)
data = np.load(given) if given.endswith(".npy") else pd.read_pickle(given)
model.predict(data).to_pickle(out)
"""

MIXED = pd.DataFrame(
    {
        "f": [1.0, np.nan, 3.5, -2.0],
        "i": np.arange(4),
        "small": np.arange(4, dtype="uint8"),
        "n": pd.array([1, None, 3, 4], dtype="Int64"),
        "b": [True, False, True, True],
        "c": pd.Categorical(["x", "y", "x", "y"]),
        "t": ["one", None, "three", ""],
        "d": pd.date_range("2024-01-01", periods=4, freq="h"),
        "z": pd.date_range("2024-01-01", periods=4, freq="D", tz="Europe/Berlin"),
    }
)
IMPORTS = "import numpy as np\nimport pandas as pd"
DTYPES = """
def predict(df):
    wanted = ["float64", "int64", "uint8", "Int64", "bool", "category", "str|object", None, None]
    for name, dtype in zip(df, wanted):
        assert dtype is None or str(df[name].dtype) in dtype.split("|"), (name, df[name].dtype)
    days = (df["z"].dt.tz_convert("UTC") - pd.Timestamp("2024-01-01", tz="UTC")).dt.total_seconds()
    score = df["f"].fillna(0.5) + df["n"].fillna(7).astype(float) + df["c"].cat.codes + df["d"].dt.hour + days
    return pd.DataFrame({"score": score, "label": np.where(df["b"], df["t"].fillna("-"), "no")})
"""


def read(version: ModelVersion, name: str) -> dict[str, object]:
    return dict(json.loads((version.folder / name).read_text()))


def test_mlmodel_says_what_mlflow_needs_to_know(tmp_path: Path) -> None:
    version = stored(tmp_path, notebook(IMPORTS, DTYPES), MIXED)
    model = read(version, "MLmodel")
    flavor = model["flavors"]["python_function"]  # type: ignore[index]
    assert flavor["loader_module"] == f"{version.manifest.package}._wb.inference.pyfunc"
    assert flavor["code"] == "code"
    inputs = {c["name"]: c["type"] for c in json.loads(model["signature"]["inputs"])}  # type: ignore[index]
    assert inputs["f"] == "double"
    assert inputs["i"] == "long"
    assert inputs["b"] == "boolean"
    assert inputs["n"] == "any"
    outputs = json.loads(model["signature"]["outputs"])  # type: ignore[index]
    assert [c["name"] for c in outputs] == ["score", "label"]
    example = read(version, "input_example.json")
    assert example["columns"] == list(MIXED)
    assert len(example["data"]) == 4
    pins = (version.folder / "requirements.txt").read_text().splitlines()
    assert f"pandas=={pd.__version__}" in pins
    assert all("==" in pin for pin in pins)


def test_arrays_have_tensor_specs(tmp_path: Path) -> None:
    images = np.arange(24, dtype="float32").reshape(2, 3, 4)
    version = stored(tmp_path, notebook("def predict(x):\n    return x.sum(axis=(1, 2))"), images)
    inputs = json.loads(read(version, "MLmodel")["signature"]["inputs"])  # type: ignore[index]
    assert inputs == [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3, 4]}}]
    assert read(version, "input_example.json") == {"inputs": images.tolist()}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with MLflow and the versions of here, without Workbench."""
    place = tmp_path_factory.mktemp("elsewhere")
    tool = Path(sys.executable).with_name("uv")
    uv = str(tool) if tool.exists() else shutil.which("uv")
    python = place / "env" / "bin" / "python"
    pins = [f"{p.__name__}=={p.__version__}" for p in (np, pd)] + ["pyarrow", "mlflow-skinny"]
    import pyarrow
    import sklearn

    pins[2] = f"pyarrow=={pyarrow.__version__}"
    pins.append(f"scikit-learn=={sklearn.__version__}")
    if uv:
        make = [uv, "venv", "-q", "--python", sys.executable, str(place / "env")]
        install = [uv, "pip", "install", "-q", "--python", str(python), *pins]
    else:
        make = [sys.executable, "-m", "venv", str(place / "env")]
        install = [str(python), "-m", "pip", "install", "-q", *pins]
    subprocess.run(make, check=True)
    subprocess.run(install, check=True)
    return python


def scored(python: Path, version: ModelVersion, given: Path, out: Path) -> pd.DataFrame:
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LD_LIBRARY_PATH")}
    command = [str(python), "-c", SCORE, str(version.folder), str(given), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=given.parent, env=env, check=False)
    assert done.returncode == 0, done.stderr
    frame = pd.read_pickle(out)
    assert isinstance(frame, pd.DataFrame)
    return frame


@pytest.mark.slow
def test_mlflow_answers_the_same_without_workbench(elsewhere: Path, tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    version = stored(tmp_path, notebook(IMPORTS, DTYPES), MIXED)
    MIXED.to_pickle(tmp_path / "given.pkl")
    answered = scored(elsewhere, version, tmp_path / "given.pkl", tmp_path / "out.pkl")
    expected = pd.DataFrame(version.predictor().predict(version.reference()))
    pd.testing.assert_frame_equal(answered, expected, check_exact=True)

    x = np.random.default_rng(0).normal(size=(40, 3))
    clf = LogisticRegression().fit(x, x[:, 0] > 0)
    session = notebook("def predict(x):\n    return clf.predict_proba(x)[:, 1]", clf=clf)
    version = stored(tmp_path / "arrays", session, x)
    np.save(tmp_path / "given.npy", x)
    answered = scored(elsewhere, version, tmp_path / "given.npy", tmp_path / "out.pkl")
    np.testing.assert_allclose(answered["prediction"], clf.predict_proba(x)[:, 1], rtol=1e-12)


@pytest.mark.slow
def test_local_modules_and_classes_come_along(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices_here.py").write_text("def double(x):\n    return x * 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    cell = "class Scale:\n    def __init__(self, by):\n        self.by = by\nscale = Scale(3)\n"
    cell += "def predict(df):\n    assert isinstance(scale, Scale)\n    return prices_here.double(df['a']) * scale.by"
    given = pd.DataFrame({"a": [1.0, 2.0]})
    version = stored(tmp_path, notebook("import prices_here", cell), given)
    given.to_pickle(tmp_path / "given.pkl")
    (tmp_path / "prices_here.py").unlink()
    assert scored(elsewhere, version, tmp_path / "given.pkl", tmp_path / "o.pkl")["prediction"].tolist() == [6.0, 12.0]
