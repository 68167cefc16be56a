"""`verify --against`: services of ours and of others answer the reference rows, or it is said which differ and why."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from against_models import IMAGES, WIDE, X, arrays, centred, doubled, itself, mixed, nearly_doubled
from customer_models import CUSTOMERS, array_model
from others import serving
from ports import free_port

from workbench.api import Workbench
from workbench.errors import NotFound, NotProven, UsageError, WorkbenchError
from workbench.operations.against import Agreement, against


@pytest.fixture
def api(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """An API under which nothing runs."""
    monkeypatch.chdir(tmp_path)
    workbench = Workbench(home)
    workbench.model("double", doubled, example=X, row_wise="yes")
    return workbench


def agreed(api: Workbench, url: str, model: str = "double", timeout: float = 30) -> Agreement:
    return against(api.registry.resolve(model), url, None, api.running, api.registry, timeout=timeout)


def refused(api: Workbench, url: str, **how: Any) -> WorkbenchError:
    with pytest.raises(WorkbenchError) as told:
        agreed(api, url, **how)
    return told.value


def answers(rows: list[dict[str, Any]]) -> list[float]:
    return [row["a"] * 2 + row["b"] for row in rows]


def split(said: Any) -> list[dict[str, Any]]:
    return [dict(zip(said["dataframe_split"]["columns"], row, strict=True)) for row in said["dataframe_split"]["data"]]


@pytest.fixture
def running(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An API whose services are stopped at the end."""
    monkeypatch.chdir(tmp_path)
    workbench = Workbench(home)
    yield workbench
    workbench.shutdown(all=True)


def test_our_own_services_answer_over_each_protocol(running: Workbench) -> None:
    rows = {"mixed": 6, "wide": 4, "rows": 5, "images": 4}
    running.model("wide", itself, example=WIDE)
    running.model("mixed", mixed, example=CUSTOMERS)
    running.model("rows", array_model, example=np.linspace(0, 1, 15).reshape(5, 3))
    running.model("images", arrays, example=IMAGES)
    for model, count in rows.items():
        service = running.serve(model)
        paths = {"": "Open Inference", "/predict": "plain JSON", "/invocations": "MLflow"}
        for path, protocol in {**paths, f"/v2/models/{model}": "Open Inference"}.items():
            said = str(running.verify(model, against=service.url + path))
            assert f"{count} of {count} reference rows equal ({protocol}" in said, said
            assert service.token not in said
    assert f"{model}@1 ✓ {service.url} answers" in str(running.verify(model, against=model))
    assert "6 of 6" in str(running.verify("mixed", against="service/mixed"))
    assert running.verify("mixed", against="mixed").to_json()["rows"] == 6


def test_a_service_that_follows_another_version_is_found_out(
    running: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.model("churn", doubled, example=X)
    service = running.serve("churn")
    running.model("churn", nearly_doubled, example=X)
    with pytest.raises(
        NotProven, match=r"churn@2: 31 of 40 reference rows equal at .* column 'prediction', row 31: "
    ) as told:
        running.verify("churn", against="churn")
    assert "row 32" in str(told.value.where)
    assert running.verify("churn@1", against=service.url.removeprefix("http://")).to_json()["rows"] == 40
    assert running.verify("churn@1", against=service.url.replace("127.0.0.1", "localhost")).to_json()["rows"] == 40
    monkeypatch.setenv("HV_TOKEN", "wrong-secret")
    with pytest.raises(UsageError, match=r"refuses the token that was sent \(401\)") as told:
        running.verify("churn", against=service.url, token="HV_TOKEN")
    assert "wrong-secret" not in str(told.value)
    with pytest.raises(UsageError, match="--token names a variable") as told:
        running.verify("churn", against=service.url, token="s3cret")
    assert "s3cret" not in str(told.value)


def test_mlflow_is_known_by_its_ping(api: Workbench) -> None:
    routes = {"GET /ping": lambda _: "\n", "POST /invocations": lambda said: {"predictions": answers(split(said))}}
    with serving(routes) as url:
        assert "40 of 40 reference rows equal (MLflow /invocations, within the tolerance" in str(agreed(api, url))


def test_mlflow_writes_nan_as_it_is(api: Workbench) -> None:
    api.model("nan", doubled, example=X.assign(a=X["a"].where(X["b"] != 3)), row_wise="yes")
    with serving(
        {
            "POST /invocations": lambda said: {
                "predictions": [
                    a * 2 + b if a is not None else float("nan") for a, b in said["dataframe_split"]["data"]
                ]
            }
        }
    ) as url:
        assert agreed(api, f"{url}/invocations", "nan").rows == 40


@pytest.mark.parametrize("first", [True, False], ids=["records", "rows"])
def test_kserve_takes_records_or_rows(api: Workbench, first: bool) -> None:
    def predict(said: Any) -> Any:
        rows = said["instances"]
        if isinstance(rows[0], dict) != first:
            return 500, {"error": "float() argument must be a string"}
        return {"predictions": answers(rows) if first else [a * 2 + b for a, b in rows]}

    routes = {"GET /v1/models": lambda _: {"models": ["other"]}, "POST /v1/models/other:predict": predict}
    with serving(routes) as url:
        assert "40 of 40 reference rows equal (KServe :predict" in str(agreed(api, url))
        assert agreed(api, f"{url}/v1/models/other").rows == agreed(api, f"{url}/v1/models/other:predict").rows == 40


def test_a_service_by_hand_may_take_records_alone(api: Workbench) -> None:
    def predict(said: Any) -> Any:
        return {"scores": answers(said)} if isinstance(said, list) else (422, {"detail": [{"msg": "a list"}]})

    with serving({"POST /predict": predict}) as url:
        assert "40 of 40 reference rows equal (plain JSON" in str(agreed(api, f"{url}/predict"))


def v2(inputs: list[dict[str, Any]], infer: Any, name: str = "m") -> dict[str, Any]:
    return {
        "GET /v2": lambda _: {"name": "triton", "version": "2.50.0", "extensions": []},
        f"GET /v2/models/{name}": lambda _: {"name": name, "inputs": inputs, "outputs": []},
        "POST /v2/repository/index": lambda _: [{"name": name, "state": "READY"}],
        f"POST /v2/models/{name}/infer": infer,
    }


def test_triton_takes_columns_of_its_own_types_and_answers_in_single_precision(api: Workbench) -> None:
    def infer(said: Any) -> Any:
        tensors = {one["name"]: one for one in said["inputs"]}
        assert tensors["a"]["datatype"] == "FP32"
        assert tensors["a"]["shape"] == [40, 1]
        values = [np.array(tensors[name]["data"], np.float32) for name in ("a", "b")]
        data = (values[0] * 2 + values[1]).tolist()
        return {"outputs": [{"name": "output__0", "shape": [40, 1], "datatype": "FP32", "data": data}]}

    declared = [{"name": name, "datatype": "FP32", "shape": [-1, 1]} for name in ("a", "b")]
    with serving(v2(declared, infer)) as url:
        said = agreed(api, url)
        assert said.single
        assert (
            "40 of 40 reference rows equal (Open Inference Protocol, within the tolerance of single precision"
            in str(said)
        )


def test_numbers_go_as_one_tensor_where_the_model_takes_one(api: Workbench) -> None:
    def infer(said: Any) -> Any:
        (tensor,) = said["inputs"]
        assert (tensor["name"], tensor["shape"], tensor["datatype"]) == ("input-0", [40, 2], "FP64")
        data = np.array(tensor["data"]).reshape(40, 2) @ [2, 1]
        return {"outputs": [{"name": "predict", "shape": [40], "datatype": "FP64", "data": data.tolist()}]}

    with serving(v2([{"name": "input-0", "datatype": "FP64", "shape": [-1, 2]}], infer, "double")) as url:
        assert agreed(api, url).rows == 40
        assert agreed(api, f"{url}/v2/models/double/infer").protocol == "Open Inference Protocol"


def test_a_frame_says_that_it_is_one_where_nothing_is_declared(api: Workbench) -> None:
    def infer(said: Any) -> Any:
        assert said["parameters"] == {"content_type": "pd"}
        data = answers(
            [dict(zip("ab", row, strict=True)) for row in zip(*(t["data"] for t in said["inputs"]), strict=True)]
        )
        return {"outputs": [{"name": "output-1", "shape": [40, 1], "datatype": "FP64", "data": data}]}

    with serving(v2([], infer)) as url:
        assert agreed(api, url).rows == 40


def test_what_is_too_large_is_asked_in_parts(api: Workbench) -> None:
    seen: list[int] = []

    def invocations(said: Any) -> Any:
        rows = split(said)
        seen.append(len(rows))
        return {"predictions": answers(rows)} if len(rows) <= 10 else (413, {"message": "too many"})

    with serving({"POST /invocations": invocations}) as url:
        assert agreed(api, f"{url}/invocations").rows == 40
        assert seen.count(10) == 4
        api.model("mean", centred, example=X)
        told = refused(api, f"{url}/invocations", model="mean")
    assert "answers 413: too many" in told.what


PREDICT = "POST /predict"


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (lambda said: [1.0] * 39, NotProven, "answers 39 rows to 40 rows"),
        (lambda said: [{"x": 1, "y": 2}] * 40, NotProven, "answers x, y; double@1 answers prediction"),
        (lambda said: ["high"] * 40, NotProven, "answers other values than double@1: column 'prediction'"),
        (lambda said: {"ok": True}, NotProven, "the answer holds no rows: it is an object of ok"),
        (lambda said: "<html>hello</html>", NotProven, r"answers what is no JSON \(text/html\)"),
        (lambda said: (500, {"detail": "boom"}), NotProven, "answers 500: boom"),
        (lambda said: (400, {"error": "no column c"}), NotProven, "answers 400: no column c"),
        (lambda said: (401, {}), UsageError, r"asks for a token \(401\)"),
        (lambda said: (404, "nothing"), NotFound, "answers 404: nothing"),
        (lambda said: (302, "http://127.0.0.1/login?secret=1"), NotProven, r"sends elsewhere \(302\)"),
        (lambda said: (503, {"error": "loading"}), NotProven, "answers 503: loading"),
        (lambda said: [v + 1e-9 for v in X["a"] * 2 + X["b"]], NotProven, "double@1: 0 of 40 reference rows equal at "),
    ],
)
def test_what_is_wrong_there_is_said_in_words(api: Workbench, answer: Any, kind: type[Exception], said: str) -> None:
    with serving({PREDICT: answer}) as url:
        told = refused(api, f"{url}/predict?key=hidden")
    assert type(told) is kind
    assert told.fix
    assert "hidden" not in str(told)
    assert "secret" not in str(told)
    with pytest.raises(kind, match=said):
        raise told


def test_a_service_that_is_not_there_or_does_not_answer(api: Workbench) -> None:
    assert "cannot be reached: " in refused(api, f"http://127.0.0.1:{free_port()}").what
    gate = threading.Event()
    try:
        with serving({PREDICT: lambda said: gate.wait(60) and []}) as url:
            assert f"{url}/predict did not answer within 0.2 s" in refused(api, f"{url}/predict", timeout=0.2).what
            gate.set()
    finally:
        gate.set()
    with serving({"GET /": lambda _: "hello"}) as url:
        assert "speaks no protocol that is known here" in refused(api, url).what
    with serving({**v2([], None), "POST /v2/repository/index": lambda _: [{"name": n} for n in ("m", "n")]}) as url:
        told = refused(api, url)
    assert "has no model 'double'; it has m, n" in told.what
    assert told.fix == f"name one: {url}/v2/models/m"
    for wrong in ("ftp://somewhere", "http://", "http://host:port/x"):
        assert "is no address of a service" in refused(api, wrong).what
    assert "nothing" in refused(api, "nothing").what


def test_infinities_are_left_out_and_said_to_be(api: Workbench) -> None:
    rows = X.copy()
    rows.loc[3, "a"] = np.inf
    api.model("inf", doubled, example=rows, row_wise="yes")
    with serving({PREDICT: lambda said: [a * 2 + b for a, b in zip(said["a"], said["b"], strict=True)]}) as url:
        said = str(agreed(api, f"{url}/predict", model="inf"))
    assert "39 of 39 reference rows equal" in said
    assert "1 row left out: JSON has no infinity" in said


def test_what_does_not_go_together_is_refused(api: Workbench) -> None:
    with pytest.raises(UsageError, match="two ways to prove"):
        api.verify("double", isolated=True, against="http://127.0.0.1:1")
    with pytest.raises(UsageError, match="--token is for --against"):
        api.verify("double", token="NAME")


def test_a_version_without_rows_cannot_be_compared(api: Workbench) -> None:
    api.model("private", doubled, example=X, no_reference=True)
    assert "keeps no rows" in refused(api, "http://127.0.0.1:1", model="private").what


def test_the_answer_as_json_names_no_secret(api: Workbench) -> None:
    with serving(
        {PREDICT: lambda said: answers([dict(zip(said, row, strict=True)) for row in zip(*said.values(), strict=True)])}
    ) as url:
        told = json.dumps(agreed(api, f"{url.replace('://', '://me:pass@')}/predict?key=hidden").to_json())
    assert f'"{url}/predict"' in told
    assert "pass" not in told
