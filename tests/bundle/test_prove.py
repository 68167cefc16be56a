"""A clean process answers what the kernel answered, or the model is not proven, with the reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models import notebook, seen, stored, written

from workbench.bundle.layout import read_manifest
from workbench.bundle.prove import prove, verify
from workbench.bundle.write import Request
from workbench.errors import BundleRefused, NotProven, UsageError

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 150), "k": np.arange(150)})


def unproven(place: Path, *cells: str, **how: Any) -> NotProven:
    session = notebook(*cells)
    with pytest.raises(NotProven) as told:
        stored(place, session, X, **how)
    assert list((place / "models").iterdir()) == []
    return told.value


def test_a_small_model_is_proven_and_the_card_says_how(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    clf = LogisticRegression().fit(X, X["k"] > 70)
    session = notebook("def predict(df):\n    return clf.predict_proba(df)[:, 1]", clf=clf)
    version = stored(tmp_path, session, X, note="first")
    manifest = version.manifest
    assert manifest.row_wise
    assert manifest.bit_stable
    assert manifest.verdict
    assert manifest.verdict["exact"]
    first, took, *_, after = str(version).splitlines()
    assert first.startswith("churn@1 ✓ a clean process answers what this cell answered (150 rows, bit for bit, ")
    assert first.endswith(" s) · row-wise")
    assert took.startswith("  took  predict (")
    assert "clf LogisticRegression" in took
    assert "scikit-learn" in took
    assert after.startswith("  next  %predict churn FILE")
    expected = clf.predict_proba(X)[:, 1]
    np.testing.assert_allclose(version.predictor().predict(version.predictor().schema.table(X))["prediction"], expected)


def test_nothing_new_is_stored_when_nothing_changed(tmp_path: Path) -> None:
    for _ in range(2):
        version = stored(tmp_path, notebook("w = 2.0\ndef predict(df):\n    return df['a'] * w"), X)
    assert version.ref == "churn@1"
    assert str(version).startswith("churn@1 unchanged")
    other = stored(tmp_path, notebook("w = 3.0\ndef predict(df):\n    return df['a'] * w"), X)
    assert other.ref == "churn@2"
    again = stored(tmp_path, notebook("w = 2.0\ndef predict(df):\n    return df['a'] * w"), X)
    assert again.ref == "churn@1"
    assert again.unchanged


@pytest.mark.parametrize("content", [b"\x93NUMPY", None])
def test_what_was_damaged_since_is_stored_anew(tmp_path: Path, content: bytes | None) -> None:
    cell = "def predict(df):\n    return df['a'] * w[0]"
    damaged = stored(tmp_path, notebook(cell, w=np.array([2.0])), X)
    state = next((damaged.folder / "state").iterdir())
    state.write_bytes(content) if content else state.unlink()
    version = stored(tmp_path, notebook(cell, w=np.array([2.0])), X)
    assert (version.ref, version.unchanged) == ("churn@2", False)
    assert version.predictor().predict(version.reference())["prediction"][1] == 2 * X["a"][1]
    assert stored(tmp_path, notebook(cell, w=np.array([2.0])), X).ref == "churn@2"


def test_an_alias_that_cannot_be_one_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'1' cannot name an alias"):
        stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X, alias="1")
    assert not (tmp_path / "models").exists()


DIES = """
def predict(df):
    if os.getpid() != {here}:
        {how}
    return df["a"]
"""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "the clean process died (SIGSEGV) while churn answered"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the clean process died (SIGKILL) while churn answered"),
        ("os._exit(3)", "the clean process died (exit status 3) while churn answered"),
    ],
)
def test_a_process_that_dies_is_named_with_its_end(tmp_path: Path, how: str, said: str) -> None:
    assert unproven(tmp_path, "import os, signal", DIES.format(here=os.getpid(), how=how)).what == said


def test_a_process_that_hangs_is_named_with_where_it_did(tmp_path: Path) -> None:
    how = "threading.Event().wait()"
    for patience in (1, 10, 50):
        told = unproven(tmp_path, "import os, threading", DIES.format(here=os.getpid(), how=how), timeout=patience)
        if "loaded" not in told.what:  # else its time was up before it was asked
            break
    assert told.what == f"the clean process was ended after {patience}.0 s: churn had not answered its example"
    assert "in predict" in str(told.where)
    assert "--timeout" in str(told.fix)


def test_a_process_that_dies_while_it_loads_is_told_apart(tmp_path: Path) -> None:
    session = ("class Trap:\n    def __setstate__(self, state):\n        os.abort()", "trap = Trap(); trap.x = 1")
    told = unproven(tmp_path, "import os", *session, "def predict(df):\n    return df['a'] * trap.x")
    assert told.what == "the clean process died (SIGABRT) while it loaded churn"


def test_a_variable_that_only_runs_name_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_SCALE", "3")
    told = unproven(
        tmp_path, "import os\ndef predict(df):\n    return df['a'] * float(os.environ['SECRET_' + 'SCALE'])"
    )
    assert "KeyError" in told.what
    assert "SECRET_SCALE" in told.what
    told = unproven(
        tmp_path, "import os\ndef predict(df):\n    return df['a'] * float(os.environ.get('SECRET_' + 'SCALE', 1))"
    )
    assert "answers otherwise" in told.what
    assert "prediction" in told.what


def test_a_model_of_chance_is_refused_in_the_kernel_already() -> None:
    session = notebook("import numpy as np\ndef predict(df):\n    return np.random.random(len(df))")
    with pytest.raises(NotProven, match="churn answers differently when it is asked twice"):
        seen(session, X)


def test_a_model_that_is_not_row_wise_is_proven_and_the_card_says_so(tmp_path: Path) -> None:
    version = stored(tmp_path, notebook("def predict(df):\n    return df['a'] - df['a'].mean()"), X)
    assert not version.manifest.row_wise
    assert " · not row-wise" in str(version)
    assert "one row alone gets another answer" in str(version)
    said = stored(tmp_path, notebook("def predict(df):\n    return df['a'] - df['a'].mean()"), X, row_wise=True)
    assert said.ref == "churn@2"
    assert said.manifest.row_wise
    assert "row-wise (as you say)" in str(said)


def test_rows_that_may_not_be_kept_prove_the_model_and_are_not_kept(tmp_path: Path) -> None:
    private = pd.DataFrame({"name": ["Ada Lovelace", "Grace Hopper"], "x": [1.5, 2.5]})
    session = notebook("def predict(df):\n    return df['name'].str.len() * df['x']")
    version = stored(tmp_path, session, private, keep_reference=False)
    assert version.manifest.verdict
    assert version.manifest.verdict["rows"] == 2
    for file in version.folder.rglob("*"):
        assert not file.is_file() or b"Lovelace" not in file.read_bytes()
    with pytest.raises(NotProven, match="keeps no rows"):
        verify(version, tmp_path)


def test_few_rows_are_said_to_be_few(tmp_path: Path) -> None:
    version = stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X[:7])
    assert "7 rows: too few to judge drift, ranges and forms by" in str(version)


def test_verify_proves_again_and_finds_what_was_changed(tmp_path: Path) -> None:
    version = stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X)
    assert str(verify(version, tmp_path)).startswith(
        "churn@1 ✓ a clean process answers what its cell answered (150 rows"
    )
    (version.folder / "model.py").write_text("def predict(df):\n    return df['a'] * 2\n")
    with pytest.raises(BundleRefused, match=r"churn@1 is refused: its file model\.py was changed"):
        verify(version, tmp_path)


def test_a_bundle_is_not_touched_by_its_proof_but_for_the_verdict(tmp_path: Path) -> None:
    folder, saw = written(tmp_path, notebook("def predict(df):\n    return df['a']"), X, Request("churn"))
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"}
    assert read_manifest(folder).verdict is None
    prove(folder, saw)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"} == before
    assert read_manifest(folder).verdict is not None
