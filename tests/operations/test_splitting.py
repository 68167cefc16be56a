"""Several versions share what is asked: by weights, by keys of a header or a column, by what each has earned."""

from __future__ import annotations

import os
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from networks import linear
from rollout_models import UNHURRIED, Sum, raises, third
from serving_parts import NUMBERS, client, first, second
from sklearn.linear_model import LinearRegression
from waiting import until

from workbench.api import Workbench
from workbench.errors import UsageError
from workbench.jobs.rollout import last

WORTH = {"1": 0.2, "2": 0.8, "4": 0.4}
"""The chance that an answer of a version is worth anything."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four versions of `churn`, the third of which raises at large numbers."""
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    for function in (first, second, raises, third):
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


def asked(service: Any, count: int, rows: Any = None, **headers: str) -> list[Any]:
    """The answers to so many requests over one connection."""
    with client(service) as asking:
        answers = [
            asking.post("/predict", json=(rows or [{"a": 1.0, "b": 2.0}])[0], headers=headers) for _ in range(count)
        ]
    assert {answer.status_code for answer in answers} == {200}
    return answers


def versions(service: Any, count: int, rows: Any = None, **headers: str) -> Counter[str]:
    return Counter(answer.headers["x-workbench-version"] for answer in asked(service, count, rows, **headers))


def test_three_versions_share_by_weight(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    said = api.promote("churn", split="1=70,2=20,churn@4=10", note="to see", watch=UNHURRIED)
    assert "churn ✓ churn@1 70 %, churn@2 20 %, churn@4 10 % answer service/churn" in str(said)
    seen = versions(service, 1000)
    assert seen["1"] == pytest.approx(700, abs=80)
    assert seen["2"] == pytest.approx(200, abs=80)
    assert seen["4"] == pytest.approx(100, abs=60)
    until(lambda: "churn@1 70 %, churn@2 20 %, churn@4 10 %" in str(api.status("service/churn")))
    assert versions(service, 30, **{"X-Nothing": "1"}).keys() <= {"1", "2", "4"}
    assert "churn@2, churn@4 ✓ taken back" in str(api.rollback("churn"))
    assert versions(service, 50).keys() == {"1"}


def test_the_live_version_may_get_nothing_and_one_of_them_becomes_live(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    assert api.promote("churn", split="2,4").shares == {"churn@1": 0.0, "churn@2": 50.0, "churn@4": 50.0}
    assert versions(service, 200).keys() == {"2", "4"}
    assert api.promote("churn@2").promoted
    assert versions(service, 50).keys() == {"2"}
    api.promote("churn@1")


def test_a_version_that_fails_ends_the_split(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    api.promote("churn", split="1=40,2=30,3=30", min_requests=20, watch=UNHURRIED)
    with client(service) as asking:

        def refused() -> bool:
            asking.post("/predict", json={"a": 1000.0, "b": 2.0})
            event = last(api.running.store, "churn")
            return bool(event and event.details.get("refused") == "churn@3")

        until(refused)
    until(lambda: versions(service, 20).keys() == {"1"})


def test_keys_in_a_column_of_the_rows_keep_their_version_in_every_format(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    said = api.promote("churn", split="1=50,2=50", sticky_by="a")
    assert "  key   a" in str(said)
    met = {}
    with client(service) as asking:
        for key in range(40):
            answers = [
                asking.post("/predict", json={"a": float(key), "b": 3.0}),
                asking.post("/predict", json=[{"b": 5, "a": key}, {"b": 1, "a": 7}]),
                asking.post("/predict", content=f"b,a\n1,{key}\n", headers={"Content-Type": "text/csv"}),
            ]
            found = {answer.headers["x-workbench-version"] for answer in answers}
            assert len(found) == 1
            met[key] = found.pop()
        assert asking.post("/predict", json={"b": 3.0}).status_code == 400
    assert 8 < Counter(met.values())["2"] < 32


WRONG: list[dict[str, Any]] = [
    {"split": "1=50"},
    {"split": "1=50,2"},
    {"split": "1,2,2"},
    {"split": "1,other@2"},
    {"split": ""},
    {"split": "1=0,2=0"},
    {"split": "1,2", "canary": "10"},
    {"split": "1,2", "if_": "auc >= live", "on": NUMBERS},
    {"split": "1=5,2=5", "bandit": "thompson"},
    {"split": "1,2", "bandit": "thompson", "sticky_by": "a"},
    {"split": "1,2", "bandit": "thompson"},
    {"split": "1,2", "sticky_by": "two words"},
    {"split": "1,2", "watch": "luck >= 1"},
    {"watch": "errors <= live"},
    {"watch": "errors <= 1%", "shadow": True},
]


def test_what_cannot_be_shared_is_refused(api: Workbench) -> None:
    api.serve("churn")
    for wrong in WRONG:
        with pytest.raises(UsageError):
            api.promote("churn", **wrong)


def rewarded(api: Workbench, service: Any, count: int, chance: random.Random) -> None:
    """Ask, and tell what each answer was worth."""
    found = [(a.headers["x-request-id"], a.headers["x-workbench-version"]) for a in asked(service, count)]
    rewards = [(request, float(chance.random() < WORTH[version])) for request, version in found]
    api.feedback("churn", pd.DataFrame(rewards, columns=["request", "reward"]))


@pytest.mark.parametrize("policy", ["thompson", "epsilon-greedy"])
def test_the_version_that_earns_most_is_asked_most_and_that_survives(api: Workbench, policy: str) -> None:
    service, chance = api.serve("churn", workers=2, log_requests=True), random.Random(5)
    api.promote("churn", split="1,2,4", bandit=policy)
    until(lambda: versions(service, 40).keys() == {"1", "2", "4"})
    for _ in range(4):
        rewarded(api, service, 60, chance)
    until(lambda: versions(service, 60)["2"] > 40)
    until(lambda: re.search(r"churn@2 \d+ % · reward 0\.[789]", str(api.status("service/churn"))))
    job = service.refresh().job
    os.kill(job.process.pid, signal.SIGKILL)
    until(lambda: not job.process.alive())
    again = until(lambda: (now := service.refresh().job).state == "ready" and now.process != job.process and service)
    assert versions(again, 100)["2"] > 66


def test_two_versions_make_a_bandit_with_the_one_that_comes(api: Workbench) -> None:
    service = api.serve("churn", log_requests=True)
    said = api.promote("churn@2", bandit="thompson")
    assert "churn ✓ churn@1, churn@2 answer service/churn" in str(said)
    assert "thompson goes by what each has earned" in str(said)
    truth = [(a.headers["x-request-id"], 1005.0) for a in asked(service, 60)]
    api.feedback("churn", pd.DataFrame(truth, columns=["request", "true"]))
    until(lambda: versions(service, 40) == {"2": 40})
    assert [event.text for event in api.history("churn")][-1] == "thompson over churn@1, churn@2"


def test_what_outcomes_show_takes_a_version_back(api: Workbench) -> None:
    service = api.serve("churn", workers=2, log_requests=True)
    said = api.promote("churn@2", canary="50", min_requests=30, watch="mae <= live + 10, errors <= 50%, p90 <= 5s")
    assert "back by itself unless mae <= live + 10, errors <= 50%, p90 <= 5s, on 30 requests or more" in str(said)
    answers = asked(service, 100)
    truth = [(a.headers["x-request-id"], 5.0) for a in answers]
    few = [row for row, a in zip(truth, answers, strict=True) if a.headers["x-workbench-version"] == "2"][:10]
    api.feedback("churn", pd.DataFrame(few, columns=["request", "true"]))
    assert "churn@2 waiting: 10 of 30 outcomes" in str(api.status("service/churn"))
    told = api.feedback("churn", pd.DataFrame(truth, columns=["request", "true"]))
    assert "churn@2 was rolled back at 50 %: mae 1000 > 10 (live + 10)" in str(told)
    event = until(lambda: (event := last(api.running.store, "churn")) and event.details.get("refused") and event)
    assert (event.details["refused"], event.details["by"]) == ("churn@2", "workbench")
    until(lambda: versions(service, 30).keys() == {"1"})


def test_a_measure_of_the_users_own_is_watched_where_feedback_brings_it(api: Workbench) -> None:
    def cost(outcomes: Any, answers: Any) -> float:
        return float((answers - outcomes).sum())

    service = api.serve("churn", log_requests=True)
    with pytest.raises(UsageError, match="no measure 'cost'"):
        api.promote("churn@2", canary="50", watch="cost <= 100")
    api.promote("churn@2", canary="50", watch=f"cost <= 100, {UNHURRIED}", metric=cost, min_requests=5)
    truth = pd.DataFrame([(a.headers["x-request-id"], 5.0) for a in asked(service, 60)], columns=["request", "true"])
    api.feedback("churn", truth.head(30))
    assert "cost waits for feedback with --metric cost" in str(api.status("service/churn"))
    assert "was rolled back at 50 %: cost" in str(api.feedback("churn", truth, metric=cost))


def test_limits_of_the_users_own_take_the_place_of_the_usual(api: Workbench) -> None:
    service = api.serve("churn")
    api.promote("churn@3", canary="50", min_requests=20, watch=f"errors <= 100%, {UNHURRIED}")
    with client(service) as asking:
        for _ in range(100):
            asking.post("/predict", json={"a": 1000.0, "b": 2.0})
    until(lambda: "as well as churn@1" in str(api.status("service/churn")))
    api.promote("churn@3", canary="50", min_requests=20, watch=f"errors <= 10%, {UNHURRIED}")
    with client(service) as asking:

        def refused() -> bool:
            asking.post("/predict", json={"a": 1000.0, "b": 2.0})
            event = last(api.running.store, "churn")
            return bool(event and event.details.get("refused") and "errors" in event.text)

        until(refused)


def test_a_service_may_begin_with_several_and_its_cell_may_run_again(api: Workbench) -> None:
    with pytest.raises(UsageError, match="which versions does thompson choose between"):
        api.serve("churn", bandit="thompson")
    with pytest.raises(UsageError, match="churn@1 is pinned"):
        api.serve("churn@1", split="1,2")
    service = api.serve("churn", split="1=30,2=70")
    assert "churn@1 30 %, churn@2 70 %" in str(service)
    assert versions(service, 200)["2"] == pytest.approx(140, abs=35)
    api.serve("churn", split="1=30,2=70")
    assert len(api.history("churn")) == 1
    service = api.serve("churn", split="1,2,4", bandit="thompson", log_requests=True)
    rewarded(api, service, 60, random.Random(5))
    table = service.refresh().facts["table"]
    again = api.serve("churn", split="1,2,4", bandit="thompson", log_requests=True)
    assert again.facts["table"] == table, "it knows what it has learned"
    assert [event.text for event in api.history("churn")][1:] == ["thompson over churn@1, churn@2, churn@4"]


def test_a_version_that_answers_at_once_is_watched_before_it_is_live(api: Workbench) -> None:
    service = api.serve("churn", workers=2)
    said = str(api.promote("churn@3", watch="errors <= 10%", min_requests=20, every="1h"))
    assert "churn@3 ✓ answers all of service/churn; churn@1 waits beside it" in said
    assert "live after 1 h 0 min · back by itself unless errors <= 10%, on 20 requests or more" in said
    assert versions(service, 30) == {"3": 30}
    until(lambda: "all that is watched holds" in str(api.status("service/churn")))
    with client(service) as asking:

        def refused() -> bool:
            asking.post("/predict", json={"a": 1000.0, "b": 2.0})
            event = last(api.running.store, "churn")
            return bool(event and event.details.get("refused") == "churn@3" and "at 100 %: errors" in event.text)

        until(refused)
        until(lambda: versions(service, 10) == {"1": 10})
    api.promote("churn@2", watch="errors <= 10%", min_requests=20, every="1s")
    done = "churn@live moved to churn@2, which did well"
    until(lambda: versions(service, 10) and api.history("churn")[-1].text == done)
    assert api.registry.aliases("churn")["live"] == 2


def test_models_of_different_frameworks_share_one_name(api: Workbench, tmp_path: Path) -> None:
    network = linear(tmp_path / "net.onnx", [3.0, 1.0])
    for model in (LinearRegression().fit(NUMBERS, first(NUMBERS)), network, Sum):
        api.model("mixed", model, example=NUMBERS)
    api.alias("mixed@1", "live")
    service = api.serve("mixed", split="1=40,2=30,3=30")
    seen = Counter[str]()
    for answer in asked(service, 120):
        version = answer.headers["x-workbench-version"]
        assert answer.json()["prediction"] == pytest.approx(5.5 if version == "2" else 5.0, abs=1e-4)
        seen[version] += 1
    assert seen.keys() == {"1", "2", "3"}
