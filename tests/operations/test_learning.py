"""A model learns while it serves: every acknowledged example once, whoever is killed; and what it learned can be taken
back."""

from __future__ import annotations

import os
import random
import signal
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest
from learn_models import NUMBERS, Slope, Sums, fixed, flat
from serving_parts import client
from waiting import NotYet, until

from workbench.api import Workbench
from workbench.bundle.learned import Learned
from workbench.errors import BundleRefused, UsageError

OFTEN = "0.2s"
BROKER = os.environ.get("WORKBENCH_BROKER", "redis")


def live(api: Workbench, name: str) -> Any:
    return api.registry.resolve(f"{name}@live")


def learned(api: Workbench, name: str) -> Learned:
    return Learned.of(live(api, name).manifest) or Learned("", "", "", 0, 0, "")


def versions_that_learned(api: Workbench, name: str) -> int:
    try:
        return len([version for version in api.registry.versions(name) if Learned.of(version.manifest)])
    except BundleRefused as error:
        raise NotYet(f"one was removed while it was looked at: {error}") from error


def answers(api: Workbench, ref: str) -> list[float]:
    found = api.predict(ref, pd.DataFrame({"n": 0.0, "group": ["a", "b"]}))
    return [float(value) for value in found["prediction"]]


def examples(*values: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame({"n": 0.0, "group": [group for group, _ in values], "was": [value for _, value in values]})


@pytest.fixture
def sums(api: Workbench) -> str:
    api.model("sums", Sums, example=NUMBERS)
    return "sums"


def test_it_learns_from_a_queue_while_it_serves(api: Workbench, sums: str) -> None:
    service = api.serve(sums)
    learner = api.learn(sums, "queue:outcomes", target="was", every=OFTEN)
    assert learner.state == "ready"
    api.put("queue:outcomes", examples(("a", 2.0), ("b", 5.0), ("a", 3.0)))
    until(lambda: learned(api, sums).offset == 3)
    assert answers(api, "sums@live") == [5.0, 5.0]
    assert answers(api, "sums@1") == [0.0, 0.0]
    version = live(api, sums)
    assert version.proven
    assert "after 3 examples of queue:outcomes, learned since sums@1" in str(version)
    assert api.verify(version.ref).rows == 3
    with client(service) as asking:
        row = {"n": 0.0, "group": "a"}
        until(lambda: asking.post("/predict", json=row).json() == {"prediction": 5.0})
    until(lambda: (events := api.history(sums)) and events[-1].details["by"] == "learner/sums")
    api.put("queue:outcomes", examples(("a", 1.0)))
    until(lambda: learned(api, sums).examples == 4)
    assert answers(api, "sums@live") == [6.0, 5.0]
    assert "4 examples" in str(learner.until(lambda facts: facts.get("examples") == 4))
    until(lambda: learner.quality().whole["outcomes"].tolist() == [4])
    stopped = api.stop("learner/sums")
    assert stopped.state == "stopped"


def test_what_is_no_example_is_put_aside_and_what_the_model_fails_at_is_found(api: Workbench, sums: str) -> None:
    api.put(
        "queue:outcomes",
        [{"n": 1, "group": "a", "was": 1.0}, {"n": 1, "group": "a"}, {"n": "x", "group": "a", "was": 2}],
    )
    api.put("queue:outcomes", examples(("b", 4.0), ("b", 13.0), ("b", 6.0)))
    learner = api.learn(sums, "queue:outcomes", target="was", every=OFTEN)
    until(lambda: learned(api, sums).offset == 6)
    assert learned(api, sums).examples == 3
    assert answers(api, "sums@live") == [1.0, 10.0]
    dead = api.tail("queue:outcomes.learner-sums.dead")
    assert [record.headers["offset"] for record in dead] == [2, 3, 5]
    assert "thirteen is too many" in dead[-1].headers["error"]
    assert learner.until(lambda facts: facts.get("refused") == 3)


def test_killed_again_and_again_it_has_learned_each_acknowledged_example_once(api: Workbench, sums: str) -> None:
    api.learn(sums, "queue:outcomes", target="was", every="0.05s", keep=3)
    chance, put, total = random.Random(3), 0, {"a": 0.0, "b": 0.0}
    for _ in range(4):
        rows = [(chance.choice("ab"), float(chance.randint(1, 9))) for _ in range(20)]
        api.put("queue:outcomes", examples(*rows))
        put += len(rows)
        for group, value in rows:
            total[group] += value
        before = learned(api, sums).offset
        if chance.random() < 0.7:
            until(lambda before=before: learned(api, sums).offset > before)
        job = api.running.store.get("learner/sums")
        if job.process and job.process.alive():
            os.kill(job.process.pid, signal.SIGKILL)
        until(lambda old=job.process: (new := api.running.store.get("learner/sums").process) and new != old)
    until(lambda: learned(api, sums).offset == put)
    assert learned(api, sums).examples == put
    assert answers(api, "sums@live") == [total["a"], total["b"]]
    until(lambda: versions_that_learned(api, sums) <= 3)


def test_what_it_learned_can_be_taken_back(api: Workbench, sums: str) -> None:
    api.learn(sums, "queue:outcomes", target="was", every=OFTEN)
    api.put("queue:outcomes", examples(("a", 2.0)))
    until(lambda: learned(api, sums).offset == 1)
    good = live(api, sums).ref
    api.put("queue:outcomes", examples(("a", 1000.0)))
    until(lambda: learned(api, sums).offset == 2)
    api.rollback(sums)
    assert live(api, sums).ref == good
    until(lambda: api.running.store.get("learner/sums").facts.get("version") == good)
    api.put("queue:outcomes", examples(("a", 3.0)))
    until(lambda: learned(api, sums).offset == 3)
    assert answers(api, "sums@live") == [5.0, 0.0], "without what was taken back"
    assert learned(api, sums).examples == 2


def test_feedback_teaches_it(api: Workbench, sums: str) -> None:
    with pytest.raises(UsageError, match="no service of sums keeps its requests"):
        api.learn(sums)
    service = api.serve(sums, log_requests=True)
    learner = api.learn(sums, every=OFTEN)
    assert "the feedback to service/sums" in str(learner)
    with client(service) as asking:
        rows = [{"n": 1.0, "group": "a"}, {"n": 2.0, "group": "b"}]
        assert asking.post("/predict", json=rows, headers={"X-Request-Id": "one"}).status_code == 200
    told = pd.DataFrame({"request": ["one", "one"], "row": [0, 1], "paid": [7.0, 9.0]})
    api.feedback(sums, told)
    api.feedback(sums, told)
    until(lambda: learned(api, sums).examples == 2)
    assert answers(api, "sums@live") == [7.0, 9.0]
    api.feedback(sums, told.assign(paid=[7.0, 1.0]))
    until(lambda: learned(api, sums).examples == 3)
    assert answers(api, "sums@live") == [7.0, 10.0]


def test_estimators_learn_as_they_are_and_inside_of_a_model(api: Workbench) -> None:
    n = np.random.default_rng(0).random(300)
    api.model("slope", Slope, example=NUMBERS)
    api.model("plain", flat(), example=NUMBERS[["n"]].to_numpy())
    api.put("queue:slopes", pd.DataFrame({"n": n, "group": "a", "was": 3 * n}))
    api.put("queue:plain", [{"x": [float(x)], "was": 3 * float(x)} for x in n])
    api.learn("slope", "queue:slopes", target="was", every=OFTEN)
    api.learn("plain", "queue:plain", target="was", every=OFTEN)
    for name, rows in (("slope", NUMBERS), ("plain", NUMBERS[["n"]].to_numpy())):
        until(lambda name=name: learned(api, name).examples == 300)
        answered = api.predict(f"{name}@live", rows)["prediction"].to_numpy()
        assert np.ptp(answered) > 2.0, "it was flat"
    until(lambda: "mae" in str(api.status("learner/slope")))


def test_examples_of_a_broker_are_learned_once(api: Workbench, sums: str, brokers: Any) -> None:
    server, chance = brokers(BROKER), random.Random(4)
    place = server.place(f"outcomes-{uuid.uuid4().hex[:8]}")
    learner = api.learn(sums, place, target="was", every="0.05s")
    assert f"{server.kind}://" in str(learner)
    put, total = 0, {"a": 0.0, "b": 0.0}
    for killed in ("learner", "nobody", "broker"):
        rows = [(chance.choice("ab"), float(chance.randint(1, 9))) for _ in range(40)]
        api.put(place, examples(*rows))
        put += len(rows)
        for group, value in rows:
            total[group] += value
        if killed == "learner":
            job = until(lambda: (job := api.running.store.get("learner/sums")).process and job)
            os.kill(job.process.pid, signal.SIGKILL)
        if killed == "broker" and server.restarts:
            server.stop()
            until(lambda: api.running.store.get("learner/sums").state == "blocked")
            server.start()
        until(lambda put=put: learned(api, sums).examples == put)
    assert answers(api, "sums@live") == [total["a"], total["b"]]
    until(lambda: learner.refresh().job.facts.get("lag") == 0)


def test_rivers_estimators_learn_as_they_are(api: Workbench) -> None:
    from river import compose, linear_model, preprocessing

    n = np.random.default_rng(0).random(400)
    rows = pd.DataFrame({"n": n, "other": 1.0})
    api.model("river", compose.Pipeline(preprocessing.StandardScaler(), linear_model.LinearRegression()), example=rows)
    service = api.serve("river")
    learner = api.learn("river", "queue:river", target="was", every=OFTEN)
    api.put("queue:river", rows.assign(was=3 * n))
    until(lambda: learned(api, "river").examples == 400)
    answered = api.predict("river@live", rows)["prediction"]
    assert np.corrcoef(answered, 3 * n)[0, 1] > 0.99, "it answered 0 to all"
    with client(service) as asking:
        row = {"n": 0.5, "other": 1.0}
        until(lambda: asking.post("/predict", json=row).json()["prediction"] > 0.5)
    until(lambda: "mae" in str(learner.refresh()), "each was answered before it was learned")
    until(lambda: learner.quality().whole["outcomes"].tolist() == [400])


def test_what_cannot_learn_says_so(api: Workbench, sums: str) -> None:
    api.model("fixed", fixed, example=NUMBERS)
    for name, input, options, said in (
        ("fixed", "queue:x", {"target": "was"}, "cannot learn"),
        ("sums@1", "queue:x", {"target": "was"}, "is pinned"),
        ("sums", "queue:x", {}, "which column"),
        ("sums", "queue:x", {"target": "n"}, "which it would learn"),
        ("sums", "rows.csv", {"target": "was"}, "a learner reads a queue"),
    ):
        with pytest.raises(UsageError, match=said):
            api.learn(name, input, **options)
