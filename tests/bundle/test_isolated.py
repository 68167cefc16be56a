"""A version in an environment of its requirements alone: it answers there, or what is missing is named."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import notebook, stored

from workbench.bundle import isolated, layout, venvs
from workbench.bundle.version import ModelVersion
from workbench.errors import BundleRefused, NotProven

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 150), "k": np.arange(150)})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose environments several tests use."""
    return tmp_path_factory.mktemp("isolated")


def requiring(version: ModelVersion, *pins: str) -> ModelVersion:
    """The version with other requirements, as if it had been captured so."""
    file = version.folder / layout.REQUIREMENTS
    file.write_text("".join(f"{pin}\n" for pin in pins))
    files = {**version.manifest.files, layout.REQUIREMENTS: hashlib.sha256(file.read_bytes()).hexdigest()}
    layout.write_manifest(version.folder, replace(version.manifest, files=files))
    return ModelVersion(version.name, version.version, version.folder)


def test_it_answers_where_nothing_else_is_installed(tmp_path: Path, place: Path) -> None:
    version = stored(tmp_path, notebook("def predict(df):\n    return df['a'] * 2"), X)
    verdict = isolated.verify(version, place)
    said = str(verdict)
    assert said.startswith(
        "churn@1 ✓ an environment of its requirements alone answers what its cell answered (150 rows, "
    )
    assert f"numpy {np.__version__}" in said
    (made,) = (place / "environments").iterdir()
    assert verdict.environment == str(made)
    python = venvs.python_of(made)
    built = python.stat().st_ino, (made / "pyvenv.cfg").stat().st_mtime_ns
    assert isolated.verify(version, place).rows == 150
    assert (python.stat().st_ino, (made / "pyvenv.cfg").stat().st_mtime_ns) == built


def test_what_the_requirements_do_not_name_is_missed(tmp_path: Path, place: Path) -> None:
    plain = stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X)
    pins = (plain.folder / layout.REQUIREMENTS).read_text().split()
    session = notebook("import IPython\ndef predict(df):\n    return df['a'] * len(IPython.__name__)")
    version = requiring(stored(tmp_path, session, X), *pins)
    with pytest.raises(
        NotProven, match=r"churn@2: an environment of its requirements alone cannot answer: .*IPython"
    ) as told:
        isolated.verify(version, place)
    assert "import what is missing" in str(told.value.fix)


def test_another_answer_there_is_told(tmp_path: Path, place: Path) -> None:
    text = "import importlib.util\ndef predict(df):\n    return df['a'] + (importlib.util.find_spec('IPython') is None)"
    version = stored(tmp_path, notebook(text), X)
    with pytest.raises(NotProven, match=r"answers otherwise than its cell .* 'prediction', row 0: 0\.0 against 1\.0"):
        isolated.verify(version, place)


def test_a_process_that_dies_there_is_named(tmp_path: Path, place: Path) -> None:
    text = "import os, importlib.util\ndef predict(df):\n    if importlib.util.find_spec('IPython') is None:\n        os.abort()\n    return df['a']"
    version = stored(tmp_path, notebook(text), X)
    with pytest.raises(NotProven, match=r"the clean process died \(SIGABRT\) while churn@1 answered"):
        isolated.verify(version, place)


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_a_requirement_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uv: bool) -> None:
    version = requiring(stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X), "not-to-be-had==1.0")
    left = tmp_path / "environments" / ".never-finished"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    for variable in ("UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.setenv(variable, "1")
    if not uv:
        monkeypatch.setattr(venvs, "_uv", lambda: None)
    with pytest.raises(
        NotProven, match=r"the environment that churn@1 requires cannot be made: .*not-to-be-had"
    ) as told:
        isolated.verify(version, tmp_path)
    assert "verify without --isolated" in str(told.value.fix)
    assert list((tmp_path / "environments").iterdir()) == []


def test_a_python_that_is_not_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X)
    manifest = replace(version.manifest, python="3.99.1")
    monkeypatch.setattr(venvs, "_uv", lambda: None)
    with pytest.raises(NotProven, match=r"churn@1 was captured with Python 3\.99, which is not here"):
        venvs.environment(version.folder, manifest, tmp_path, version.ref)


def test_what_was_changed_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    version = stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X)
    (version.folder / layout.REQUIREMENTS).write_text("requests\n")
    with pytest.raises(BundleRefused, match=r"requirements\.txt was changed"):
        isolated.verify(version, tmp_path)
    assert not (tmp_path / "environments").exists()
