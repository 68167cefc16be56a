"""What a bundle needs is named before it is loaded; two versions never mix."""

from __future__ import annotations

import dataclasses
import gc
import json
import shutil
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models import notebook, stored

from workbench.api import Workbench
from workbench.bundle import loaded
from workbench.bundle.layout import hash_files, read_manifest, write_manifest
from workbench.bundle.load import load
from workbench.bundle.prove import verify
from workbench.bundle.registry import Registry
from workbench.bundle.version import ModelVersion
from workbench.errors import BundleRefused, ModelFailed

X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})


def changed(version: ModelVersion, place: Path, **fields: Any) -> ModelVersion:
    """The version as another machine would have made it."""
    folder = Path(shutil.copytree(version.folder, place))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **fields}))
    return ModelVersion("churn", 3, folder)


def copy(version: ModelVersion, place: Path, capture_id: str) -> Path:
    """The same model as another capture."""
    folder = Path(shutil.copytree(version.folder, place, ignore=shutil.ignore_patterns("__pycache__")))
    shutil.move(folder / "code" / version.manifest.package, folder / "code" / f"wb_{capture_id}")
    manifest = dataclasses.replace(version.manifest, capture_id=capture_id, files=hash_files(folder, {}))
    write_manifest(folder, manifest)
    return folder


def traces(package: str) -> list[str]:
    """What of a bundle's package is left in this process."""
    finders = [repr(f) for f in sys.meta_path if package in str(vars(f) if hasattr(f, "__dict__") else "")]
    paths = [p for p in sys.path if (Path(p) / package).exists()]
    return [*(m for m in sys.modules if m.partition(".")[0] == package), *finders, *paths]


@pytest.fixture
def version(tmp_path: Path) -> ModelVersion:
    return stored(tmp_path, notebook("def predict(df):\n    return df['a'] * 2"), X)


def test_another_python_is_named(version: ModelVersion, tmp_path: Path) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    with pytest.raises(BundleRefused, match=rf"churn@3 was captured with Python 3\.6, this is {here}") as told:
        changed(version, tmp_path / "other", python="3.6.1").predictor()
    assert "Python 3.6" in (told.value.fix or "")


def test_other_packages_are_named_until_a_proof_is_there(
    version: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    packages = {**version.manifest.packages, "numpy": "1.0.0", "not-a-package": "2.0"}
    other = changed(version, tmp_path / "other", packages=packages)
    with pytest.raises(BundleRefused) as told:
        other.predictor()
    assert f"numpy 1.0.0 there, {np.__version__} here" in told.value.what
    assert "not-a-package 2.0 there, not installed here" in told.value.what
    assert "%workbench verify churn@3" in (told.value.fix or "")
    assert "numpy==1.0.0" in (told.value.fix or "")
    assert "numpy 1.0.0 there" in str(verify(other, tmp_path / "home"))
    with pytest.warns(UserWarning, match="runs with other packages, under which it was proven: numpy"):
        other.predictor()


def test_a_proof_counts_for_the_workbench_that_keeps_it(tmp_path: Path) -> None:
    own = Workbench(tmp_path / "own")
    version = stored(own.home, notebook("def predict(df):\n    return df['a'] * 2"), X)
    changed(version, version.folder.with_name("2"), packages={**version.manifest.packages, "not-a-package": "2.0"})
    with pytest.raises(BundleRefused, match="not-a-package"):
        own.predict("churn", X)
    own.verify("churn")
    with pytest.warns(UserWarning, match="under which it was proven"):
        assert "bit for bit" in str(own.diff("churn"))
    assert own.predict("churn", X)["prediction"].tolist() == [2.0, 4.0, 6.0]


def test_a_bundle_is_loaded_once(version: ModelVersion) -> None:
    assert load(version.folder) is load(version.folder)


def test_two_versions_with_a_same_named_helper_live_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    versions = []
    for number in (1, 2):
        sys.modules.pop("helper_of_both", None)
        (tmp_path / "helper_of_both.py").write_text(f"def scale(x):\n    return x * {number * 100}\n")
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        cell = "def predict(df):\n    return helper_of_both.scale(df['a'])"
        versions.append(stored(tmp_path / "kept", notebook("import helper_of_both", cell), X))
    sys.modules.pop("helper_of_both", None)
    (tmp_path / "helper_of_both.py").unlink()
    answers = [v.predictor().predict({"a": np.array([1.0])})["prediction"][0] for v in versions]
    assert answers == [100.0, 200.0]
    assert versions[0].manifest.modules == ["helper_of_both"]


def test_a_copy_elsewhere_is_loaded_from_where_it_lies(version: ModelVersion, tmp_path: Path) -> None:
    version.predictor()
    copied = Path(shutil.copytree(version.folder, tmp_path / "copied"))
    shutil.rmtree(version.folder)
    assert load(copied, name="churn@9").predict({"a": np.array([4.0])})["prediction"][0] == 8.0


def test_a_poisoned_cache_beside_the_checked_source_is_not_run(version: ModelVersion, tmp_path: Path) -> None:
    import importlib.util
    import marshal

    copied = Path(shutil.copytree(version.folder, tmp_path / "copied"))
    source = copied / "code" / version.manifest.package / "__init__.py"
    cache = Path(importlib.util.cache_from_source(str(source)))
    cache.parent.mkdir(exist_ok=True)
    code = compile("raise SystemExit('poisoned')", str(source), "exec")
    unchecked = (0b01).to_bytes(4, "little") + bytes(8)
    cache.write_bytes(importlib.util.MAGIC_NUMBER + unchecked + marshal.dumps(code))
    assert load(copied).predict({"a": np.array([4.0])})["prediction"][0] == 8.0


def test_a_model_that_fails_while_it_is_loaded_is_named_with_its_line(version: ModelVersion, tmp_path: Path) -> None:
    import hashlib

    other = changed(version, tmp_path / "other")
    (other.folder / "model.py").write_text("import numpy\n\n1 / 0\n")
    manifest = json.loads((other.folder / "manifest.json").read_text())
    manifest["files"]["model.py"] = hashlib.sha256((other.folder / "model.py").read_bytes()).hexdigest()
    (other.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFailed, match=r"churn@3 cannot be loaded: ZeroDivisionError") as told:
        other.predictor()
    assert (told.value.where or "").endswith("model.py, line 3")
    assert "capture the model again" in (told.value.fix or "")
    assert traces(version.manifest.package) == []


def test_a_refusal_by_the_bundle_itself_keeps_its_next_step(version: ModelVersion, tmp_path: Path) -> None:
    folder = copy(version, tmp_path / "copied", "f" * 16)
    raising = "class BundleRefused(Exception):\n    what, where, fix = 'too old', 'there', 'make it new'\n"
    (folder / "model.py").write_text(f"{raising}raise BundleRefused\n")
    manifest = read_manifest(folder)
    write_manifest(folder, dataclasses.replace(manifest, files=hash_files(folder, {})))
    with pytest.raises(BundleRefused) as told:
        load(folder)
    assert (told.value.what, told.value.where, told.value.fix) == ("too old", "there", "make it new")


def test_the_last_few_are_kept_and_those_in_use(version: ModelVersion, tmp_path: Path) -> None:
    ids = [f"{n:016x}" for n in range(loaded.KEPT + 2)]
    copies = [copy(version, tmp_path / name, name) for name in ids]
    used = load(copies[0])
    first, second = (weakref.ref(load(c)) for c in copies[:2])
    others = [weakref.ref(load(c)) for c in copies[2:]]
    gc.collect()
    assert second() is None
    assert traces(f"wb_{ids[1]}") == []
    assert load(copies[0]) is used is first()
    assert all(load(c) is other() for c, other in zip(copies[3:], others[1:], strict=True))
    assert used.predict(X)["prediction"].tolist() == [2.0, 4.0, 6.0]
    assert load(copies[1]).predict(X)["prediction"].tolist() == [2.0, 4.0, 6.0]


def test_a_removed_version_is_let_go(version: ModelVersion, tmp_path: Path) -> None:
    kept, package = weakref.ref(version.predictor()), version.manifest.package
    Registry(tmp_path / "models").remove(version)
    gc.collect()
    assert kept() is None
    assert traces(package) == []


def test_child_processes_of_a_model_can_import_it(tmp_path: Path) -> None:
    cell = textwrap.dedent("""
    def double(x):
        return x * 2

    def predict(df):
        return joblib.Parallel(n_jobs=2)(joblib.delayed(double)(x) for x in df["a"])
    """)
    version = stored(tmp_path, notebook("import joblib", cell), X, row_wise=True)
    code = "import sys; from pathlib import Path; from workbench.bundle.load import load; import numpy as np\n"
    code += "print(list(load(Path(sys.argv[1])).predict({'a': np.array([1.0, 2.0])})['prediction']))"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({root!r}); {code}", str(version.folder)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2.0" in done.stdout
    assert "4.0" in done.stdout
