"""The one inference path: what models are given, what comes back, and whose fault a failure is."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput, ModelFailed
from workbench.inference.predictor import Predictor, entry_function
from workbench.inference.schema import Schema

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["u", "v"])})
SCHEMA = Schema.infer(FRAME)


def total(frame: pd.DataFrame) -> pd.Series:
    return frame["a"] + frame["b"].cat.codes


async def later(frame: pd.DataFrame) -> pd.Series:
    await asyncio.sleep(0)
    return total(frame)


class Later:
    async def __call__(self, frame: pd.DataFrame) -> pd.Series:
        return await later(frame)


def helper(frame: pd.DataFrame) -> Any:
    return frame["nothing"]


def broken(frame: pd.DataFrame) -> Any:
    return helper(frame)


@pytest.mark.parametrize("function", [total, later, Later(), lambda f: total(f)])
@pytest.mark.parametrize("data", [FRAME, SCHEMA.table(FRAME), [{"a": 1, "b": "u"}, {"a": "2", "b": "v"}]])
def test_predicts(function: Any, data: Any) -> None:
    assert Predictor(function, SCHEMA).predict(data)["prediction"].tolist() == [1.0, 3.0]


def test_an_async_model_inside_a_running_loop() -> None:
    async def cell() -> Any:
        return Predictor(later, SCHEMA).predict(FRAME)["prediction"].tolist()

    assert asyncio.run(cell()) == [1.0, 3.0]


def test_the_caller_keeps_its_data_whatever_the_model_does() -> None:
    def greedy(given: Any) -> Any:
        given["a" if isinstance(given, pd.DataFrame) else ...] = 0
        return np.zeros(len(given))

    table = SCHEMA.table(FRAME)
    Predictor(greedy, SCHEMA).predict(table)
    assert table["a"].tolist() == [1.0, 2.0]
    array = np.ones((2, 3))
    Predictor(greedy, Schema.infer(array)).predict(array)
    Predictor(greedy, Schema.infer(array)).predict({"x": array})
    assert array.sum() == 6


def test_a_failure_names_the_users_own_line() -> None:
    with pytest.raises(ModelFailed) as caught:
        Predictor(broken, SCHEMA, name="churn").predict(FRAME)
    assert caught.value.what == "churn failed: KeyError: 'nothing'"
    assert caught.value.where is not None
    assert caught.value.where.endswith('in helper: return frame["nothing"]')
    assert caught.value.where.startswith("test_predictor.py, line ")
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_model_that_leaves_the_process_only_fails() -> None:
    with pytest.raises(ModelFailed, match="churn failed: SystemExit: 3"):
        Predictor(lambda frame: exit(3), SCHEMA, name="churn").predict(FRAME)


def test_bad_input_is_not_the_models_fault() -> None:
    with pytest.raises(BadInput, match="column 'a', row 1"):
        Predictor(broken, SCHEMA).predict({"a": [1, "x"], "b": ["u", "v"]})


def test_a_wrong_answer_is_named() -> None:
    with pytest.raises(ModelFailed, match="churn answered 3 values for 2 rows"):
        Predictor(lambda frame: [1, 2, 3], SCHEMA, name="churn").predict(FRAME)


class Model:
    factor = 0

    def load(self) -> None:
        self.factor = 2

    def predict(self, frame: pd.DataFrame) -> Any:
        return frame["a"] * self.factor


class Unloadable(Model):
    def load(self) -> None:
        raise OSError("no weights")


def test_entries() -> None:
    assert entry_function(total, "function") is total
    assert entry_function(Model(), "estimator")(FRAME).tolist() == [0, 0]
    assert entry_function(Model, "class")(FRAME).tolist() == [2, 4]
    with pytest.raises(ModelFailed, match="Unloadable failed: OSError: no weights"):
        entry_function(Unloadable, "class")
    with pytest.raises(ModelFailed, match="int is no model"):
        entry_function(3, "estimator")
