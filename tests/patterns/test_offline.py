"""Offline prediction: every kind of store in and out, the same predictions, and whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput, ModelFailed, UsageError
from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.patterns.offline import Scored, predict

EXAMPLE = pd.DataFrame(
    {
        "age": [31, 42, 53],
        "amount": [1.5, None, 2.25],
        "city": ["Köln", None, 'the "old", town'],
        "day": pd.to_datetime(["2024-01-01", "2024-02-29", "2024-03-01"]),
        "vip": [True, False, True],
    }
)


def score(frame: pd.DataFrame) -> pd.Series:
    assert dict(frame.dtypes) == dict(EXAMPLE.dtypes)
    return frame.age * frame.amount.fillna(0) + frame.city.isna() * 1000 + frame.vip + frame.day.dt.month / 8


def model(function: Any = score, example: Any = EXAMPLE, *, row_wise: bool = True) -> Predictor:
    return Predictor(function, Schema.infer(example), name="churn", row_wise=row_wise)


def customers(rows: int = 3) -> pd.DataFrame:
    """The example's columns in another order, and two that the model does not take."""
    frame = EXAMPLE.iloc[np.arange(rows) % 3].reset_index(drop=True)[["day", "vip", "city", "amount", "age"]]
    return frame.assign(zip=["007", "10115", "1e5"] * (rows // 3), id=range(rows))


@pytest.fixture(scope="module")
def expected() -> list[float]:
    return list(score(EXAMPLE))


def store(frame: pd.DataFrame, place: str) -> str:
    from workbench.data import frames, places

    sink = places.sink(place)
    for table, _ in frames.tables(frame):
        sink.write(table)
    return sink.close()


STORES = ["in.csv", "in.tsv", "in.csv.gz", "in.parquet", "in.jsonl", "in.jsonl.gz", "in.feather", "in.xlsx"]


@pytest.mark.parametrize("source", [*STORES, "sql"])
@pytest.mark.parametrize("target", ["out.csv", "out.parquet", "out.jsonl", "out.feather", "out.xlsx", "sql", None])
def test_any_store_in_any_store_out(tmp_path: Path, source: str, target: str | None, expected: list[float]) -> None:
    places = {name: f"{tmp_path}/{name}" for name in (source, target) if name}
    places |= {"sql": f"sqlite:///{tmp_path}/{source}.db?table=scores"} if target == "sql" else {}
    given = store(customers(), f"sqlite:///{tmp_path}/in.db?table=customers" if source == "sql" else places[source])
    scored = predict(model(), given, places[target] if target else None)
    if isinstance(scored, Scored):
        assert (scored.rows, scored.place) == (3, places[str(target)])
        scored = predict(model(), scored.place)
        assert isinstance(scored, pd.DataFrame)
        assert list(scored.pop("prediction_churn")) == expected
    assert list(scored.columns) == [*customers().columns, "prediction"]
    assert list(scored.prediction) == expected
    assert list(scored.zip) == ["007", "10115", "1e5"]
    assert list(scored.id) == [0, 1, 2]


def test_a_frame_keeps_its_index(expected: list[float]) -> None:
    frame = customers().set_index(pd.Index(["a", "b", "c"], name="key"))
    scored = predict(model(), frame)
    assert isinstance(scored, pd.DataFrame)
    pd.testing.assert_frame_equal(scored, frame.assign(prediction=expected))
    assert "prediction" not in frame


def test_a_large_frame_goes_in_parts_and_one_that_is_not_row_wise_at_once() -> None:
    sizes: list[int] = []

    def count(frame: pd.DataFrame) -> list[int]:
        sizes.append(len(frame))
        return [1] * len(frame)

    frame = customers(300_000)
    scored = predict(model(count), frame)
    assert isinstance(scored, pd.DataFrame)
    assert len(sizes) > 1
    assert sum(sizes) == len(scored) == 300_000
    sizes.clear()
    predict(model(count, row_wise=False), frame)
    assert sizes == [300_000]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_store_for_a_model_that_is_not_row_wise_goes_in_one_call(tmp_path: Path, ending: str) -> None:
    given = store(customers(150_000), f"{tmp_path}/in.{ending}")
    centred = model(lambda frame: frame.age - frame.age.mean(), row_wise=False)
    scored = predict(centred, given, f"{tmp_path}/out.{ending}")
    assert "not row-wise: all 150 000 rows were scored in one call" in str(scored)
    answered = predict(model(), f"{tmp_path}/out.{ending}")
    assert isinstance(answered, pd.DataFrame)
    assert set(answered.prediction) == {-11.0, 0.0, 11.0}


def test_arrays_dicts_and_what_is_none() -> None:
    rows = np.arange(6.0).reshape(3, 2)
    array = model(lambda x: x.sum(axis=1), rows)
    scored = predict(array, rows)
    assert isinstance(scored, pd.DataFrame)
    assert list(scored.prediction) == [1, 5, 9]
    both = model(lambda d: d["a"] + d["b"], {"a": rows[:, 0], "b": rows[:, 1]})
    answered = predict(both, {"a": [1.0], "b": [2.0]})
    assert isinstance(answered, pd.DataFrame)
    assert answered.to_dict("list") == {"a": [1.0], "b": [2.0], "prediction": [3.0]}
    with pytest.raises(UsageError, match=r"to_frame"):
        predict(model(), EXAMPLE.age)
    with pytest.raises(UsageError, match="a int is nothing to predict from"):
        predict(model(), 7)


def test_answers_of_many_kinds(tmp_path: Path) -> None:
    def answer(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {"label": ["yes", None, "no"], "p": [0.5, np.nan, 1.0], "n": pd.array([1, None, 3], "Int64")}
        )

    store(EXAMPLE, f"{tmp_path}/in.jsonl")
    predict(model(answer), f"{tmp_path}/in.jsonl", f"{tmp_path}/out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(line["label"], line["p"], line["n"]) for line in lines] == [
        ("yes", 0.5, 1),
        (None, None, None),
        ("no", 1.0, 3),
    ]
    predict(model(answer), f"{tmp_path}/in.jsonl", f"{tmp_path}/out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[2].endswith(",,,")


def test_text_goes_through_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,amount,note\n007,1.50,NA\n8, 2 ,\n")
    priced = model(lambda frame: frame.amount * 2, EXAMPLE[["amount"]])
    predict(priced, tmp_path / "in.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "id,amount,note,prediction\n007,1.50,NA,3.0\n8, 2 ,,4.0\n"


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "feather"])
def test_a_bad_value_in_the_middle_is_named_and_nothing_is_left(tmp_path: Path, ending: str) -> None:
    frame = customers(150_000).astype({"age": object})
    frame.loc[122_222, "age"] = "abc"
    given = store(frame, f"{tmp_path}/in.{ending}")
    with pytest.raises(BadInput, match=r"column 'age', row 122222: 'abc'") as refused:
        predict(model(), given, f"{tmp_path}/out.{ending}")
    assert f"at {given}" in str(refused.value)
    assert (refused.value.column, refused.value.row) == ("age", 122_222)
    assert [file.name for file in tmp_path.iterdir()] == [f"in.{ending}"]


def test_a_column_that_is_missing_is_named_with_the_file(tmp_path: Path) -> None:
    given = store(customers().rename(columns={"age": "Age"}), f"{tmp_path}/in.csv")
    with pytest.raises(BadInput, match="age") as refused:
        predict(model(), given)
    assert given in str(refused.value)


def test_a_model_that_fails_leaves_the_old_output(tmp_path: Path) -> None:
    given = store(customers(), f"{tmp_path}/in.csv")
    (tmp_path / "out.csv").write_text("what was there")

    def broken(frame: pd.DataFrame) -> None:
        raise ZeroDivisionError("no")

    with pytest.raises(ModelFailed, match="ZeroDivisionError"):
        predict(model(broken), given, f"{tmp_path}/out.csv")
    assert (tmp_path / "out.csv").read_text() == "what was there"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_model_that_changes_its_mind_about_its_dtype(tmp_path: Path) -> None:
    given = store(customers(150_000), f"{tmp_path}/in.parquet")
    kinds = iter([1, 1.5, "x"])
    with pytest.raises(ModelFailed, match="answers double in 'prediction', and answered int64"):
        predict(model(lambda frame, kinds=kinds: [next(kinds)] * len(frame)), given, f"{tmp_path}/out.parquet")


def test_the_output_is_never_the_input(tmp_path: Path) -> None:
    given = store(customers(), f"{tmp_path}/in.csv")
    with pytest.raises(UsageError, match="the output is the input"):
        predict(model(), given, f"{tmp_path}/./in.csv")


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx", "feather"])
def test_no_rows_are_no_predictions(tmp_path: Path, ending: str) -> None:
    given = store(customers().iloc[:0], f"{tmp_path}/in.{ending}")
    outputs = Schema.infer(pd.DataFrame({"label": ["a"], "p": [0.5]}))
    scored = predict(model(), given, f"{tmp_path}/out.csv", outputs=outputs)
    assert "0 rows" in str(scored)
    assert (tmp_path / "out.csv").read_text().strip() == "day,vip,city,amount,age,zip,id,label,p"
    frame = predict(model(), customers().iloc[:0])
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == [*customers().columns, "prediction"]


def test_the_same_bytes_again(tmp_path: Path) -> None:
    given = store(customers(150_000), f"{tmp_path}/in.csv")
    for ending in ("csv", "csv.gz", "parquet", "feather"):
        for name in ("a", "b"):
            predict(model(), given, f"{tmp_path}/{name}.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


_PEAK = """
import resource, sys
import numpy as np, pandas as pd
from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.patterns.offline import predict
example = pd.DataFrame({f"f{i}": [0.5, 1.5] for i in range(6)})
predictor = Predictor(lambda frame: frame.to_numpy() @ np.arange(6.0), Schema.infer(example), name="m", row_wise=True)
rows = predict(predictor, sys.argv[1], sys.argv[2]).rows
try:  # getrusage counts what the parent held before exec as well
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
except FileNotFoundError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(rows, peak // 1024)
"""


@pytest.mark.parametrize(("ending", "rows"), [("csv", 1_000_000), ("parquet", 600_000), ("jsonl", 100_000)])
def test_memory_does_not_grow_with_the_input(tmp_path: Path, ending: str, rows: int) -> None:
    """Three times the rows need what a third of them did, when buffers are full."""

    def peak(rows: int) -> int:
        command = [sys.executable, "-c", _PEAK, _many(tmp_path, ending, rows), f"{tmp_path}/out.parquet"]
        done, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert int(done) == rows
        return int(megabytes)

    assert peak(3 * rows) < peak(rows) + 80


def _many(folder: Path, ending: str, rows: int) -> str:
    block = pd.DataFrame({f"f{i}": np.random.default_rng(i).normal(size=10_000).round(6) for i in range(6)})
    place, times = f"{folder}/in{rows}.{ending}", rows // 10_000
    if ending == "parquet":
        pd.concat([block] * times).to_parquet(place, index=False, row_group_size=200_000)
        return place
    csv = block.to_csv(index=False)
    head, body = ("", block.to_json(orient="records", lines=True)) if ending == "jsonl" else csv.split("\n", 1)
    with open(place, "w") as file:
        file.write(f"{head}\n")
        for _ in range(times):
            file.write(body)
    return place
