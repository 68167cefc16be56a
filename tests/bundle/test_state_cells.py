"""Cells around state and modules, on a row that the example has no like of: as in the notebook, or refused by name."""

from __future__ import annotations

import decimal
import html.entities
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models import notebook, stored
from state_cells import EXACT, REFUSED, SHELF

from workbench.errors import WorkbenchError

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 12)})
RARE: Any = pd.DataFrame({"a": [9.0]})
PREDICT = """def predict(df):
    if (df['a'] > 5).any():
        return df['a'] + {}
    return df['a'] + TOUCHED
TOUCHED = 0"""


@pytest.fixture(autouse=True)
def as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module beside the notebook; and what cells change in this process is put back."""
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "wbt_shelf.py").write_text(SHELF)
    monkeypatch.chdir(beside)
    monkeypatch.syspath_prepend(beside)
    errors, call = np.geterr(), np.geterrcall()
    with warnings.catch_warnings(), decimal.localcontext():
        yield
    np.seterrcall(call)
    np.seterr(**errors)
    sys.modules.pop("wbt_shelf", None)
    html.entities.html5.pop("wbt;", None)


@pytest.mark.parametrize("case", EXACT)
def test_it_is_as_in_the_notebook(tmp_path: Path, case: str) -> None:
    cell, read = EXACT[case]
    session = notebook(cell, PREDICT.format(read))
    predictor = stored(tmp_path, session, X).predictor()
    answered = float(predictor.predict(predictor.schema.table(RARE))["prediction"][0])
    assert answered == float(session.namespace["predict"](RARE).iloc[0])


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_name(tmp_path: Path, case: str) -> None:
    cell, read, name = REFUSED[case]
    with pytest.raises(WorkbenchError) as found:
        stored(tmp_path, notebook(cell, PREDICT.format(read)), X)
    assert name in found.value.what
    assert found.value.fix
