"""The benchmark of servers: each is asked in its own words, its answer is looked at, and the table says what came."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import until

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the command finds beside itself; nobody else sees its names."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("peers", "models", "measure")]:
        del sys.modules[name]


def test_numbers_are_found_in_every_answer() -> None:
    from peers.contenders import numbers

    answers: list[Any] = [
        [0.25, 0.5],
        [{"prediction": 0.25}, {"prediction": 0.5}],
        {"predictions": [0.25, 0.5]},
        {"model_name": "m", "outputs": [{"name": "p", "shape": [2, 1], "data": [0.25, 0.5]}]},
    ]
    assert [numbers(answer) for answer in answers] == [[0.25, 0.5]] * 4


@pytest.mark.parametrize("name", ["linear", "frame"])
def test_rows_as_json_are_what_the_model_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from models import as_json, prepare, table, taken

    monkeypatch.setenv("MODEL", name)
    rows, some = as_json(name, 20, start=5), table(name)[5:25]
    if name == "frame":
        np.testing.assert_array_equal(prepare(taken(rows)), prepare(some))
        assert any(row["amount"] is None for row in rows)
    else:
        np.testing.assert_array_equal(taken(rows), some)


def asked_for_a_while(url: str, body: bytes) -> Any:
    """What came of 0.2 s, once that is enough for some answers."""
    from workbench.operations.load import load, request

    came = load(url, [request(url, body)], connections=2, seconds=0.2)
    return came if len(came.times) > 2 or came.broken else None


def test_a_server_is_timed_from_its_first_right_answer(tmp_path: Path) -> None:
    from models import as_json, fit, save, table
    from peers.contenders import OTHERS, Failed, running

    estimator, rows = fit("linear"), as_json("linear", 2)
    save({"linear": estimator}, tmp_path)
    fastapi = OTHERS[0]
    expected = estimator.predict_proba(table("linear")[:2])[:, 1].tolist()
    asked = fastapi.asked("linear", rows, expected)
    with running(fastapi, "linear", tmp_path, tmp_path, asked) as server:
        came = until(lambda: asked_for_a_while(server.url, asked.body))
        assert not came.broken
        assert server.started > 0
        assert server.pid in server.pids
    wrong = fastapi.asked("linear", rows, [0.0, 0.0])
    with (
        pytest.raises(Failed, match="it answers otherwise than the model"),
        running(fastapi, "linear", tmp_path, tmp_path, wrong),
    ):
        pass


def test_the_table_says_where_the_client_was_the_limit_and_what_broke() -> None:
    from peers.results import Result, shown

    from workbench.operations.load import Load

    fine, limited = Load(1.0, [0.001] * 2000, Counter(), 0.5), Load(1.0, [0.002] * 9, Counter({"503": 3}), 0.95)
    echo = Result("echo", {1: fine, 64: fine}, fine, 20e-6, 10_000_000, 0.1)
    other = Result("other", {1: fine, 64: limited}, limited, 50e-6, 20_000_000, 1.0)
    table = shown("linear", 1, 7e-5, 400.0, (1, 64), [echo, other, "| third | not installed: no such package |"])
    assert "the model's own call 0.07 ms" in table
    assert "| echo | 2 000 | 2 000 | 1.00, 1.00 | 1.00, 1.00 | 1.00, 1.00 | 20 (1.0 ×) | 10 | 0.10 |" in table
    assert "| 9* (3 503) | 1.00, 1.00 | 2.00, 2.00 | 2.00, 2.00 (3 503) | 50 (2.5 ×) | 20 | 1.00 |" in table
    assert table.endswith("| third | not installed: no such package |")
