"""A bundle that was changed is refused by the name of the file, before anything of it runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import notebook, written

from workbench.bundle.layout import FORMAT, check_files, read_manifest
from workbench.bundle.load import load
from workbench.errors import BundleRefused

CELL = """
def predict(df):
    return df["a"] * weights[0]
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    session = notebook(CELL, weights=np.arange(1, 2000, dtype=float))
    return written(tmp_path_factory.mktemp("original"), session, pd.DataFrame({"a": [1.0, 2.0]}))[0]


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(original, tmp_path / "bundle"))


def test_an_untouched_copy_passes_and_what_python_caches_of_it_does_not_count(bundle: Path) -> None:
    cache = bundle / "code" / "__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_bytes(b"")
    check_files(bundle, read_manifest(bundle))


def files_of(bundle: Path) -> list[str]:
    return sorted(read_manifest(bundle).files)


def test_each_kind_of_file_is_covered(bundle: Path) -> None:
    files = files_of(bundle)
    package = read_manifest(bundle).package
    for path in (
        "MLmodel",
        "model.py",
        "state/weights.npy",
        "reference.parquet",
        "answer.parquet",
        "input_example.json",
        "notebook.py",
        "requirements.txt",
        "python_env.yaml",
        "conda.yaml",
        f"code/{package}/__init__.py",
        f"code/{package}/_wb/inference/package.py",
    ):
        assert path in files


@pytest.mark.parametrize("change", ["flipped", "removed", "emptied"])
def test_a_changed_file_is_refused_by_its_name(bundle: Path, change: str) -> None:
    for path in files_of(bundle):
        file = bundle / path
        content = file.read_bytes()
        if change == "removed" or not content:
            file.unlink()
        else:
            file.write_bytes(b"" if change == "emptied" else content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(BundleRefused, match="is refused") as told:
            load(bundle, name="churn@3")
        assert path in told.value.what
        assert told.value.what.startswith("churn@3")
        file.write_bytes(content)


def test_an_added_file_and_an_added_folder_link_are_refused(bundle: Path) -> None:
    (bundle / "state" / "more.pkl").write_bytes(b"")
    with pytest.raises(BundleRefused, match=r"state/more\.pkl was added"):
        load(bundle)
    (bundle / "state" / "more.pkl").unlink()
    os.symlink("/", bundle / "code" / "elsewhere")
    with pytest.raises(BundleRefused, match="code/elsewhere was added"):
        load(bundle)


def test_a_folder_that_is_no_bundle_a_damaged_and_a_newer_one_are_told_apart(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleRefused, match="empty is no bundle") as told:
        load(tmp_path / "empty")
    assert "%workbench models" in (told.value.fix or "")
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "format": FORMAT + 1}))
    with pytest.raises(BundleRefused, match=f"format {FORMAT + 1}; this Workbench reads up to {FORMAT}"):
        load(bundle)
    for broken in ("{", "[]", json.dumps({"format": 1}), "\x00"):
        (bundle / "manifest.json").write_text(broken)
        with pytest.raises(BundleRefused, match=r"damaged|cannot be read"):
            load(bundle)


def test_a_file_is_checked_again_when_it_is_unpickled(bundle: Path) -> None:
    """Between the check and the loading nobody may slip another pickle in: its hash is checked as it is read."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"]["state/weights.npy"] = "0" * 64
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleRefused, match=r"state/weights\.npy"):
        load(bundle)
