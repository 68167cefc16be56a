"""What explains a model's answers: true where that is known, the same over HTTP as here, and readable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from math import factorial
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from explain_models import Told, ToldWrong, additive, labels, mixed, people, pixels, ranked
from grpc_parts import Asking, columns, request, tensors_of
from protocol_parts import tensors
from serving_parts import client
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from workbench.api import Workbench
from workbench.errors import ModelFailed, NotFound, UsageError
from workbench.faces.cards import html
from workbench.monitoring.explainers import background

EXAMPLE = people(300, 0)


def reference(api: Workbench, model: str) -> pd.DataFrame:
    return pd.DataFrame(background(api.registry.resolve(model)))


def test_what_adds_up_is_found_exactly(api: Workbench) -> None:
    api.model("spend", additive, example=EXAMPLE)
    rows = people(20, 1).set_axis(range(100, 120))
    seen, compared = api.explain("spend", rows), reference(api, "spend")
    found = seen.frame()
    assert list(found.columns) == ["age", "calls", "noise", "plan", "base", "prediction"]
    assert found.index.tolist() == rows.index.tolist()
    np.testing.assert_allclose(found["age"], 2 * (rows["age"] - compared["age"].mean()))
    np.testing.assert_allclose(found["calls"], -(rows["calls"] - compared["calls"].mean()))
    np.testing.assert_allclose(found["noise"], 0, atol=1e-9)
    np.testing.assert_allclose(found[["age", "calls", "noise", "plan", "base"]].sum(axis=1), found["prediction"])
    np.testing.assert_allclose(found["base"], additive(compared).mean())
    assert seen.importance.index[0] == "age"
    assert seen.importance.index[-1] == "noise"


def shapley_values(model: Any, row: pd.DataFrame, compared: pd.DataFrame) -> dict[str, float]:
    """By their definition: the mean over all sets of other columns."""

    def worth(known: tuple[str, ...]) -> float:
        return float(model(compared.assign(**{name: row[name].iloc[0] for name in known})).mean())

    names, found = list(row), {}
    for name in names:
        others = [other for other in names if other != name]
        weights = [(factorial(k) * factorial(len(others) - k) / factorial(len(names)), k) for k in range(len(names))]
        found[name] = sum(
            weight * (worth((*known, name)) - worth(known))
            for weight, k in weights
            for known in combinations(others, k)
        )
    return found


def test_where_columns_act_together_the_sample_comes_close_to_the_definition(api: Workbench) -> None:
    api.model("spend", mixed, example=EXAMPLE)
    rows, compared = people(5, 2), reference(api, "spend")
    found = api.explain("spend", rows).frame()
    for i in range(len(rows)):
        for name, true in shapley_values(mixed, rows.iloc[[i]], compared).items():
            assert found[name].iloc[i] == pytest.approx(true, abs=0.12)


def over_v2(service: Any, rows: pd.DataFrame) -> Iterator[list[str]]:
    """The explanations that the Open Inference Protocol gives, over HTTP and over gRPC in both forms of a tensor."""
    with client(service) as asking:
        asked = tensors(rows) | {"parameters": {"explain": True}}
        (output,) = asking.post("/v2/models/spend/infer", json=asked).json()["outputs"]
        assert (output["name"], output["datatype"], output["shape"]) == ("explanation", "BYTES", [len(rows)])
        yield output["data"]
    with Asking(service) as calls:
        for raw in (True, False):
            made = request(tensors_of(rows), raw=raw, model="spend")
            made.parameters["explain"].bool_param = True
            yield columns(calls.infer(made))["explanation"]


def test_a_row_has_the_same_explanation_alone_among_others_and_over_http(api: Workbench) -> None:
    api.model("spend", mixed, example=EXAMPLE)
    rows = people(9, 3)
    here = api.explain("spend", rows)
    alone = api.explain("spend", rows.iloc[[4]])
    np.testing.assert_allclose(alone.frame().iloc[0, :5].astype(float), here.frame().iloc[4, :5].astype(float))
    service = api.serve("spend", log_requests=True, grpc=True)
    body = rows.to_dict("records")
    for said in over_v2(service, rows):
        found = pd.DataFrame([one["contributions"] for one in map(json.loads, said)])
        np.testing.assert_allclose(found, here.frame()[list(found)])
    with client(service) as asking:
        for path, sent in (("/explain", body), ("/v1/models/spend:explain", {"instances": body})):
            answer = asking.post(path, json=sent)
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-workbench-version"] == "1"
            said = answer.json()
            assert said["method"] == here.method
            over = pd.DataFrame([one["contributions"] for one in said["explanations"]])
            np.testing.assert_allclose(over, here.frame()[list(over)])
            assert [one["answer"] for one in said["explanations"]] == pytest.approx(here.frame()["prediction"].tolist())
        assert asking.post("/explain", json=[*body] * 20).status_code == 413
        assert asking.post("/explain", json={"age": "old"}).status_code == 400
        assert asking.get("/explain").status_code == 405
        predicted = asking.post("/predict", json=body[0])
        assert predicted.json() == {"prediction": pytest.approx(float(mixed(rows)[0]))}
    log = api.requests("spend")
    assert len(log) == 1, "to explain is not to predict"


def test_a_label_is_explained_by_how_often_others_get_it(api: Workbench) -> None:
    api.model("age_of", labels, example=EXAMPLE)
    rows, compared = people(30, 4), reference(api, "age_of")
    found = api.explain("age_of", rows).frame()
    share = (compared["age"] > 40).mean()
    np.testing.assert_allclose(found["base"], np.where(found["prediction"] == "old", share, 1 - share))
    np.testing.assert_allclose(found["age"] + found["base"], 1.0)
    assert "how often others get such an answer" in str(api.explain("age_of", rows.head(1)))


def test_models_that_are_not_row_wise_and_arrays_are_explained_too(api: Workbench) -> None:
    api.model("rank", ranked, example=EXAMPLE)
    found = api.explain("rank", people(1, 5)).frame()
    assert found["age"].iloc[0] == pytest.approx(0), "alone everybody has rank 1"
    images = np.random.default_rng(0).random((200, 3))
    api.model("pixels", pixels, example=images)
    seen = api.explain("pixels", images[:4])
    np.testing.assert_allclose(seen.found.contributions[:, 2], 0, atol=1e-9)
    assert seen.frame().columns[2].endswith("[2]")


def test_a_model_may_explain_itself(api: Workbench) -> None:
    api.model("told", Told, example=EXAMPLE)
    seen = api.explain("told", people(6, 6))
    assert list(seen.frame().columns) == ["age", "everything else", "base", "prediction"]
    assert seen.method == "as the model's own `explain` says"
    assert seen.found.base.tolist() == [1.0] * 6
    with client(api.serve("told")) as asking:
        said = asking.post("/explain", json=people(6, 6).to_dict("records")).json()
    assert said["explanations"][2]["contributions"]["age"] == pytest.approx(seen.frame()["age"].iloc[2])
    api.model("wrong", ToldWrong, example=EXAMPLE)
    with pytest.raises(ModelFailed, match="7 values for the columns"):
        api.explain("wrong", people(6, 6))


def test_it_reads_well_and_draws_itself(api: Workbench) -> None:
    api.model("spend", additive, example=EXAMPLE)
    over_all = api.explain("spend", rows=50)
    assert str(over_all).startswith("spend@1 prediction of 50 of 300 rows of its reference, evenly · base ")
    one = api.explain("spend", people(1, 7))
    assert "age = " in str(one)
    assert "sampled Shapley values, 128 orders" in str(one)
    for seen in (over_all, one):
        drawing = ElementTree.fromstring(str(seen.plot()))
        assert drawing.tag.endswith("svg")
        assert html(str(seen)).startswith("<div")
    assert over_all.plot(3) != over_all.plot(4)
    assert over_all.to_json()["importance"]["noise"] == pytest.approx(0)


def test_what_cannot_be_explained_says_so(api: Workbench) -> None:
    api.model("spend", additive, example=EXAMPLE)
    with pytest.raises(UsageError, match="no single value 'risk'"):
        api.explain("spend", answer="risk")
    with pytest.raises(UsageError, match="no rows"):
        api.explain("spend", EXAMPLE.head(0))
    api.model("private", additive, example=EXAMPLE, no_reference=True)
    with pytest.raises(NotFound, match="--no-reference"):
        api.explain("private", EXAMPLE)
    assert len(api.explain("private", EXAMPLE.head(3), against=EXAMPLE)) == 3


def test_trees_are_explained_by_shap_and_ours_comes_close(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("shap", reason="the extra `explain` is not installed")
    numbers = EXAMPLE[["age", "calls", "noise"]]
    regressor = RandomForestRegressor(20, max_depth=4, random_state=0).fit(numbers, numbers["age"] * numbers["calls"])
    classifier = RandomForestClassifier(20, max_depth=4, random_state=0).fit(numbers, EXAMPLE["plan"])
    api.model("trees", regressor, example=numbers)
    api.model("plan", classifier, example=numbers)
    rows = people(8, 8)[["age", "calls", "noise"]]
    exact = api.explain("trees", rows)
    assert exact.method.startswith("SHAP values of trees")
    found = exact.frame()
    np.testing.assert_allclose(found[[*numbers, "base"]].sum(axis=1), found["prediction"])
    labelled = api.explain("plan", rows)
    chosen = classifier.predict_proba(rows).max(axis=1)
    np.testing.assert_allclose(labelled.frame()[[*numbers, "base"]].sum(axis=1), chosen)
    monkeypatch.setattr("workbench.monitoring.explainers.find_spec", lambda name: None)
    sampled = api.explain("trees", rows)
    assert sampled.method.startswith("sampled")
    assert np.abs(sampled.frame()[list(numbers)] - found[list(numbers)]).to_numpy().max() < 6.0
