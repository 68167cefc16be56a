from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.errors import UsageError
from workbench.faces.reader import read
from workbench.faces.values import value
from workbench.specs.spec import Option
from workbench.specs.verbs import VERBS

OPTIONS = {option.kind: option for spec in VERBS for option in spec.options}
PLACE, FRAME, COLUMN, OBJECT = (OPTIONS[kind] for kind in ("place", "frame", "column", "object"))
X = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})


def of(option: Option, word: str, **names: Any) -> Any:
    (token,) = read(word, names).tokens
    return value(option, token, names)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("option", [PLACE, FRAME, COLUMN])
def test_expressions_are_evaluated(option: Option) -> None:
    assert of(option, "X", X=X) is X
    assert of(option, 'X[["a"]].head(1)', X=X).shape == (1, 1)
    assert list(of(option, "X[X.a > 1].a", X=X)) == [2, 3]
    assert of(option, "[1,0,1]") == [1, 0, 1]


def test_a_word_that_stands_for_itself_is_no_name() -> None:
    on = next(option for spec in VERBS for option in spec.options if option.words)
    assert of(on, "requests", requests=X) == "requests"
    assert of(on, "X", X=X) is X


@pytest.mark.parametrize(
    "word",
    [
        "customers.csv",
        "customers.CSV.gz",
        "data/customers.parquet",
        "data/part-1",
        "s3://lake/*.parquet",
        "postgresql://db/risk?table=scores",
        "queue:clicks",
        "./X",
        "'X'",
        "~/X.feather",
    ],
)
def test_places_stay_text(word: str) -> None:
    customers = pd.DataFrame({"csv": [1]})
    assert of(PLACE, word, customers=customers) == word.strip("'")


def test_a_file_that_is_there_is_a_place(tmp_path: Path) -> None:
    (tmp_path / "rows").touch()
    assert of(PLACE, "rows") == "rows"
    assert of(PLACE, "rows", rows=X) is X


def test_a_target_may_be_a_column() -> None:
    assert of(COLUMN, "late") == "late"
    late = X.a
    assert of(COLUMN, "late", late=late) is late
    assert of(COLUMN, "'late'", late=late) == "late"


def test_objects_may_stand_elsewhere() -> None:
    assert of(OBJECT, "shop.models:predict") == "shop.models:predict"
    assert of(OBJECT, "clf.pkl") == "clf.pkl"
    assert of(OBJECT, "len", len=len) is len


def test_unknown_names_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        of(PLACE, "X_tst", X_test=X)
    assert str(refused.value) == (
        f"X_tst is not defined in this notebook, and there is no file {tmp_path / 'X_tst'}\n→ did you mean X_test?"
    )
    with pytest.raises(UsageError, match=r"^X_tst is not defined in this notebook\n→ did you mean X_test\?"):
        of(FRAME, "X_tst.head()", X_test=X)
    with pytest.raises(UsageError, match=r"^input is not defined in this notebook"):
        of(FRAME, "input")


def test_an_expression_that_raises_is_said() -> None:
    with pytest.raises(UsageError, match=r"^FRAME X\['c'\] raised KeyError: 'c'\n→ try the expression in a cell"):
        of(FRAME, "X['c']", X=X)
