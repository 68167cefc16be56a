"""Names of predictions beside names of the input, where a later piece brings more of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from workbench.data.pieces import PIECE_ROWS
from workbench.errors import BadInput
from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.patterns.offline import predict

DOUBLED = Predictor(lambda frame: frame.a * 2, Schema.infer(pd.DataFrame({"a": [1, 2]})), name="churn", row_wise=True)


def given(place: Path, first: str, late: str) -> Path:
    """A file whose second piece has a key more, in its third row."""
    place.write_text(first + '{"a": 1}\n' * (PIECE_ROWS + 1) + late + '{"a": 2}\n')
    return place


@pytest.mark.parametrize(
    ("first", "late", "twice"),
    [
        ('{"a": 3}\n', '{"a": 4, "prediction": null}\n', "prediction"),
        ('{"a": 3, "prediction": 1}\n', '{"a": 4, "prediction_churn": 5}\n', "prediction_churn"),
    ],
)
def test_no_line_holds_a_key_twice(tmp_path: Path, first: str, late: str, twice: str) -> None:
    source, target = given(tmp_path / "in.jsonl", first, late), tmp_path / "out.jsonl"
    with pytest.raises(BadInput) as caught:
        predict(DOUBLED, source, target)
    row = PIECE_ROWS + 2
    assert (caught.value.column, caught.value.row) == (twice, row)
    assert caught.value.where == f"{source}, row {row}"
    assert f"rename {twice!r}" in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["in.jsonl"]


def test_other_stores_know_all_names_beforehand(tmp_path: Path) -> None:
    source = given(tmp_path / "in.jsonl", '{"a": 3}\n', '{"a": 4, "prediction": 7}\n')
    predict(DOUBLED, source, tmp_path / "out.parquet")
    scored = pd.read_parquet(tmp_path / "out.parquet")
    assert list(scored.columns) == ["a", "prediction", "prediction_churn"]
    assert list(scored.prediction_churn) == list(scored.a * 2)
