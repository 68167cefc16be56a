"""A model that ends its process at some rows: they are refused, the others are answered as by any predictor."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from models import notebook, stored

from workbench.bundle.apart import Apart
from workbench.bundle.version import ModelVersion
from workbench.errors import BadInput, BundleRefused, ModelFailed

EXAMPLE = pd.DataFrame({"a": [1, 2, 3], "city": ["Köln", None, "Ulm"]})
DEADLY = """
import os, signal
def predict(df):
    for number in df.a:
        if 100 < number < 200:
            os.kill(os.getpid(), number - 100)
        if number > 200:
            os._exit(number - 201)
        if number == 0:
            raise ValueError("zero")
    return df.a / 7 + df.city.isna()
"""


@pytest.fixture
def version(tmp_path: Path) -> ModelVersion:
    return stored(tmp_path, notebook(DEADLY), EXAMPLE)


@pytest.fixture
def apart(version: ModelVersion, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Apart]:
    """Its host can be forked, as one of a worker can."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    predictor = Apart(version, home)
    yield predictor
    predictor.close()
    assert not psutil.pid_exists(predictor._pid)


def row(number: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [number], "city": ["Ulm"]})


def test_it_answers_as_any_predictor(version: ModelVersion, apart: Apart, home: Path) -> None:
    (name, found), *others = apart.predict(EXAMPLE).items()
    assert not others
    np.testing.assert_array_equal(found, version.predictor(home).predict(EXAMPLE)[name])
    assert (apart.name, apart.row_wise) == (version.ref, version.manifest.row_wise)
    with pytest.raises(BadInput, match="column 'a' is not there"):
        apart.predict(EXAMPLE[["city"]])
    with pytest.raises(ModelFailed, match="ValueError: zero"):
        apart.predict(row(0))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (100 + signal.SIGSEGV, r"Segmentation fault \(signal 11\)"),
        (100 + signal.SIGKILL, r"Killed \(signal 9\)"),
        (201, "exit code 0"),
        (204, "exit code 3"),
    ],
)
def test_rows_that_end_the_process_are_refused(number: int, words: str, apart: Apart) -> None:
    for _ in range(2):
        with pytest.raises(ModelFailed, match=f"churn@1 ended its process: {words}"):
            apart.predict(row(number))
        assert apart.predict(row(7))["prediction"].tolist() == [1.0]


def test_a_host_that_has_threads_answers_itself(
    version: ModelVersion, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    apart = Apart(version, home)
    assert apart.predict(row(7))["prediction"].tolist() == [1.0]
    with pytest.raises(ModelFailed, match="Segmentation fault"):
        apart.predict(row(100 + signal.SIGSEGV))
    assert apart.predict(row(7))["prediction"].tolist() == [1.0]
    apart.close()


def test_rows_are_not_to_blame_for_who_kills_it(apart: Apart) -> None:
    apart.predict(EXAMPLE)
    psutil.Process(apart._pid).children()[0].kill()
    assert apart.predict(row(14))["prediction"].tolist() == [2.0]
    psutil.Process(apart._pid).kill()
    assert apart.predict(row(14))["prediction"].tolist() == [2.0]


def test_what_cannot_be_loaded_blames_no_row(tmp_path: Path, home: Path) -> None:
    gate = tmp_path / "gate"
    cell = f"""
import os
class predict:
    def load(self):
        os.path.exists({str(gate)!r}) and os._exit(5)
    def predict(self, df):
        return df.a
"""
    version = stored(tmp_path, notebook(cell), EXAMPLE)
    gate.touch()
    with pytest.raises(BundleRefused, match="churn@1 cannot be loaded: its process ended, exit code 5"):
        Apart(version, home)
    (version.folder / "MLmodel").write_text("changed")
    with pytest.raises(BundleRefused, match="changed"):
        Apart(version, home)
