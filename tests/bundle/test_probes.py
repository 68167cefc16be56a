"""Models that are not row-wise are found, however they hide it; those that are, are not accused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.bundle.probes import RowWise, row_wise
from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema

N = 200


def example() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "a": rng.normal(size=N),
            "n": rng.integers(0, 50, N),
            "b": rng.random(N) < 0.5,
            "c": pd.Categorical(rng.choice(["x", "y", "z"], N)),
            "t": rng.choice(["red", "green"], N),
            "d": pd.date_range("2020-01-01", periods=N, freq="h"),
        }
    )


def probed(function: Callable[[Any], Any], data: Any) -> RowWise:
    predictor = Predictor(function, Schema.infer(data), name="m")
    sample = predictor.schema.table(data)
    return row_wise(predictor, sample, predictor.predict(sample))


def counting() -> Callable[[Any], Any]:
    calls = iter(range(10**6))
    return lambda df: df["a"] + (next(calls) > 30)


def strict(df: pd.DataFrame) -> Any:
    if df["a"].isna().any():
        raise ValueError("missing")
    return df["a"] * 2


def strict_in_batches(df: pd.DataFrame) -> Any:
    if len(df) > 1 and df["a"].isna().any():
        raise ValueError("missing")
    return df["a"].fillna(0.0) * 2


ROW_WISE = {
    "arithmetic": lambda df: df["a"] * 2 + df["n"],
    "apply": lambda df: df.apply(lambda row: row["a"] + row["n"], axis=1),
    "refuses missing values": strict,
    "labels": lambda df: np.where(df["n"] > 20, "high", "lo"),
    "categories": lambda df: df["c"].map({"x": 1.0, "y": 2.0, "z": 3.0}).astype(float),
    "unknown text fails": lambda df: [{"red": 1, "green": 2}[t] for t in df["t"]],
    "a frame": lambda df: pd.DataFrame({"p": df["a"], "q": df["t"].str.len().astype(float)}),
}

NOT_ROW_WISE = {
    "subtracts the batch's mean": lambda df: df["a"] - df["a"].mean(),
    "ranks": lambda df: df["a"].rank(),
    "fills missing values with the batch's mean": lambda df: df["a"].fillna(df["a"].mean()),
    "fills forward": lambda df: df["a"].ffill().fillna(0.0),
    "fails on missing values only in a batch": strict_in_batches,
    "looks only at large batches": lambda df: df["a"] + (len(df) > 64),
    "scales by the largest of a batch": lambda df: df["n"] / max(df["n"].max(), 60),
    "codes the categories that it sees": lambda df: df["c"].cat.remove_unused_categories().cat.codes,
    "factorizes text": lambda df: pd.factorize(df["t"])[0],
    "differences of time": lambda df: df["d"].diff().dt.total_seconds().fillna(0.0),
    "numbers the rows": lambda df: np.arange(len(df)),
    "counts its calls": counting(),
    "knows duplicates": lambda df: df.duplicated(),
    "answers another type when a value is missing": lambda df: (
        df["a"].round().astype(int) if df["a"].notna().all() else df["a"].round()
    ),
}


@pytest.mark.parametrize("what", ROW_WISE)
def test_a_row_wise_model_is_known_as_one(what: str) -> None:
    assert probed(ROW_WISE[what], example()) == RowWise(True)


@pytest.mark.parametrize("what", NOT_ROW_WISE)
def test_a_model_that_is_not_row_wise_is_found(what: str) -> None:
    found = probed(NOT_ROW_WISE[what], example())
    assert not found.holds
    assert found.reason


def test_an_example_of_one_row_is_enough_for_most() -> None:
    assert probed(lambda df: df["a"] * 2, example()[:1]).holds
    assert not probed(lambda df: df["a"].fillna(df["a"].mean()), example()[:1]).holds


def test_rows_of_several_texts_are_probed() -> None:
    texts = {"words": np.array([["1", "2"], ["3", None], ["5", "6"]], object)}
    assert probed(lambda d: {"same": d["words"]}, texts) == RowWise(True)
    assert not probed(lambda d: {"first": d["words"][[0] * len(d["words"])]}, texts).holds


def test_arrays_and_wide_tables_take_few_calls() -> None:
    calls: list[int] = []

    def predict(x: np.ndarray) -> np.ndarray:
        calls.append(len(x))
        return x.sum(axis=1)

    assert probed(predict, np.random.default_rng(0).normal(size=(300, 40))).holds
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 400)), columns=[f"c{i}" for i in range(400)])
    calls.clear()
    assert probed(lambda df: predict(df.to_numpy()), wide).holds
    assert calls.count(1) <= 60
    assert not probed(lambda df: df["c399"].fillna(df["c399"].mean()), wide).holds
