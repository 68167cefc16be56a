"""What the kernel is asked, and what of its answers is refused before anything is stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import notebook, seen

from workbench.errors import BadInput, CaptureRefused, ModelFailed, NotProven

X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 40)})


def test_a_model_that_agrees_with_itself_only_within_the_tolerance_is_not_bit_stable() -> None:
    cell = "calls = []\ndef predict(df):\n    calls.append(1)\n    return (df['a'] + 1) * (1 + len(calls) % 2 * 1e-15)"
    assert not seen(notebook(cell), X).bit_stable
    assert seen(notebook("def predict(df):\n    return df['a']"), X).bit_stable


def test_a_model_that_answers_differently_each_time_is_not_proven() -> None:
    cell = "calls = []\ndef predict(df):\n    calls.append(1)\n    return df['a'] + len(calls)"
    with pytest.raises(NotProven, match="churn answers differently when it is asked twice"):
        seen(notebook(cell), X)


def test_an_answer_that_cannot_be_kept_is_refused() -> None:
    with pytest.raises(CaptureRefused, match="churn answers what cannot be kept"):
        seen(notebook("def predict(df):\n    return [{1, 2}] * len(df)"), X)


def test_a_model_that_fails_on_its_example_says_so() -> None:
    with pytest.raises(ModelFailed, match="KeyError: 'b'"):
        seen(notebook("def predict(df):\n    return df['b']"), X)
    with pytest.raises(ModelFailed, match="3 values for 40 rows"):
        seen(notebook("def predict(df):\n    return [1, 2, 3]"), X)


def test_an_example_without_rows_is_refused() -> None:
    with pytest.raises(BadInput, match="the example has no rows"):
        seen(notebook("def predict(df):\n    return df['a']"), X[:0])


def test_each_kind_of_example_is_witnessed() -> None:
    x = np.arange(3000.0).reshape(1500, 2)
    saw = seen(notebook("def predict(x):\n    return x[:, 0]"), x)
    assert (saw.rows, len(saw.answer["prediction"])) == (1000, 1000)
    assert len(next(iter(saw.reference.values()))) == 1500
    np.testing.assert_array_equal(saw.answer["prediction"], next(iter(saw.sample.values()))[:, 0])
    columns = {"x": x, "t": ["a", "b"] * 750}
    saw = seen(notebook("def predict(d):\n    return d['x'].sum(axis=1) + [len(t) for t in d['t']]"), columns)
    assert saw.rows == 1000
    assert list(saw.reference) == ["x", "t"]
