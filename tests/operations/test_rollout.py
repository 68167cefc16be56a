"""Versions that get a share of the traffic: under load, with processes that are killed, and versions that are bad."""

from __future__ import annotations

import os
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rollout_models import UNHURRIED, raises, slow, third
from serving_parts import NUMBERS, Load, client, first, second
from waiting import until

from workbench.api import Workbench
from workbench.errors import UsageError
from workbench.jobs import supervisor
from workbench.jobs.rollout import last

ROW = {"a": 2.0, "b": 1.0}
CHANGES = 200


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five versions of `churn`: three that are well, one that raises and one that is slow."""
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    for function in (first, second, raises, slow, third):
        columns = ["b", "a"] if function is second else ["a", "b"]
        workbench.model("churn", function, example=NUMBERS[columns], row_wise="yes")
    return workbench.registry.folder


@pytest.fixture
def api(home: Path, registry: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setenv("WORKBENCH_REGISTRY", str(registry))
    workbench = Workbench(home)
    workbench.alias("churn@1", "live")
    yield workbench
    workbench.shutdown(all=True)


def versions(service: Any, count: int, **headers: str) -> Counter[str]:
    """Which versions answer so many requests over one connection."""
    with client(service) as asking:
        answers = [asking.post("/predict", json=ROW, headers=headers) for _ in range(count)]
    assert {answer.status_code for answer in answers} == {200}
    return Counter(answer.headers["x-workbench-version"] for answer in answers)


def test_two_hundred_changes_under_load_fail_no_request(api: Workbench, record_property: pytest.RecordProperty) -> None:
    service = api.serve("churn", workers=2)
    chance = random.Random(7)
    with Load(service, clients=3) as load:
        rolling_out = False
        for _ in range(CHANGES):
            live = api.registry.aliases("churn")["live"]
            other = f"churn@{chance.choice([version for version in (1, 2, 5) if version != live])}"
            ways = ["share", "weights", "shadow", "take back" if rolling_out else "share", "finish"]
            match way := chance.choice(ways):
                case "share":
                    done = api.promote(other, canary=str(chance.choice((10, 50, 90))), watch=UNHURRIED)
                case "weights":
                    done = api.promote(
                        "churn", split=f"1={chance.randint(1, 9)},2={chance.randint(1, 9)},5=3", watch=UNHURRIED
                    )
                case "shadow":
                    done = api.promote(other, shadow=True)
                case "take back":
                    done = api.rollback("churn")
                case _:
                    done = api.promote(other)
            rolling_out = way in ("share", "weights", "shadow")
            assert not done.kept
            assert not done.later
    record_property("longest wait in ms", round(1000 * load.longest, 1))
    assert not load.failed
    assert {version for _, version in load.seen} == {"1", "2", "5"}
    assert len(api.history("churn")) == CHANGES


def test_the_traffic_is_shared_as_it_was_said(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    said = api.promote("churn@2", canary="20", min_requests=100, note="tried on Mondays", watch=UNHURRIED)
    assert "churn@2 ✓ answers 20 % of service/churn, churn@1 the rest" in str(said)
    seen = versions(service, 1000)
    assert 140 < seen["2"] < 260
    until(lambda: "churn@2 answers 20 % · as well as churn@1" in str(api.status("service/churn")))
    assert set(versions(service, 50)) == {"1", "2"}
    assert "taken back" in str(api.rollback("churn"))
    assert set(versions(service, 50)) == {"1"}
    api.promote("churn@2", canary="20", watch=UNHURRIED)
    assert not api.promote("churn@2").kept
    assert set(versions(service, 50)) == {"2"}
    assert api.rollback("churn").version == 1
    told = [(event.text, event.details["note"]) for event in api.history("churn")]
    assert told[0] == ("churn@2 answers 20 %", "tried on Mondays")
    assert [text for text, _ in told[1:]] == [
        "churn@2 was taken back at 20 %",
        "churn@2 answers 20 %",
        "churn@live moved to churn@2",
        "churn@live moved back to churn@1",
    ]


def test_each_version_that_answers_is_shown(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    api.promote("churn@2", canary="50")
    seen = versions(service, 100)
    with client(service) as asking:
        shown = {one["version"]: one["requests"] for one in asking.get("/figures").json()["versions"]}
        assert shown == {1: seen["1"], 2: seen["2"]}
        families = text_string_to_metric_families(asking.get("/metrics").text)
        counted = {
            sample.labels["version"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "model_infer_request_success_total"
        }
        assert counted == {version: float(count) for version, count in seen.items()}
        assert asking.get("/v2/models/churn").json()["versions"] == ["1", "2"]
        assert asking.get("/v2/models/churn/versions/2").status_code == 200
        assert asking.get("/v2/models/churn/versions/2/ready").json()["ready"]
        (statistics,) = asking.get("/v2/models/churn/versions/2/stats").json()["model_stats"]
        assert (statistics["version"], statistics["inference_count"]) == ("2", seen["2"])
        assert len(asking.get("/v2/models/churn/stats").json()["model_stats"]) == 2
        assert [one["version"] for one in asking.post("/v2/repository/index").json()] == ["1", "2"]
        api.promote("churn@2")
        assert asking.get("/figures").json()["versions"] == []
        assert asking.get("/v2/models/churn").json()["versions"] == ["2"]


def test_live_moves_by_its_name_as_by_promote(api: Workbench) -> None:
    service = api.serve("churn")
    api.alias("churn@2", "live")
    assert set(versions(service, 5)) == {"2"}
    api.model("churn", first, example=NUMBERS, row_wise="yes", alias="live")
    assert set(versions(service, 5)) == {"1"}
    assert [event.text for event in api.history("churn")] == [f"churn@live moved to churn@{n}" for n in (2, 1)]
    with pytest.raises(UsageError, match="service/churn follows churn@live"):
        api.alias("churn", "live", remove=True)


def test_a_key_keeps_its_version_while_the_share_grows(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    met: dict[str, str] = {}
    for share in ("30", "60"):
        api.promote("churn@2", canary=share, sticky_by="X-Customer")
        for key in map(str, range(100)):
            (version,) = versions(service, 3, **{"X-Customer": key})
            assert (met.get(key), version) != ("2", "1"), "who has met the new version goes on meeting it"
            met[key] = version
    assert 40 < Counter(met.values())["2"] < 80


def test_a_request_that_names_a_version_gets_it(api: Workbench) -> None:
    service = api.serve("churn")
    api.promote("churn@2", canary="50")
    body = {"inputs": [{"name": n, "shape": [1], "datatype": "FP64", "data": [v]} for n, v in ROW.items()]}
    with client(service) as asking:
        for version in ("1", "2"):
            for _ in range(10):
                answer = asking.post(f"/v2/models/churn/versions/{version}/infer", json=body)
                assert (answer.status_code, answer.headers["x-workbench-version"]) == (200, version)
                assert answer.json()["model_version"] == version
        assert asking.post("/v2/models/churn/versions/3/infer", json=body).status_code == 404


@pytest.mark.parametrize("bad", [("churn@3", "failed, of the live version 0.0 %"), ("churn@4", "nine of ten requests")])
def test_a_bad_version_is_rolled_back_by_itself(api: Workbench, bad: tuple[str, str]) -> None:
    ref, why = bad
    service = api.serve("churn", workers=2)
    with Load(service) as load:
        load.answered(600)
        assert not api.promote(ref, canary="30", min_requests=50).kept
        refused = until(lambda: (event := last(api.running.store, "churn")) and event.details.get("refused") and event)
        until(lambda: api.running.store.get("service/churn").facts["table"] == "churn@1")
    assert (refused.details["refused"], refused.details["by"]) == (ref, "workbench")
    assert why in refused.text
    assert refused.text in str(api.status("service/churn"))
    assert {version for status, version in load.seen if status != 200} <= {ref[-1]}
    assert not load.wrong
    assert not load.broken


@pytest.mark.parametrize(("ref", "outcome"), [("churn@2", "different"), ("churn@3", "failing"), ("churn@4", "equal")])
def test_a_shadow_is_asked_and_answers_nobody(api: Workbench, ref: str, outcome: str) -> None:
    service = api.serve("churn", workers=2)
    assert "is the shadow of service/churn" in str(api.promote(ref, shadow=True))
    with client(service) as asking:
        for number in range(20):
            answer = asking.post("/predict", json={"a": 1000.0 + number, "b": 1.0})
            assert (answer.status_code, answer.headers["x-workbench-version"]) == (200, "1")
    until(lambda: f"20 {outcome}" in str(api.status("service/churn")))
    with Load(service) as load:
        load.answered(600)
        assert not api.rollback("churn").later
    assert not load.failed
    assert {version for _, version in load.seen} == {"1"}


def test_a_shadow_that_cannot_keep_up_is_not_waited_for(api: Workbench) -> None:
    service = api.serve("churn")
    api.promote("churn@4", shadow=True)
    with Load(service) as load:
        load.answered(200)
        until(lambda: not re.search(r"\b0 dropped", str(api.status("service/churn"))))
    assert not load.failed


def test_nothing_is_judged_on_too_few_requests(api: Workbench) -> None:
    service = api.serve("churn")
    api.promote("churn@2", canary="50,100", every="1s", min_requests=400, watch=UNHURRIED)
    seen = versions(service, 200)["2"]
    until(lambda: f"waiting: {seen} of 400" in str(api.status("service/churn")))
    with Load(service):
        until(lambda: api.history("churn")[-1].text == "churn@live moved to churn@2, which did well")
    assert api.registry.aliases("churn")["live"] == 2


def test_steps_are_made_once_though_their_processes_are_killed(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    with Load(service, clients=3) as load:
        api.promote("churn@2", canary="10,40,70,100", every="1s", min_requests=20, watch=UNHURRIED)
        for steps, kill in enumerate(("door", "worker", "supervisor"), 1):
            job = until(lambda: (job := service.refresh().job).state == "ready" and not job.reason and job)
            match kill:
                case "door":
                    os.kill(job.process.pid, signal.SIGKILL)
                    until(lambda gone=job.process: not gone.alive())
                case "worker":
                    os.kill(job.facts["workers"][0], signal.SIGKILL)
                case _:
                    process = supervisor.process_of(api.running.store.folder)
                    assert process
                    process.kill()
                    api.status()
            until(lambda steps=steps: len(api.history("churn")) > steps)
        until(lambda: service.refresh().facts["version"] == "churn@2")
    assert not load.wrong
    assert {status for status, _ in load.seen} == {200}
    assert [event.text for event in api.history("churn")] == [
        "churn@2 answers 10 %",
        "churn@2 goes on to 40 %",
        "churn@2 goes on to 70 %",
        "churn@live moved to churn@2, which did well",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"canary": "0"},
        {"canary": "half"},
        {"canary": "50,10", "every": "1m"},
        {"canary": "10,50"},
        {"canary": "10", "every": "1m"},
        {"every": "1m"},
        {"sticky_by": "X-Customer"},
        {"canary": "10", "shadow": True},
        {"canary": "10", "sticky_by": "two words"},
    ],
)
def test_what_is_no_rollout_is_refused(api: Workbench, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        api.promote("churn@2", **wrong)


def test_a_canary_needs_a_service_that_follows(api: Workbench) -> None:
    with pytest.raises(UsageError, match="no service or stream follows"):
        api.promote("churn@2", canary="10")
