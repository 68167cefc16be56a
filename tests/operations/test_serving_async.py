"""Models that await, and models that yield: in every pattern what the kernel answered; served without one waiting for
another, and in events as they come."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from async_models import Awaiting, Gated, double, each_row, in_pieces, one_by_one
from serving_parts import FAILS, client, headers
from waiting import until

from workbench.api import Workbench

AGES = pd.DataFrame({"age": [1.0, 2.0, 3.0]})


def told(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """The events of a stream of lines."""
    kind = "message"
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
            kind = "message"


@pytest.mark.parametrize("model", [Awaiting, each_row, in_pieces, one_by_one])
def test_every_pattern_answers_what_the_kernel_answers(api: Workbench, model: Any, tmp_path: Path) -> None:
    api.model("ages", model, example=AGES)
    offline = api.predict("ages", AGES)
    expected = [2.0, 4.0, 6.0]
    assert offline.iloc[:, 1].tolist() == expected
    AGES.to_csv(tmp_path / "ages.csv", index=False)
    api.batch("ages", str(tmp_path / "ages.csv"), output=str(tmp_path / "scored.csv"), wait=True)
    assert pd.read_csv(tmp_path / "scored.csv").iloc[:, 1].tolist() == expected
    service = api.serve("ages")
    with client(service) as asking:
        answer = asking.post("/predict", json=AGES.to_dict("records")).json()
    assert [next(iter(row.values())) for row in answer] == expected


def test_async_requests_do_not_wait_for_each_other(api: Workbench) -> None:
    api.model("ages", Awaiting, example=AGES)
    service = api.serve("ages", timeout=30)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(httpx.post(f"{service.url}/predict", json={"age": 77}, headers=headers(service), timeout=30))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.json() for answer in answers] == [{"prediction": 154.0}] * 20
    with client(service) as asking:
        late = asking.post("/predict", json={"age": 78}, headers={"X-Request-Timeout": "0.2"})
        assert late.status_code == 504
        failed = asking.post("/predict", json={"age": FAILS})
        assert failed.status_code == 500
        assert "thirteen is too many" in failed.json()["error"]
        assert asking.post("/predict", json={"age": 2}).json() == {"prediction": 4.0}


def test_events_come_as_the_model_yields(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Gated(str(tmp_path)), example=AGES)
    service = api.serve("ages")
    (tmp_path / "gate").touch()
    events = {"Accept": "text/event-stream"}
    with client(service) as asking:
        with asking.stream("POST", "/predict", json=AGES.to_dict("list"), headers=events) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            came = told(answer.iter_lines())
            assert next(came) == ("message", {"prediction": 2.0}), "while the model is still at work"
            (tmp_path / "gate").unlink()
            assert list(came) == [
                ("message", {"prediction": 4.0}),
                ("message", {"prediction": 6.0}),
                ("end", {"rows": 3}),
            ]
        assert asking.post("/predict", json={"age": 5}).json() == {"prediction": 10.0}


def test_a_model_that_fails_in_between_says_so_in_an_event(api: Workbench) -> None:
    api.model("ages", each_row, example=AGES)
    service = api.serve("ages")
    events = {"Accept": "text/event-stream"}
    with client(service) as asking:
        came = told(iter(asking.post("/predict", json={"age": [1, FAILS, 3]}, headers=events).text.split("\n")))
        assert next(came) == ("message", {"prediction": 2.0})
        kind, said = next(came)
        assert kind == "error"
        assert "thirteen is too many" in said["error"]
        assert asking.post("/predict", json={"age": "x"}, headers=events).status_code == 400


def test_a_model_that_yields_nothing_answers_in_one_event(api: Workbench) -> None:
    api.model("ages", double, example=AGES, row_wise="yes")
    service = api.serve("ages")
    with client(service) as asking:
        text = asking.post("/predict", json=AGES.to_dict("list"), headers={"Accept": "text/event-stream"}).text
    rows = [{"prediction": value} for value in (2.0, 4.0, 6.0)]
    assert list(told(iter(text.split("\n")))) == [("message", rows), ("end", {"rows": 3})]


def test_who_leaves_a_stream_of_events_ends_it(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Gated(str(tmp_path)), example=AGES)
    service = api.serve("ages")
    (tmp_path / "gate").touch()
    with (
        client(service) as asking,
        asking.stream("POST", "/predict", json=AGES.to_dict("list"), headers={"Accept": "text/event-stream"}) as answer,
    ):
        assert next(told(answer.iter_lines()))
    (tmp_path / "gate").unlink()
    until(lambda: httpx.post(f"{service.url}/predict", json={"age": 5}, headers=headers(service)).status_code == 200)
