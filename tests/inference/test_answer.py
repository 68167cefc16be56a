"""Whatever a model's function may return becomes named columns, or is refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from workbench.errors import ModelFailed
from workbench.inference.answer import answer_table

ONE = np.array([1.5, 2.5])


class Tensor:
    """What an array library's own type looks like from outside."""

    shape = (2,)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return ONE


@pytest.mark.parametrize(
    ("returned", "names"),
    [
        (ONE, ["prediction"]),
        (pd.Series(ONE, name="risk"), ["prediction"]),
        (pd.Series(ONE, index=["a", "b"]), ["prediction"]),
        ([1.5, 2.5], ["prediction"]),
        ((1.5, 2.5), ["prediction"]),
        (pd.array(ONE), ["prediction"]),
        (pd.Index(ONE), ["prediction"]),
        (Tensor(), ["prediction"]),
        (ONE.reshape(2, 1), ["prediction"]),
        (np.array(ONE, dtype=object), ["prediction"]),
        (np.array([ONE, ONE]).T, ["prediction_0", "prediction_1"]),
        ([[1.5, 1.5], [2.5, 2.5]], ["prediction_0", "prediction_1"]),
        ([ONE[:1], ONE[1:]], ["prediction"]),
        (pd.DataFrame({"risk": ONE, "cost": ONE}), ["risk", "cost"]),
        (pd.DataFrame(np.array([ONE, ONE]).T), ["prediction_0", "prediction_1"]),
        ({"risk": ONE, "cost": [1.5, 2.5]}, ["risk", "cost"]),
        ([{"risk": 1.5, "cost": 1.5}, {"risk": 2.5, "cost": 2.5}], ["risk", "cost"]),
    ],
)
def test_answers_become_named_columns(returned: Any, names: list[str]) -> None:
    table = answer_table(returned, 2)
    assert list(table) == names
    for values in table.values():
        assert np.array_equal(np.asarray(values, float), ONE)
        assert values.dtype != object


def test_labels_keep_what_they_are() -> None:
    assert answer_table(np.array(["no", "yes"]), 2)["prediction"].dtype.kind == "U"
    assert answer_table(np.array(["no", "yes"], object), 2)["prediction"].dtype == object
    assert answer_table(pd.Series(["no", "yes"], dtype="category"), 2)["prediction"].tolist() == ["no", "yes"]
    assert list(answer_table(["no", "yes"], 2)["prediction"]) == ["no", "yes"]


def test_rows_that_the_model_sorted_are_put_back() -> None:
    frame = pd.DataFrame({"score": [3.0, 1.0, 2.0]})
    answered = frame.sort_values("score")
    assert answer_table(answered, 3)["score"].tolist() == [3.0, 1.0, 2.0]
    assert answer_table(answered["score"], 3)["prediction"].tolist() == [3.0, 1.0, 2.0]
    elsewhere = answered.set_axis([7, 8, 9])
    assert answer_table(elsewhere, 3)["score"].tolist() == [1.0, 2.0, 3.0]


def test_arrays_of_more_dimensions_stay_whole() -> None:
    assert answer_table(np.zeros((2, 3, 4)), 2)["prediction"].shape == (2, 3, 4)


@pytest.mark.parametrize("returned", [[], np.array([]), pd.Series(dtype=float), pd.DataFrame({"a": []})])
def test_no_rows(returned: Any) -> None:
    assert [len(values) for values in answer_table(returned, 0).values()] == [0]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (np.zeros(3), "churn answered 3 values for 2 rows"),
        ([1], "churn answered 1 value for 2 rows"),
        (pd.DataFrame({"a": [1]}), "churn answered 1 value for 2 rows"),
        ({"a": [1, 2], "b": [1]}, "churn answered 1 value in 'b' for 2 rows"),
        (None, "churn answered None"),
        ({"a": None}, "churn answered None in 'a'"),
        (0.5, "churn answered one value, 0.5"),
        (np.float64(0.5), "churn answered one value"),
        (np.array(0.5), "churn answered one value"),
        ("yes", "churn answered one value, 'yes'"),
        ((x for x in [1, 2]), "churn answered a generator"),
        ({1, 2}, "churn answered a set"),
        (sparse.csr_matrix([[1], [2]]), "churn answered a scipy.csr_matrix"),
        ([[1], [1, 2]], "lists of different lengths"),
        (pd.DataFrame([[1, 2], [1, 2]], columns=["a", "a"]), "the column 'a' twice"),
        ({}, "churn answered no columns"),
        (pd.DataFrame(index=[0, 1]), "churn answered no columns"),
    ],
)
def test_what_is_no_prediction_is_named(returned: Any, said: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        answer_table(returned, 2, name="churn")
    assert said in caught.value.what
    assert caught.value.fix
