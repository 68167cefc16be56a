"""What stands in a bundle; a full disk leaves nothing and is said in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from disks import disk_of
from models import notebook, stored, written

from workbench.bundle.layout import read_manifest
from workbench.bundle.registry import Registry
from workbench.bundle.tables import read_table
from workbench.bundle.write import Request
from workbench.errors import CaptureRefused, StorageError

X = pd.DataFrame({"a": [1.0, 2.0, np.nan], "t": ["x", None, "z"], "n": pd.array([1, None, 3], dtype="Int64")})
CELL = "def predict(df):\n    return df['a'].fillna(0.0) * 2"


def test_the_manifest_says_where_a_bundle_comes_from(tmp_path: Path) -> None:
    folder, saw = written(tmp_path, notebook(CELL), X, Request("churn", note="a note", target="y", cell="In[7]"))
    manifest = read_manifest(folder)
    assert manifest.origin["note"] == "a note"
    assert manifest.origin["target"] == "y"
    assert manifest.origin["cell"] == "In[7]"
    assert manifest.origin["created"].endswith("+00:00")
    assert {"numpy", "pandas", "pyarrow"} <= set(manifest.packages)
    assert manifest.entry == "predict"
    assert manifest.entry_kind == "function"
    assert saw.rows == 3


def test_the_reference_comes_back_as_the_model_saw_it(tmp_path: Path) -> None:
    version = stored(tmp_path, notebook(CELL), X)
    table = version.reference()
    assert [str(v.dtype) for v in table.values()] == [str(X[c].dtype) for c in X]
    pd.testing.assert_frame_equal(pd.DataFrame(table), X)
    answer = read_table(version.folder / "answer.parquet", version.manifest.outputs)
    assert answer["prediction"].tolist() == [2.0, 4.0, 0.0]


def test_a_large_example_is_sampled_at_random_and_always_alike(tmp_path: Path) -> None:
    large = pd.DataFrame({"a": np.arange(30_000, dtype=float)})
    version = stored(tmp_path, notebook("def predict(df):\n    return df['a'] * 2"), large)
    kept = version.reference()["a"]
    assert len(kept) == 10_000
    assert len(set(kept)) == 10_000
    assert 10_000 < np.median(kept[:1000]) < 20_000
    assert version.manifest.verdict
    assert version.manifest.verdict["rows"] == 1000
    assert stored(tmp_path, notebook("def predict(df):\n    return df['a'] * 2"), large).unchanged


def test_a_model_that_reads_the_index_is_refused_with_the_way_out(tmp_path: Path) -> None:
    indexed = X.set_index(pd.Index([10, 20, 30]))
    with pytest.raises(CaptureRefused, match="reads the index") as told:
        written(tmp_path, notebook("def predict(df):\n    return df.index.to_numpy() * 2.0"), indexed)
    assert "reset_index()" in (told.value.fix or "")


def test_a_model_that_changes_its_frame_changes_neither_example_nor_reference(tmp_path: Path) -> None:
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    cell = "def predict(df):\n    df['a'] *= 2\n    df['b'] = 1\n    return df['a'] + df['b']"
    version = stored(tmp_path, notebook(cell), data)
    assert data.equals(pd.DataFrame({"a": [1.0, 2.0, 3.0]}))
    assert version.reference()["a"].tolist() == [1.0, 2.0, 3.0]
    cell = "def predict(x):\n    x *= 2\n    return x[:, 0]"
    version = stored(tmp_path, notebook(cell), np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert next(iter(version.reference().values())).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_state_is_moved_not_copied(tmp_path: Path) -> None:
    session = notebook("def predict(df):\n    return df['a'] * w[0]", w=np.arange(10.0))
    folder, _ = written(tmp_path, session, X)
    assert (folder / "state" / "w.npy").exists()
    assert not list((tmp_path / "taken").iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk_of("1m", tmp_path / "small") as folder:
        yield folder


def test_a_full_disk_is_said_and_leaves_what_was_there(small_disk: Path) -> None:
    kept = stored(small_disk, notebook(CELL), X)
    large = notebook("def predict(df):\n    return df['a'] * w[0]", w=np.random.default_rng(0).random(500_000))
    with pytest.raises(StorageError, match="is full") as told:
        stored(small_disk, large, X)
    assert "free some space" in (told.value.fix or "")
    assert os.listdir(small_disk / "models") == ["churn"]
    assert [v.ref for v in Registry(small_disk / "models").versions("churn")] == [kept.ref]
    assert kept.predictor().predict(kept.reference())["prediction"].tolist() == [2.0, 4.0, 0.0]


def test_a_disk_that_fills_while_the_rows_are_written_leaves_nothing(small_disk: Path) -> None:
    noise = pd.DataFrame({"a": np.random.default_rng(0).random(10_000), "b": np.random.default_rng(1).random(10_000)})
    wide = pd.concat([noise.add_prefix(f"c{i}") for i in range(10)], axis=1)
    with pytest.raises(StorageError, match="is full"):
        stored(small_disk, notebook("def predict(df):\n    return df['c0a'] * 2"), wide)
    assert not (small_disk / "models").exists() or os.listdir(small_disk / "models") == []
