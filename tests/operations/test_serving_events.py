"""Answers in events: as the model yields them, and else as any request's: logged, counted, in time, by their version."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from async_models import AGES, Gated, Polite, PoliteAwaiting, double, each_row
from serving_parts import FAILS, client, headers
from waiting import until

from workbench.api import Workbench
from workbench.operations.figures import of_service

EVENTS = {"Accept": "text/event-stream"}
COLUMNS = {"age": [1.0, 2.0, 3.0]}


def told(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """The events of a stream of lines."""
    kind = "message"
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
            kind = "message"


def test_events_come_as_the_model_yields(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Gated(str(tmp_path)), example=AGES)
    service = api.serve("ages")
    (tmp_path / "gate").touch()
    with client(service) as asking:
        with asking.stream("POST", "/predict", json=COLUMNS, headers=EVENTS) as answer:
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
    with client(service) as asking:
        came = told(iter(asking.post("/predict", json={"age": [1, FAILS, 3]}, headers=EVENTS).text.split("\n")))
        assert next(came) == ("message", {"prediction": 2.0})
        kind, said = next(came)
        assert kind == "error"
        assert "thirteen is too many" in said["error"]
        assert asking.post("/predict", json={"age": "x"}, headers=EVENTS).status_code == 400


def test_a_model_that_yields_nothing_answers_in_one_event(api: Workbench) -> None:
    api.model("ages", double, example=AGES, row_wise="yes")
    service = api.serve("ages")
    with client(service) as asking:
        text = asking.post("/predict", json=COLUMNS, headers=EVENTS).text
    rows = [{"prediction": value} for value in (2.0, 4.0, 6.0)]
    assert list(told(iter(text.split("\n")))) == [("message", rows), ("end", {"rows": 3})]


def test_who_leaves_a_stream_of_events_ends_it(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Gated(str(tmp_path)), example=AGES)
    service = api.serve("ages")
    (tmp_path / "gate").touch()
    with (
        client(service) as asking,
        asking.stream("POST", "/predict", json=COLUMNS, headers=EVENTS) as answer,
    ):
        assert next(told(answer.iter_lines()))
    (tmp_path / "gate").unlink()
    until(lambda: httpx.post(f"{service.url}/predict", json={"age": 5}, headers=headers(service)).status_code == 200)


@pytest.mark.parametrize("model", [Polite, PoliteAwaiting])
def test_others_are_answered_between_two_parts(api: Workbench, tmp_path: Path, model: Any) -> None:
    api.model("ages", model(str(tmp_path)), example=AGES)
    service = api.serve("ages")
    (tmp_path / "left").unlink()
    (tmp_path / "gate").touch()
    opened = {"json": COLUMNS, "headers": EVENTS}
    with client(service) as asking, asking.stream("POST", "/predict", **opened) as answer:
        came = told(answer.iter_lines())
        assert next(came) == ("message", {"prediction": 2.0})
        assert asking.post("/predict", json={"age": 5}).json() == {"prediction": 10.0}
        (tmp_path / "left").unlink()
        with client(service) as leaving, leaving.stream("POST", "/predict", **opened) as another:
            assert next(told(another.iter_lines())) == ("message", {"prediction": 2.0})
        until((tmp_path / "left").exists)
        (tmp_path / "gate").unlink()
        assert [said.get("prediction") for _, said in came] == [4.0, 6.0, None]
    assert of_service(service.job)["rows"] == 4


def kinds(text: str) -> list[str]:
    """Of the events of a whole answer."""
    return [kind for kind, _ in told(iter(text.split("\n")))]


def test_what_fails_before_the_first_event_has_a_status_of_its_own(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Gated(str(tmp_path)), example=AGES)
    service = api.serve("ages")
    (tmp_path / "gate").touch()
    with client(service) as asking, asking.stream("POST", "/predict", json=COLUMNS, headers=EVENTS) as first:
        assert next(told(first.iter_lines()))
        late = httpx.post(
            f"{service.url}/predict", json=COLUMNS, headers={**headers(service), **EVENTS, "X-Request-Timeout": "0.1"}
        )
        assert (late.status_code, late.headers["content-type"]) == (504, "application/json")
        (tmp_path / "gate").unlink()
    api.model("fails", each_row, example=AGES)
    with client(api.serve("fails")) as asking:
        assert asking.post("/predict", json={"age": [FAILS]}, headers=EVENTS).status_code == 500
        assert asking.post("/predict", json={"years": []}, headers=EVENTS).status_code == 400


def test_an_answer_in_events_ends_at_its_deadline(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Gated(str(tmp_path)), example=AGES)
    service = api.serve("ages")
    (tmp_path / "gate").touch()
    with client(service) as asking:
        text = asking.post("/predict", json=COLUMNS, headers={**EVENTS, "X-Request-Timeout": "5"}).text
        assert kinds(text) == ["message", "error"]
        assert "not there in time" in text
        (tmp_path / "gate").unlink()
        assert kinds(asking.post("/predict", json=COLUMNS, headers=EVENTS).text) == ["message"] * 3 + ["end"]
    assert of_service(service.job)["failures"] == 1


def test_no_more_answers_in_events_than_may_wait(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Gated(str(tmp_path)), example=AGES)
    service = api.serve("ages", max_queue=1)
    (tmp_path / "gate").touch()
    with client(service) as asking, asking.stream("POST", "/predict", json=COLUMNS, headers=EVENTS) as first:
        assert next(told(first.iter_lines()))
        other = httpx.post(f"{service.url}/predict", json=COLUMNS, headers={**headers(service), **EVENTS})
        assert other.status_code == 429
        (tmp_path / "gate").unlink()


def test_answers_in_events_are_logged(api: Workbench) -> None:
    api.model("ages", each_row, example=AGES)
    service = api.serve("ages", log_requests=True)
    with client(service) as asking:
        answer = asking.post("/predict", json=COLUMNS, headers={**EVENTS, "X-Request-Id": "mine"})
        assert answer.headers["x-request-id"] == "mine"
        asking.post("/predict", json={"age": [1, FAILS]}, headers=EVENTS)
        asking.post("/predict", json={"age": "x"}, headers=EVENTS)
        asking.post("/predict", json=COLUMNS, headers={**EVENTS, "X-Request-Timeout": "soon"})
    log = api.requests("ages")
    assert log["request"].tolist()[:3] == ["mine"] * 3
    assert log["prediction"].tolist()[:3] == [2.0, 4.0, 6.0]
    assert log["status"].tolist() == [200] * 3 + [500] * 2 + [400] * 2
    assert "thirteen is too many" in log["error"].iloc[3]


def test_versions_that_roll_out_answer_in_events_too(api: Workbench, tmp_path: Path) -> None:
    for times in (2, 20):
        api.model("ages", Gated(str(tmp_path), times), example=AGES)
    api.alias("ages@1", "live")
    service = api.serve("ages")
    row = {"age": [1.0]}
    api.promote("ages@2", canary="50")
    with client(service) as asking:
        seen = set()

        def met() -> set[Any]:
            answer = asking.post("/predict", json=row, headers=EVENTS)
            seen.add((answer.headers["x-workbench-version"], json.loads(answer.text.split("\n")[0][6:])["prediction"]))
            return seen

        until(lambda: len(met()) == 2)
        assert seen == {("1", 2.0), ("2", 20.0)}
        assert "waiting:" in str(api.status("service/ages")), "they count for the verdict"
        api.promote("ages@2", shadow=True)
        assert asking.post("/predict", json=row, headers=EVENTS).headers["x-workbench-version"] == "1"
    until(lambda: "1 different" in str(api.status("service/ages")))


def test_a_version_that_goes_finishes_its_events(api: Workbench, tmp_path: Path) -> None:
    for times in (2, 20):
        (folder := tmp_path / str(times)).mkdir()
        api.model("ages", Gated(str(folder), times), example=AGES)
    api.alias("ages@1", "live")
    service = api.serve("ages")
    (tmp_path / "2" / "gate").touch()
    with client(service) as asking, asking.stream("POST", "/predict", json=COLUMNS, headers=EVENTS) as answer:
        came = told(answer.iter_lines())
        assert next(came) == ("message", {"prediction": 2.0})
        assert not api.promote("ages@2").kept
        (tmp_path / "2" / "gate").unlink()
        assert [said.get("prediction") for _, said in came] == [4.0, 6.0, None]
    with client(service) as asking:
        assert asking.post("/predict", json={"age": 1}).json() == {"prediction": 20.0}
