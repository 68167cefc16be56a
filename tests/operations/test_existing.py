"""`model NAME OBJECT` over what exists: objects, functions of modules, pickles, ONNX files, folders of MLflow and ours."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from networks import by_column, linear
from sklearn.linear_model import LinearRegression

from workbench.api import Workbench
from workbench.bundle.register import DryRun
from workbench.bundle.version import ModelVersion
from workbench.errors import BundleRefused, NotFound, NotProven, UsageError
from workbench.faces import shell

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 120), "b": np.arange(120.0)})
FITTED = LinearRegression().fit(X, X["a"] * 2 + X["b"])


@pytest.fixture
def api(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """An API whose folder is the test's."""
    monkeypatch.chdir(tmp_path)
    return Workbench(home)


def answers(version: ModelVersion | DryRun, rows: Any = X) -> dict[str, Any]:
    assert isinstance(version, ModelVersion)
    return version.predictor().predict(rows)


@pytest.mark.parametrize("ending", ["pkl", "joblib"])
def test_a_pickled_estimator_and_where_it_comes_from(api: Workbench, ending: str) -> None:
    file = Path(f"fitted.{ending}")
    joblib.dump(FITTED, file) if ending == "joblib" else file.write_bytes(pickle.dumps(FITTED))
    version = api.model("m", f"fitted.{ending}", example=X)
    np.testing.assert_allclose(answers(version)["prediction"], FITTED.predict(X))
    assert "model LinearRegression" in str(version)
    assert version.manifest.origin["cell"] == file.name
    shown = str(api.model("m", file, dry_run=True))
    assert any(line.split()[:3] == ["model", "state", file.name] for line in shown.splitlines())


def test_an_onnx_file_over_all_columns(api: Workbench) -> None:
    file = linear(Path("net.onnx"), [2.0, -1.0])
    version = api.model("net", "net.onnx", example=X)
    want = (X.to_numpy(np.float32) @ np.array([2.0, -1.0], np.float32)) + np.float32(0.5)
    np.testing.assert_allclose(answers(version)["prediction"], want, rtol=1e-6)
    assert version.manifest.row_wise
    assert "onnxruntime" in version.manifest.packages
    assert "took  Model (net.onnx), network InferenceSession" in str(version)
    file.unlink()
    assert api.verify("net").rows == 120
    api.model("net", linear(Path("net.onnx"), [2.0, -1.0]), example=X)
    assert [v.ref for v in api.models("net")] == ["net@1"]
    arrays = api.model("arrays", linear(Path("net3.onnx"), [1.0, 2.0, 3.0]), example=np.ones((5, 3), np.float32))
    assert answers(arrays, np.ones((2, 3), np.float32))["prediction"].tolist() == [6.5, 6.5]


def test_an_onnx_file_whose_weights_lie_in_files_beside_it(api: Workbench) -> None:
    folder = Path("exported")
    folder.mkdir()
    linear(folder / "net.onnx", [2.0, -1.0], weights_in="parts/net.weights")
    version = api.model("net", folder / "net.onnx", example=X)
    weights = (folder / "parts" / "net.weights").rename("weights")
    shutil.rmtree(folder)
    np.testing.assert_allclose(answers(version)["prediction"], X["a"] * 2 - X["b"] + 0.5, rtol=1e-6)
    assert api.verify("net").rows == 120
    linear(Path("net.onnx"), [2.0, -1.0], weights_in="net.weights")
    Path("net.weights").unlink()
    with pytest.raises(NotFound, match=r"net\.onnx keeps its weights in net\.weights, which is not beside it"):
        api.model("net", "net.onnx", example=X)
    shutil.copy(weights, "net.weights")
    assert api.model("net", "net.onnx", example=X).ref == "net@2"  # type: ignore[union-attr]


def test_an_onnx_file_that_takes_one_row_at_a_time(api: Workbench) -> None:
    linear(Path("one.onnx"), [2.0, -1.0], rows=1)
    found = answers(api.model("one", "one.onnx", example=X))["prediction"]
    np.testing.assert_allclose(found, X["a"] * 2 - X["b"] + 0.5, rtol=1e-6)


def test_an_onnx_file_with_an_input_for_each_column(api: Workbench) -> None:
    by_column(Path("net.onnx"))
    rows = pd.DataFrame({"other": 1.0, "city": ["Ulm", "Köln"], "age": [31, 42]})
    found = answers(api.model("net", "net.onnx", example=rows), rows)
    assert {name: values.tolist() for name, values in found.items()} == {
        "doubled": [62, 84],
        "same": ["Ulm", "Köln"],
        "both_0": [31, 42],
        "both_1": [62, 84],
    }


def test_an_onnx_file_from_the_shell(api: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    linear(Path("net.onnx"), [2.0, -1.0])
    X.to_csv("rows.csv", index=False)
    assert shell.main(["model", "net", "net.onnx", "--example", "rows.csv"]) == 0
    assert "net@1 ✓ a clean process answers" in capsys.readouterr().out
    assert shell.main(["model", "net", "net.onnx", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert ["Model", "class", "net.onnx"] in [line.split() for line in said.splitlines()]
    assert "onnxruntime  package" in said


SHOP = """
import prices_of_shop

def predict(df):
    return prices_of_shop.double(df["a"])

class Model:
    def load(self):
        self.factor = 2
    def predict(self, df):
        return df["a"] * self.factor

double = lambda df: df["a"] * 2
"""


@pytest.mark.parametrize(
    ("thing", "taken"),
    [
        ("shop_here:predict", ["shop_here.py", "prices_of_shop.py"]),
        ("shop_here:Model", ["shop_here.py"]),
        ("shop_here:double", ["shop_here.py"]),
        ("net.onnx", ["Model", "onnxruntime"]),
        ("fitted.joblib", ["model", "scikit-learn"]),
        (FITTED, ["model", "scikit-learn"]),
    ],
)
def test_a_dry_run_says_what_would_be_taken_and_stores_nothing(
    api: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, thing: Any, taken: list[str]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("shop_here.py").write_text(SHOP)
    Path("prices_of_shop.py").write_text("def double(x):\n    return x * 2\n")
    linear(Path("net.onnx"), [2.0, -1.0])
    joblib.dump(FITTED, "fitted.joblib")
    try:
        shown = api.model("m", thing, dry_run=True)
        names = [line.split()[0] for line in str(shown).splitlines()[2:]]
        assert set(taken) <= set(names)
        assert shown.to_json()["name"] == "m"
        assert api.registry.names() == []
        assert api.model("m", thing, example=X).ref == "m@1"  # type: ignore[union-attr]
    finally:
        for name in ("shop_here", "prices_of_shop"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("thing", "kind", "said"),
    [
        ("gone.onnx", NotFound, "there is no file .*gone.onnx"),
        ("broken.onnx", UsageError, "broken.onnx is no network that onnxruntime can run: "),
        ("gone.pkl", NotFound, "there is no file .*gone.pkl"),
        ("broken.joblib", UsageError, "broken.joblib cannot be read"),
        ("number.pkl", UsageError, "a int does not predict"),
        ("folder", NotFound, "folder is no model folder: it has no file MLmodel"),
        ("nothing", NotFound, "'nothing' is no name of this notebook and no `module:object`"),
        ("json:gone", NotFound, "the module json has no 'gone'"),
        ("json:JSONDecoder", UsageError, "the class JSONDecoder has no `predict`"),
        ("gone_module:f", NotFound, "there is no module 'gone_module'"),
    ],
)
def test_what_is_no_model_is_refused(api: Workbench, thing: str, kind: type[Exception], said: str) -> None:
    for name in ("broken.onnx", "broken.joblib"):
        Path(name).write_bytes(b"nothing")
    Path("number.pkl").write_bytes(pickle.dumps(3))
    Path("folder").mkdir()
    with pytest.raises(kind, match=said):
        api.model("m", thing, example=X)
    assert api.registry.names() == []


def captured(api: Workbench, name: str = "other") -> ModelVersion:
    found = api.model(name, FITTED, example=X, note="first")
    assert isinstance(found, ModelVersion)
    return found


def test_a_bundle_of_ours_is_copied_with_where_it_came_from(api: Workbench, tmp_path: Path, home: Path) -> None:
    given = shutil.copytree(captured(api).folder, tmp_path / "colleague" / "3")
    api.remove("other", all=True)
    shown = str(api.model("mine", given, dry_run=True))
    assert "LinearRegression" in shown
    assert api.registry.names() == []
    version = api.model("mine", str(given), alias="champion", note="from Ada")
    assert isinstance(version, ModelVersion)
    shutil.rmtree(given)
    assert (version.ref, version.aliases) == ("mine@1", ("champion",))
    origin = version.manifest.origin
    assert (origin["note"], origin["copied_from"]) == ("from Ada", str(given))
    np.testing.assert_allclose(answers(version)["prediction"], FITTED.predict(X))
    assert api.verify("mine").rows == 120
    again = api.model("mine", version.folder)
    assert "mine@1 unchanged" in str(again)


def test_a_bundle_that_was_changed_or_answers_otherwise_is_refused(api: Workbench, tmp_path: Path) -> None:
    given = shutil.copytree(captured(api).folder, tmp_path / "given")
    with pytest.raises(UsageError, match="brings its own reference: --example, --row-wise"):
        api.model("mine", given, example=X, row_wise="yes")
    (given / "model.py").write_text("def predict(df):\n    return df['a']\n")
    for dry_run in (True, False):
        with pytest.raises(BundleRefused, match=r"model\.py was changed"):
            api.model("mine", given, dry_run=dry_run)
    private = api.model("private", FITTED, example=X, no_reference=True)
    assert isinstance(private, ModelVersion)
    with pytest.raises(NotProven, match="keeps no rows"):
        api.model("mine", private.folder)
    assert api.registry.names() == ["other", "private"]


def test_without_onnxruntime_or_mlflow_it_is_said_what_to_install(
    api: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    linear(Path("net.onnx"), [2.0, -1.0])
    with pytest.raises(NotFound, match="onnxruntime is not installed") as told:
        api.model("net", "net.onnx", example=X)
    assert told.value.fix == "pip install onnxruntime"
    with pytest.raises(
        NotFound, match=r"models:/churn/3 is a model that MLflow keeps; mlflow\.artifacts is not installed"
    ):
        api.model("net", "models:/churn/3", example=X)
    Path("folder").mkdir()
    Path("folder/MLmodel").write_text("flavors: {}")
    with pytest.raises(NotFound, match=r"folder is a model folder of MLflow; mlflow\.pyfunc is not installed"):
        api.model("net", "folder", example=X)


LOG = """
import sys, mlflow.sklearn, numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 120), "b": np.arange(120.0)})
clf = LinearRegression().fit(X, X["a"] * 2 + X["b"])
pins = ["scikit-learn==0.1"]
mlflow.sklearn.save_model(clf, "logged", input_example=X.head(), serialization_format="pickle", pip_requirements=pins)

import shutil
from workbench.api import Workbench
version = Workbench().model("logged", "logged", example=X)
shutil.rmtree("logged")
np.testing.assert_allclose(version.predictor().predict(X)["prediction"], X["a"] * 2 + X["b"], atol=1e-9)
print(version)
print(sorted(version.manifest.packages))
"""


@pytest.fixture(scope="module")
def with_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has MLflow beside all that is here."""
    place = tmp_path_factory.mktemp("with-mlflow") / "env"
    python = place / "bin" / "python"
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else str(shutil.which("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(place)], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", str(python), "mlflow-skinny"], check=True)
    (site,) = place.glob("lib/python*/site-packages")
    here = sysconfig.get_path("purelib")
    (site / "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    return python


KEPT = """
import mlflow.sklearn, numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 120), "b": np.arange(120.0)})
clf = LinearRegression().fit(X, X["a"] * 2 + X["b"])
given = {"serialization_format": "pickle", "pip_requirements": ["scikit-learn"]}
with mlflow.start_run() as run:
    mlflow.sklearn.log_model(clf, name="model", registered_model_name="churn", **given)

from workbench.api import Workbench
for uri in ("models:/churn/1", f"runs:/{run.info.run_id}/model"):
    version = Workbench().model("kept", uri, example=X)
    np.testing.assert_allclose(version.predictor().predict(X)["prediction"], X["a"] * 2 + X["b"], atol=1e-9)
    print(version)
try:
    Workbench().model("kept", "models:/gone/1", example=X)
except Exception as error:
    print(error)
"""


@pytest.mark.slow
def test_what_mlflow_keeps_becomes_a_version(with_mlflow: Path, home: Path, tmp_path: Path) -> None:
    env = {**os.environ, "MLFLOW_TRACKING_URI": "file:./mlruns", "MLFLOW_ALLOW_FILE_STORE": "true"}
    command = [str(with_mlflow), "-c", KEPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert "took  Model (models:/churn/1), folder bytes" in done.stdout
    assert "took  Model (runs:/" in done.stdout
    assert "models:/gone/1 cannot be read from file:./mlruns: " in done.stdout


@pytest.mark.slow
def test_a_folder_of_mlflow_becomes_a_version(with_mlflow: Path, home: Path, tmp_path: Path) -> None:
    command = [str(with_mlflow), "-c", LOG]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "logged@1 ✓ a clean process answers what this cell answered (120 rows" in done.stdout
    assert "took  Model (logged), folder bytes" in done.stdout
    assert "mlflow-skinny" in done.stdout
    assert "scikit-learn" in done.stdout
