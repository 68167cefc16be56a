"""The fast path of what is deployed: proven when it is loaded, left out where it cannot be, and its answers are those
without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fast_models import PLAIN, ROWS, Model, by_hand, gaussian, in_steps, logistic, piped, regression
from serving_parts import client
from waiting import until

from workbench.api import Workbench
from workbench.bundle.equal import difference
from workbench.errors import ModelFailed
from workbench.fast import known, linear
from workbench.fast.prove import quicken
from workbench.inference.predictor import Predictor

KINDS = [
    pytest.param(piped, ROWS, "ColumnTransformer, LogisticRegression, Pipeline, SimpleImputer, StandardScaler", id="p"),
    pytest.param(logistic, PLAIN, "LogisticRegression", id="function"),
    pytest.param(in_steps, PLAIN, "LogisticRegression, StandardScaler", id="steps"),
    pytest.param(regression, PLAIN, "LogisticRegression", id="estimator"),
    pytest.param(Model, PLAIN, "LogisticRegression", id="class"),
]


def loaded(api: Workbench, model: Any, example: Any, **how: Any) -> tuple[Predictor, str]:
    """A version's predictor with what became of its fast path."""
    version = api.model("churn", model, example=example, **how)
    predictor = version.predictor(api.home)
    return predictor, quicken(version, predictor)


@pytest.mark.parametrize(("model", "example", "asked"), KINDS)
def test_it_is_proven_when_a_version_is_loaded(api: Workbench, model: Any, example: Any, asked: str) -> None:
    before = api.model("other", model, example=example).predictor(api.home).predict(example)
    predictor, said = loaded(api, model, example)
    assert said.startswith("fast path: proven on 150 rows and ")
    assert said.endswith(f" probes · {asked}")
    assert not difference(before, predictor.predict(example), exact=True)


@pytest.mark.parametrize(
    ("model", "how", "why"),
    [
        (gaussian, {}, "GaussianProcessRegressor is not known"),
        (by_hand, {}, "it asks no estimator of scikit-learn"),
        (logistic, {"no_reference": True}, "it keeps no rows to prove one on"),
    ],
)
def test_it_says_why_there_is_none(api: Workbench, model: Any, how: dict[str, Any], why: str) -> None:
    assert loaded(api, model, PLAIN, **how)[1] == f"no fast path: {why}"


def by_one_bit(estimator: Any, given: Any) -> Any:
    """Wrong in the last bit, and in calls of seven rows only."""
    found = linear.probabilities(estimator, given)
    return np.nextafter(found, 1) if found is not None and len(found) == 7 else found


def lenient(estimator: Any, given: Any) -> Any:
    """Answers what must be refused."""
    return linear.probabilities(estimator, given.fillna(0.0))


@pytest.mark.parametrize("wrong", [by_one_bit, lenient])
def test_a_computation_that_is_wrong_is_found_and_not_used(
    api: Workbench, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    monkeypatch.setitem(known.KNOWN, "LogisticRegression.predict_proba", wrong)
    predictor, said = loaded(api, logistic, PLAIN)
    assert said.startswith("no fast path: it did not answer the same: ")
    assert predictor.predict(PLAIN[:7])["prediction"].tolist() == logistic(PLAIN[:7]).tolist()
    with pytest.raises(ModelFailed, match="NaN"):
        predictor.predict(PLAIN[:1].assign(a=np.nan))


def test_what_is_right_beside_it_is_used(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known.KNOWN, "LogisticRegression.predict_proba", by_one_bit)
    predictor, said = loaded(api, in_steps, PLAIN)
    assert said.endswith("probes · StandardScaler")
    assert predictor.predict(PLAIN[:7])["prediction"].tolist() == in_steps(PLAIN[:7]).tolist()


def test_a_service_answers_and_refuses_as_without_it(api: Workbench) -> None:
    api.model("churn", piped, example=ROWS)
    quick, plain = api.serve("churn", fast=True, name="quick"), api.serve("churn", name="plain")
    assert "  speed fast path: proven on 150 rows" in str(quick)
    assert "speed" not in str(plain)
    with client(quick) as asking, client(plain) as beside:
        assert "<dd>fast path: proven on 150 rows" in asking.get("/").text
        assert "fast path" not in beside.get("/").text
    bodies = [ROWS.to_json(orient="records"), ROWS[:1].to_json(orient="records"), '[{"a": 1e400, "b": 1, "s": "red"}]']
    bodies += ['{"a": 1.5, "b": null, "s": "violet"}', '{"a": null, "b": null, "s": null}', '{"a": "x", "s": "red"}']
    with client(quick) as asking, client(plain) as beside:
        for body in bodies:
            answers = [each.post("/predict", content=body) for each in (asking, beside)]
            assert answers[0].text == answers[1].text, body
            assert answers[0].status_code == answers[1].status_code
    again = api.serve("churn", name="quick")
    assert "speed" not in str(again)


def test_a_version_without_one_can_be_promoted(api: Workbench) -> None:
    for model in (logistic, gaussian):
        api.model("churn", model, example=PLAIN)
    service = api.serve("churn@1", fast=True, name="pinned")
    api.promote("churn@1")
    service = api.serve("churn", fast=True, workers=2)
    assert "speed fast path: proven" in str(service)
    for version, said in ((2, "no fast path: GaussianProcessRegressor is not known"), (1, "fast path: proven on")):
        assert not api.promote(f"churn@{version}").kept
        until(lambda said=said: said in str(service.refresh()))
        with client(service) as asking:
            answer = asking.post("/predict", content=PLAIN[:3].to_json(orient="records", double_precision=15))
        assert answer.headers["x-workbench-version"] == str(version)
        expected = (logistic, gaussian)[version - 1](PLAIN[:3])
        assert [row["prediction"] for row in answer.json()] == pytest.approx(expected, rel=1e-9)


def test_a_stream_answers_as_without_it(api: Workbench, tmp_path: Any) -> None:
    api.model("churn", logistic, example=PLAIN)
    api.put("queue:rows", PLAIN)
    answers = []
    for fast in (True, False):
        stream = api.stream(
            "churn", "queue:rows", output=str(tmp_path / f"{fast}.jsonl"), name=f"churn-{fast}", fast=fast
        )
        stream = stream.until(lambda facts: facts.get("lag") == 0)
        assert ("  speed fast path: proven on 150 rows" in str(stream)) == fast
        stream.stop()
        answers.append((tmp_path / f"{fast}.jsonl").read_text())
    assert answers[0] == answers[1]
    assert answers[0].count("prediction") == len(PLAIN)
