"""The same rows in every protocol of a service are answered by the same values as those of `api.predict`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from protocol_parts import (
    ARROW,
    NUMBERS,
    ORDERS,
    WAYS,
    Answered,
    ask,
    delimited,
    of_numbers,
    of_orders,
    plain,
    stream,
    undelimited,
    unstreamed,
)
from serving_parts import client

from workbench.api import Workbench


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("orders", of_orders, example=ORDERS)
    workbench.model("numbers", of_numbers, example=NUMBERS)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def orders(api: Workbench) -> Iterator[httpx.Client]:
    with client(api.serve("orders")) as asking:
        yield asking


@pytest.fixture(scope="module")
def numbers(api: Workbench) -> Iterator[httpx.Client]:
    with client(api.serve("numbers")) as asking:
        yield asking


@pytest.fixture(scope="module")
def expected(api: Workbench) -> Answered:
    answered = api.predict("orders", ORDERS)
    return plain(answered.iloc[:, len(ORDERS.columns) :].set_axis(list(of_orders(ORDERS)), axis=1))


def same(found: Answered, expected: Answered) -> None:
    """Equal, but for the last bit of single precision, which JSON writes as a double."""
    assert len(found) == len(expected)
    for row, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert list(one) == list(other)
        for name, value in other.items():
            close = (
                isinstance(value, float)
                and isinstance(one[name], float)
                and math.isclose(one[name], value, rel_tol=1e-7 if name == "single" else 1e-14)
            )
            assert one[name] == value or close, (row, name, one[name], value)


@pytest.mark.parametrize("way", WAYS)
def test_a_frame_is_answered_alike_in_each(way: str, orders: httpx.Client, expected: Answered) -> None:
    same(WAYS[way](orders, "orders", ORDERS), expected)


ARRAY_WAYS = [way for way in WAYS if way not in ("v2", "event, v2")]


@pytest.mark.parametrize("way", ARRAY_WAYS)
def test_an_array_is_answered_alike_in_each(way: str, numbers: httpx.Client, api: Workbench) -> None:
    expected = api.predict("numbers", NUMBERS)["prediction"].tolist()
    found: Any = WAYS[way](numbers, "numbers", pd.DataFrame(NUMBERS, columns=["a", "b", "c"]))
    values = [row["prediction"] if isinstance(row, dict) else row for row in found]
    assert np.allclose(values, expected, rtol=1e-14, atol=0)


def test_csv_is_answered_as_predict_answers_the_same_file(api: Workbench, orders: httpx.Client, tmp_path: Any) -> None:
    """Also what CSV cannot say: empty text, and words that mean a missing value."""
    odd = ORDERS.assign(city=["", "NA", "null", " x ", '"', "007"])
    (tmp_path / "orders.csv").write_bytes(delimited(plain(odd)))
    api.predict("orders", tmp_path / "orders.csv", output=tmp_path / "scored.csv")
    scored = undelimited((tmp_path / "scored.csv").read_bytes())
    own = list(scored[0])[len(ORDERS.columns) :]
    answer = ask(orders, "/predict", (tmp_path / "orders.csv").read_bytes(), "text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [list(row.values()) for row in undelimited(answer.content)] == [
        [row[name] for name in own] for row in scored
    ]


def test_arrow_keeps_the_dtypes_of_the_answer(orders: httpx.Client) -> None:
    content = stream(pa.Table.from_pandas(ORDERS, preserve_index=False))
    found = unstreamed(ask(orders, "/predict", content, ARROW).content)
    assert dict(zip(found.column_names, map(str, found.schema.types), strict=True)) == {
        "units": "int64",
        "maybe": "int64",
        "score": "double",
        "single": "float",
        "city": "large_string",
        "days": "int64",
        "vip": "bool",
        "price": "double",
    }
    assert math.isnan(found["price"][1].as_py()), "not a number stays what it is"
