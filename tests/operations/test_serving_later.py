"""Requests that are answered later: kept over kills and restarts, answered once, fetched in any protocol."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from serving_parts import DIES, NUMBERS, WAITS, Moody, client, first
from waiting import until

from workbench.api import Workbench
from workbench.errors import NotFound, UsageError

LATER = {"Prefer": "respond-async"}
AGES = pd.DataFrame({"age": [1.0, 2.0, 3.0]})


@pytest.fixture
def service(api: Workbench) -> Any:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    return api.serve("churn", workers=2)


def fetched(asking: httpx.Client, place: str) -> httpx.Response:
    """The answer, once it is there."""
    return until(lambda: answer if (answer := asking.get(place)).status_code != 202 else None)  # type: ignore[no-any-return]


def test_a_request_is_kept_and_its_answer_fetched(service: Any) -> None:
    with client(service) as asking:
        kept = asking.post("/predict", json={"a": 1.0, "b": 2.0}, headers=LATER)
        assert kept.status_code == 202
        assert kept.headers["preference-applied"] == "respond-async"
        assert kept.json()["result"] == kept.headers["location"]
        answer = fetched(asking, kept.headers["location"])
        assert (answer.status_code, answer.json()) == (200, {"prediction": 5.0})
        assert answer.headers["x-workbench-version"] == "1"
        assert asking.get(kept.headers["location"]).json() == {"prediction": 5.0}, "it can be fetched again"
        assert asking.delete(kept.headers["location"]).status_code == 204
        assert asking.get(kept.headers["location"]).status_code == 404


def test_it_speaks_the_protocol_that_was_asked_in(service: Any) -> None:
    body = {"id": "mine", "inputs": [{"name": n, "shape": [1], "datatype": "FP64", "data": [1.0]} for n in "ab"]}
    with client(service) as asking:
        kept = asking.post("/v2/models/churn/infer", json=body, headers=LATER)
        answer = fetched(asking, kept.headers["location"]).json()
        assert (answer["id"], answer["outputs"][0]["data"]) == ("mine", [4.0])
        kept = asking.post("/invocations", json={"dataframe_records": [{"a": 1}]}, headers=LATER)
        refused = fetched(asking, kept.headers["location"])
        assert refused.status_code == 400
        assert refused.json()["error_code"] == "BAD_REQUEST"


def test_what_is_handed_over_a_stream_scores(api: Workbench) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    service = api.serve("churn", asynchronous="queue:asked")
    assert "puts rows on queue:asked → %stream churn queue:asked -o TABLE" in str(service)
    rows = [{"a": 1.0, "b": 2.0, "who": "ada"}, {"a": 2.0, "b": 0.0, "who": "bob"}]
    body = {"inputs": [{"name": n, "shape": [1], "datatype": "FP64", "data": [1.0]} for n in "ab"]}
    with client(service) as asking:
        kept = asking.post("/predict", json=rows, headers=LATER | {"X-Request-Id": "mine"})
        assert kept.status_code == 202
        assert kept.json() == {"id": "mine", "state": "queued", "queue": "queue:asked", "rows": 2}
        other = asking.post("/v2/models/churn/infer", json=body, headers=LATER).json()["id"]
        csv = LATER | {"content-type": "text/csv", "x-request-id": "lines"}
        assert asking.post("/predict", content="b,a,who\n1,2,eve\n", headers=csv).status_code == 202
        assert asking.post("/predict", json={"a": "much", "b": 1}, headers=LATER).status_code == 400
        assert asking.post("/predict", json={"a": 1.0, "b": 2.0}).json() == {"prediction": 5.0}
        assert "where the stream" in asking.get("/results/mine").json()["fix"]
    api.stream("churn", "queue:asked", output="queue:scored")

    def scored() -> dict[str, Any]:
        with suppress(NotFound):
            return {str(record.key): json.loads(record.value) for record in api.tail("queue:scored")}
        return {}

    found = until(lambda: found if len(found := scored()) == 4 else None)
    assert found["mine/0"] == {"a": 1.0, "b": 2.0, "who": "ada", "prediction": 5.0}
    assert (found["mine/1"]["who"], found["mine/1"]["prediction"]) == ("bob", 6.0)
    assert (found[other]["prediction"], found["lines"]["prediction"], found["lines"]["who"]) == (4.0, 7.0, "eve")
    with pytest.raises(UsageError, match=r"answers\.csv is no queue"):
        api.serve("churn", asynchronous="answers.csv")


def test_nobody_without_the_token_sees_an_answer(service: Any) -> None:
    with client(service) as asking:
        place = asking.post("/predict", json={"a": 1.0, "b": 2.0}, headers=LATER).headers["location"]
    assert httpx.get(f"{service.url}{place}").status_code == 401
    assert httpx.delete(f"{service.url}{place}").status_code == 401
    stored = next(Path(service.running.store.job_folder(service.name)).glob("deferred.db"))
    assert stored.stat().st_mode & 0o077 == 0
    assert service.token.encode() not in stored.read_bytes()


def test_two_workers_killed_in_the_middle_lose_nothing(service: Any, api: Workbench) -> None:
    rows = [{"a": float(i), "b": 0.0} for i in range(120)]
    with client(service) as asking:
        places = [asking.post("/predict", json=row, headers=LATER).headers["location"] for row in rows[:60]]
        for worker in service.facts["workers"]:
            os.kill(worker, signal.SIGKILL)
        until(lambda: httpx.get(f"{service.url}/health").status_code == 200)
    with client(service) as asking:
        places += [asking.post("/predict", json=row, headers=LATER).headers["location"] for row in rows[60:]]
        api.restart("churn")
    with client(service) as asking:
        answers = [fetched(asking, place).json()["prediction"] for place in places]
    assert answers == [3.0 * i for i in range(120)]


def test_what_kills_its_worker_again_and_again_is_given_up(api: Workbench, tmp_path: Path) -> None:
    api.model("moody", Moody(str(tmp_path)), example=AGES, row_wise="yes")
    moody = api.serve("moody")
    with client(moody) as asking:
        place = asking.post("/predict", json={"age": DIES}, headers=LATER).headers["location"]

    def answer() -> httpx.Response | None:
        try:
            with client(moody) as asking:
                found = asking.get(place)
        except httpx.TransportError:
            return None
        return found if found.status_code == 500 else None

    assert "ended each time" in until(answer).json()["error"]


def test_no_more_than_so_many_wait(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    api.model("moody", Moody(str(tmp_path)), example=AGES, row_wise="yes")
    moody = api.serve("moody", max_queue=3)
    slow = [{"age": float(WAITS)}] + [{"age": 1.0}] * 600
    with client(moody) as asking:
        asking.post("/predict", json=slow, headers=LATER)
        until((tmp_path / "inside").exists)
        said = [asking.post("/predict", json={"age": 1}, headers=LATER).status_code for _ in range(3)]
        assert said == [202, 202, 429]
        (tmp_path / "gate").unlink()
        until(lambda: asking.post("/predict", json={"age": 1}, headers=LATER).status_code == 202)
