"""The same rows in every protocol of a service are answered by the same values as those of `api.predict`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
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
    same,
    stream,
    undelimited,
    unstreamed,
)
from serving_parts import client
from waiting import until

from workbench.api import Workbench
from workbench.data.columns import MISSING

MIXED = pd.DataFrame(
    {
        "whole": [1, -2, 3],
        "maybe": pd.array([1, None, 3], dtype="Int64"),
        "real": [0.5, np.nan, -1e300],
        "text": ["a", None, "ü"],
        "truth": [True, False, True],
        "when": pd.to_datetime(["2024-01-01", None, "1969-12-31 23:59:59.999999"], format="ISO8601").astype(
            "datetime64[us]"
        ),
    }
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("orders", of_orders, example=ORDERS)
    workbench.model("numbers", of_numbers, example=NUMBERS)
    workbench.model("same", same, example=MIXED)
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


def alike(found: Answered, expected: Answered) -> None:
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
    """Few rows, which are read as lists, and more, which are read as arrays."""
    alike(WAYS[way](orders, "orders", ORDERS), expected)
    if way != "records":
        alike(WAYS[way](orders, "orders", pd.concat([ORDERS] * 20, ignore_index=True)), expected * 20)


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


WHOLE = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6).filter(
    lambda text: text not in MISSING
)
ROWS = st.lists(
    st.tuples(
        WHOLE,
        st.none() | WHOLE,
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | TEXT,
        st.booleans(),
        st.none()
        | st.datetimes(pd.Timestamp("1700-01-01").to_pydatetime(), pd.Timestamp("2200-01-01").to_pydatetime()),
    ),
    min_size=1,
    max_size=5,
)
QUICK = [
    "list",
    "columns",
    "v2",
    "mlflow split",
    "mlflow csv",
    "v1 instances",
    "csv, answered in json",
    "lines",
    "arrow",
    "event",
]


@settings(max_examples=40, deadline=None, phases=[Phase.generate], database=None)
@given(rows=ROWS)
def test_any_rows_come_back_as_they_went(echo: httpx.Client, rows: list[tuple[Any, ...]]) -> None:
    columns = zip(MIXED.items(), zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame({name: pd.array(list(values), dtype=seen.dtype) for (name, seen), values in columns})
    sent = plain(frame)
    for way in QUICK:
        assert list(map(read, WAYS[way](echo, "same", frame))) == list(map(read, sent)), way


def read(row: dict[str, Any]) -> dict[str, Any]:
    """A date by what it says, and a nullable whole number, which V2 has as text."""
    when, maybe = row["when"], row["maybe"]
    return row | {"when": when and pd.Timestamp(when), "maybe": None if maybe is None else int(maybe)}


@pytest.fixture(scope="module")
def echo(api: Workbench) -> Iterator[httpx.Client]:
    with client(api.serve("same")) as asking:
        yield asking


def test_one_tensor_of_any_name_is_the_array(numbers: httpx.Client, api: Workbench) -> None:
    expected = api.predict("numbers", NUMBERS)["prediction"].tolist()
    for path in ("/invocations", "/v1/models/numbers:predict"):
        said = {"inputs": {"dense_1": NUMBERS.tolist()}}
        assert ask(numbers, path, said).json() == {"predictions": expected}


@pytest.mark.parametrize("rows", [[{}, None], [{"a": 1}, [1, 2, 3]], [[1, 2, 3], {}], [None, {}], [5, "x"]])
def test_rows_of_several_kinds_are_refused(rows: list[Any], numbers: httpx.Client) -> None:
    for path, said in (
        ("/predict", rows),
        ("/invocations", {"inputs": rows}),
        ("/v1/models/numbers:predict", {"instances": rows}),
    ):
        assert numbers.post(path, json=said).status_code == 400, (path, said)


def test_what_is_answered_later_has_the_format_of_its_rows(orders: httpx.Client) -> None:
    at_once = ask(orders, "/predict", delimited(plain(ORDERS)), "text/csv")
    kept = orders.post(
        "/predict", content=delimited(plain(ORDERS)), headers={"content-type": "text/csv", "prefer": "respond-async"}
    )
    assert kept.status_code == 202
    later = until(lambda: (found := orders.get(kept.json()["result"])).status_code == 200 and found)
    assert (later.content, later.headers["content-type"]) == (at_once.content, at_once.headers["content-type"])


def test_who_asks_in_other_formats_at_once_gets_their_own_rows(orders: httpx.Client) -> None:
    """Requests share the model's calls whatever they came in."""
    shifted = [ORDERS.iloc[[place, (place + 1) % len(ORDERS)]].reset_index(drop=True) for place in range(len(ORDERS))]
    asked = [(way, frame) for way in QUICK for frame in shifted]

    def answered(way: str, frame: pd.DataFrame) -> Answered:
        return WAYS[way](orders, "orders", frame)

    alone = {place: answered("list", frame) for place, frame in enumerate(shifted)}
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda one: answered(*one), asked))
    for place, rows in enumerate(found):
        alike(rows, alone[place % len(shifted)])
