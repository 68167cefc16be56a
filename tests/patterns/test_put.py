"""What people have becomes records of a queue, and the last of them are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stream_parts import queued, rows, stream

from workbench.data import places
from workbench.errors import BadInput, NotFound, UsageError
from workbench.patterns.streaming.put import put, tail


def test_put_takes_what_people_have(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "amount": [0.5, np.nan],
            "city": ["Köln", None],
            "day": pd.to_datetime(["2024-01-01", None]),
            "wait": pd.to_timedelta(["1h", None]),
            "raw": [b"x", None],
            "list": [[1, None], None],
        }
    )
    first = {"n": 1, "amount": 0.5, "city": "Köln", "day": "2024-01-01T00:00:00", "wait": "P0DT1H0M0S", "raw": "eA=="}
    second = dict.fromkeys([*first, "list"]) | {"n": 2}

    def taken(given: Any, **more: Any) -> list[Any]:
        log = places.log("queue:rows")
        before = log.last
        said = put("queue:rows", given, **more)
        found = [json.loads(record.value) for record in log.read(before, 1000)]
        assert (said.rows, said.last) == (len(found), before + len(found))
        log.close()
        return found

    assert taken(frame) == [first | {"list": [1.0, None]}, second]
    (tmp_path / "a.jsonl").write_text('{"n": 1, "deep": {"a": [1, {"b": null}]}}\n')
    assert taken(str(tmp_path / "a.jsonl")) == [{"n": 1, "deep": {"a": [1, {"b": None}]}}]
    (tmp_path / "a.csv").write_text("n,city\n1,Ulm\n")
    assert taken(tmp_path / "a.csv") == [{"n": 1, "city": "Ulm"}]
    assert taken({"n": 1, "city": "Ulm"}) == [{"n": 1, "city": "Ulm"}]
    assert taken({"n": [1, 2], "image": np.zeros((2, 2))}) == [{"n": n, "image": [0, 0]} for n in (1, 2)]
    assert taken(np.array([[1, 2]])) == [[1, 2]]
    assert taken(np.array([1.5])) == [{"x": 1.5}]
    odd = {
        "t": pd.Timestamp("2024-01-01"),
        "f": np.float64("nan"),
        "i": np.int8(1),
        "m": np.datetime64("2024-01-01", "ns"),
    }
    assert taken([odd | {"na": pd.NA, 5: (1,)}]) == [
        {"t": "2024-01-01T00:00:00", "f": None, "i": 1, "m": "2024-01-01T00:00:00.000000000", "na": None, "5": [1]}
    ]
    assert taken([]) == taken(frame[:0]) == []


def test_put_with_keys() -> None:
    put("queue:rows", [{"n": 1, "id": 7}, {"n": 2}, {"n": 3, "id": None}], key="id")
    assert [record.key for record in queued("rows")] == ["7", None, None]
    with pytest.raises(BadInput, match="no column 'ids'") as caught:
        put("queue:rows", pd.DataFrame({"id": [1]}), key="ids")
    assert "did you mean id?" in str(caught.value)
    with pytest.raises(BadInput, match="no column 'id'"):
        put("queue:rows", [[1, 2]], key="id")


def test_put_refuses_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="row 1 cannot be JSON"):
        put("queue:rows", [{"n": 1}, {"n": {1: object()}, "m": float("nan"), "o": 2**70}])
    with pytest.raises(BadInput, match="different numbers of rows"):
        put("queue:rows", {"a": [1, 2], "b": [1]})
    with pytest.raises(NotFound):
        put("queue:rows", str(tmp_path / "none.csv"))
    with pytest.raises(UsageError, match="is no queue"):
        put(str(tmp_path / "a.csv"), [{"n": 1}])
    assert not queued("rows")


def test_tail() -> None:
    with pytest.raises(NotFound, match="queue:rows has no records"):
        tail("queue:rows")
    put("queue:rows", rows(1, 20), key="n")
    found = tail("queue:rows", 3)
    assert [record.offset for record in found] == [17, 18, 19]
    assert "19" in str(found).split("\n")[-1]
    stream("queue:answers")
    (line,) = str(tail("queue:rows.churn.dead")).split("\n")[1:]
    assert 'raise RuntimeError("thirteen") ← {"n":13' in line


def test_whole_numbers_of_any_size(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n": 99999999999999999999, "city": "Köln"}\n')
    put("queue:rows", str(tmp_path / "a.jsonl"))
    assert [record.value.decode() for record in queued("rows")] == ['{"n":99999999999999999999,"city":"Köln"}']


def test_an_error_says_how_many_rows_are_there() -> None:
    many = [{"n": n} for n in range(2500)] + [{"n": float("nan"), "m": 2**70}]
    with pytest.raises(BadInput, match="row 2500 cannot be JSON") as caught:
        put("queue:rows", many)
    assert "the first 2 000 rows are on queue:rows: put the others alone" in str(caught.value)
    assert len(queued("rows")) == 2000
