"""What differs between two versions: text, requirements, the parameters of estimators, the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models import notebook, stored
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from workbench.bundle import layout
from workbench.bundle.diff import diff
from workbench.bundle.diff_state import facts
from workbench.bundle.version import ModelVersion

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 200), "b": np.linspace(5.0, 9.0, 200)})


def pair(place: Path, first: dict[str, Any], second: dict[str, Any], cells: tuple[str, str]) -> Any:
    """The difference of two cells that have these names beside them."""
    a = stored(place, notebook(cells[0], **first), X)
    b = stored(place, notebook(cells[1], **second), X)
    return diff(a, b, place)


def as_other(version: ModelVersion, **changed: Any) -> ModelVersion:
    layout.write_manifest(version.folder, replace(version.manifest, **changed))
    return ModelVersion(version.name, version.version, version.folder)


def test_an_estimator_says_which_parameters_are_others_and_how_answers_move(tmp_path: Path) -> None:
    fits = [make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(X, X["a"] > 0.5) for c in (1.0, 0.01)]
    cell = "def predict(df):\n    return clf.predict_proba(df)[:, 1]"
    found = pair(tmp_path, {"clf": fits[0]}, {"clf": fits[1]}, (cell, cell))
    assert found.state[0].startswith("clf Pipeline ")
    assert "  logisticregression__C 1.0 → 0.01" in found.state
    (column,) = found.predictions.columns
    assert (column.name, column.rows, column.differ) == ("prediction", 200, 200)
    assert column.largest is not None
    assert 0 < column.largest < 1
    assert set(column.before) == {"mean", "5 %", "median", "95 %"}
    said = str(found)
    assert said.startswith("churn@1 → churn@2\n  source the same\n  modules the same\n")
    assert "prediction: differs in 200 of 200 reference rows, by " in said
    assert "· median 0." in said
    assert json.loads(json.dumps(found.to_json()))["predictions"]["columns"][0]["differ"] == 200


def test_what_was_fitted_anew_says_so(tmp_path: Path) -> None:
    fits = [LogisticRegression().fit(X, X["a"] > cut) for cut in (0.5, 0.6)]
    cell = "def predict(df):\n    return np.where(clf.predict(df), 'high', 'low')"
    found = pair(tmp_path, {"clf": fits[0], "np": np}, {"clf": fits[1], "np": np}, (cell, cell))
    assert "  parameters the same, fitted otherwise" in found.state
    (column,) = found.predictions.columns
    assert column.moves == {"high → low": column.differ}
    assert column.before["high"] - column.after["high"] == column.differ
    assert f"high → low {column.differ}" in str(found)


def test_arrays_frames_and_objects_say_what_is_in_them(tmp_path: Path) -> None:
    cell = "def predict(df):\n    return df['a'] * w[0] + len(table) * old[0] + len(map)"
    other = "def predict(df):\n    return df['a'] * w[0] + len(table) + len(extra) + len(map)"
    w, table = np.arange(1000.0), pd.DataFrame({"x": range(500)})
    first = {"w": w, "table": table, "old": np.zeros(500), "map": dict.fromkeys(range(500), "a" * 20)}
    second = {"w": w + (np.arange(1000) < 3), "table": table.assign(y=1.0), "extra": np.zeros(700)}
    second["map"] = dict.fromkeys(range(500), "b" * 20)
    found = pair(tmp_path, first, second, (cell, other))
    said = "\n".join(found.state)
    assert "w ndarray 8.1 kB, another content\n  3 of 1 000 values differ, by 1 at most" in said
    assert "  columns x → x, y" in said
    assert "  shape (500, 1) → (500, 2)" in said
    assert "- old ndarray" in said
    assert "  and 480 more" in said
    assert len(said.splitlines()) < 40
    assert "+ extra ndarray" in said
    assert "-    return df['a'] * w[0] + len(table) * old[0] + len(map)" in found.source


def test_modules_schema_and_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices_of_diff.py").write_text("def double(x):\n    return x * 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    a = stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X)
    cell = "import prices_of_diff\ndef predict(df):\n    return pd.DataFrame({'p': prices_of_diff.double(df['a']), 'q': 1})"
    b = stored(tmp_path, notebook(cell, pd=pd), X.assign(b=range(200)))
    b = as_other(b, python="3.99.0", packages={**b.manifest.packages, "numpy": "9.9", "left": "1.0"})
    found = diff(a, b, tmp_path)
    assert found.modules == ("+ prices_of_diff.py",)
    assert "+++ churn@2 prices_of_diff.py" in found.source
    assert found.schema == (
        "input b float64 → int64",
        "output + p float64",
        "output - prediction float64",
        "output + q int64",
    )
    assert f"numpy {np.__version__} → 9.9" in found.requirements
    assert "+ left 1.0" in found.requirements
    assert any(line.startswith("Python 3.") and line.endswith("→ 3.99.0") for line in found.requirements)
    assert "not compared: churn@2 was captured with Python 3.99" in found.predictions.said


def test_versions_that_cannot_be_loaded_are_compared_by_what_they_answered(tmp_path: Path) -> None:
    a = stored(tmp_path, notebook("def predict(df):\n    return df['a'] * 2"), X)
    b = stored(tmp_path, notebook("def predict(df):\n    return df['a'] * (2 + (df['a'] > 0.9))"), X)
    a = as_other(a, packages={**a.manifest.packages, "numpy": "1.0"})
    found = diff(a, b, tmp_path)
    assert (
        f"since churn@1 was captured with other packages: numpy 1.0 there, {np.__version__} here"
        in found.predictions.said
    )
    (column,) = found.predictions.columns
    assert column.differ == int((X["a"] > 0.9).sum())
    assert column.at == 199


def test_equal_and_nearly_equal_answers(tmp_path: Path) -> None:
    a = stored(tmp_path, notebook("def predict(df):\n    return df['a'] + df['b'] + 0.1"), X)
    b = stored(tmp_path, notebook("def predict(df):\n    return df['a'] + (df['b'] + 0.1)"), X)
    assert diff(a, b, tmp_path).predictions.said == "equal on 200 reference rows, within the tolerance"
    assert diff(a, a, tmp_path).predictions.said == "equal on 200 reference rows, bit for bit"
    private = stored(tmp_path, notebook("def predict(df):\n    return df['a']"), X, keep_reference=False)
    assert diff(a, private, tmp_path).predictions.columns
    assert "keeps no rows" in diff(private, private, tmp_path).predictions.said


def test_missing_labels_and_nullable_numbers_are_counted(tmp_path: Path) -> None:
    body = "def predict(df):\n    n = pd.array(df['b'].round(), dtype='Int64')\n    n[{}] = pd.NA\n"
    body += "    return pd.DataFrame({{'n': n, 'f': df['a'].where(df['a'] > {}), 'many': df['a'].astype(str) + '{}'}})"
    cells = (body.format(3, 0.1, "x"), body.format(4, 0.2, "y"))
    found = pair(tmp_path, {"pd": pd}, {"pd": pd}, cells)
    columns = {column.name: column for column in found.predictions.columns}
    assert columns["n"].differ == 2
    assert columns["f"].after["missing"] > columns["f"].before["missing"]
    assert columns["f"].differ == 20
    assert (columns["many"].differ, columns["many"].moves) == (200, {})


class Odd:
    """An object whose parameters cannot be asked."""

    def get_params(self) -> dict[str, Any]:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Odd(), {}),
        ({"x": 1, "y": [1, 2], "z": object()}, {"x": "1", "y": "[1, 2]", "z": "object"}),
        ([1, 2, 3], {"length": "3"}),
        (np.zeros((2, 3)), {"shape": "(2, 3)", "dtype": "float64"}),
        (LogisticRegression(C=2.0, class_weight={0: 1}), None),
    ],
)
def test_what_is_said_of_an_object(value: Any, found: dict[str, str] | None) -> None:
    assert found is None or facts(value) == found
    assert found is not None or facts(value)["C"] == "2.0"
