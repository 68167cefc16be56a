"""Run by a Python that has MLflow beside Workbench, with WORKBENCH_REGISTRY naming a real server or database: ours and
those of others are registered, found, promoted, and used in all four ways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
from export_models import ROWS, first, second
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression
from waiting import until

from workbench import paths
from workbench.api import Workbench
from workbench.errors import WorkbenchError

ADDRESS = paths.mlflow() or ""
PLAIN = {"serialization_format": "pickle", "pip_requirements": ["scikit-learn"]}


@contextmanager
def named_to_mlflow() -> Iterator[None]:
    """MLflow's own calls go there as well; Workbench's do by WORKBENCH_REGISTRY alone, as most people have it."""
    mlflow.set_tracking_uri(ADDRESS)
    mlflow.set_registry_uri(ADDRESS)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)


class Twice(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A class of `__main__`, as a notebook's are."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return 2 * model_input["a"]


def refused(ask: Any) -> str:
    try:
        ask()
    except WorkbenchError as error:
        return str(error)
    raise AssertionError("nothing was refused")


def ours(api: Workbench, client: Any) -> None:
    """A captured model is MLflow's own: its version, aliases, tags, note, signature and example."""
    assert api.model("churn", first, example=ROWS, note="the first").ref == "churn@1"
    assert api.model("churn", first, example=ROWS).unchanged
    assert api.model("churn", second, example=ROWS, alias="champion").ref == "churn@2"
    kept = client.get_model_version("churn", "1")
    assert kept.description.startswith("the first")
    assert "a clean process answers" in kept.tags["workbench.proof"]
    assert int(client.get_model_version_by_alias("churn", "champion").version) == 2
    assert [version.ref for version in api.models("churn")] == ["churn@1", "churn@2"]
    assert api.models()[0].ref == "churn@2"
    for number, function in ((1, first), (2, second)):
        with named_to_mlflow():
            loaded = mlflow.pyfunc.load_model(f"models:/churn/{number}")
        assert loaded.predict(ROWS)["prediction"].tolist() == function(ROWS).tolist()
        assert loaded.metadata.signature.inputs.input_names() == ["a", "b"]
        assert len(loaded.input_example) == 5
    assert api.alias("churn@champion").aliases == {"champion": 2}
    assert "there are @1, @2, @champion (now 2)" in refused(lambda: api.predict("churn@7", ROWS))
    assert "did you mean 'churn'?" in refused(lambda: api.predict("chrn", ROWS))


def elsewhere(home: Path) -> None:
    """Another machine has what was registered here."""
    there = Workbench(home)
    assert there.predict("churn@champion", ROWS)["prediction"].tolist() == second(ROWS).tolist()
    assert there.model("churn", second, example=ROWS).unchanged
    assert there.verify("churn@1").rows == 120


def lasting(api: Workbench, client: Any, folder: Path) -> None:
    """A service and a stream follow `live`, wherever that was moved."""
    client.set_registered_model_alias("churn", "live", "1")
    service = api.serve("churn", no_token=True)
    api.put("queue:rows", ROWS)
    api.stream("churn", "queue:rows", output=str(folder / "scores.jsonl"))
    row = {"a": 1.0, "b": 2.0}
    assert httpx.post(f"{service.url}/predict", json=row).json() == {"prediction": 5.0}
    assert "no request failed" in str(api.promote("churn@2"))
    assert httpx.post(f"{service.url}/predict", json=row).json() == {"prediction": 1005.0}
    assert int(client.get_model_version_by_alias("churn", "live").version) == 2
    client.set_registered_model_alias("churn", "live", "1")  # by hand, in MLflow's own screen
    until(lambda: httpx.post(f"{service.url}/predict", json=row).json() == {"prediction": 5.0})
    until(
        lambda: (folder / "scores.jsonl").is_file() and len((folder / "scores.jsonl").read_text().splitlines()) == 120
    )


def others(api: Workbench, folder: Path) -> None:
    """What somebody else has logged, in other flavours, with an example and with a signature alone."""
    model = LinearRegression().fit(ROWS, ROWS["a"] * 2 + ROWS["b"])
    expected = model.predict(ROWS)
    with named_to_mlflow(), mlflow.start_run():
        mlflow.sklearn.log_model(model, name="m", registered_model_name="linear", input_example=ROWS.head(), **PLAIN)
        signature = mlflow.models.infer_signature(ROWS, expected)
        mlflow.sklearn.log_model(model, name="m", registered_model_name="signed", signature=signature, **PLAIN)
        mlflow.sklearn.log_model(model, name="m", registered_model_name="bare", **PLAIN)
        own = {"signature": signature, "pip_requirements": ["cloudpickle"]}
        mlflow.pyfunc.log_model(name="m", python_model=Twice(), registered_model_name="twice", **own)
    assert {"linear", "signed", "bare"} <= {version.name for version in api.models()}
    for name in ("linear", "signed"):
        np.testing.assert_allclose(api.predict(name, ROWS)["prediction"], expected, atol=1e-9)
    assert api.predict("twice", ROWS)["prediction"].tolist() == (2 * ROWS["a"]).tolist()
    assert "bare@1 says neither by a signature nor by an example" in refused(lambda: api.predict("bare", ROWS))
    ROWS.to_parquet(folder / "rows.parquet")
    api.batch("linear", str(folder / "rows.parquet"), output=str(folder / "linear.parquet"), wait=True)
    scored = pd.read_parquet(folder / "linear.parquet")["prediction"]
    np.testing.assert_allclose(scored, expected, atol=1e-9)
    service = api.serve("linear", no_token=True)
    asked = httpx.post(f"{service.url}/predict", json=ROWS.to_dict("records")).json()
    np.testing.assert_allclose([one["prediction"] for one in asked], expected, atol=1e-9)
    api.put("queue:linear", ROWS)
    api.stream("linear", "queue:linear", output=str(folder / "linear.jsonl"))
    until(
        lambda: (folder / "linear.jsonl").is_file() and len((folder / "linear.jsonl").read_text().splitlines()) == 120
    )


def notebooks(api: Workbench, client: Any, folder: Path) -> None:
    """A run of a notebook is a run there, into which its own calls go as well."""
    import nbformat

    handed = "import pandas, workbench\nworkbench.result(rows=depth * 10, worst=pandas.DataFrame({'a': [1, 2]}))"
    cells = ["depth = 1", "import mlflow\nmlflow.log_metric('auc', 0.5 + depth / 10)", handed]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(made, folder / "training.ipynb")
    api.batch(str(folder / "training.ipynb"), parameters={"depth": 3}, wait=True)
    (run,) = client.search_runs([client.get_experiment_by_name("training").experiment_id])
    assert (run.data.params, run.info.status) == ({"depth": "3"}, "FINISHED")
    assert run.data.metrics["auc"] == 0.8
    assert run.data.metrics["seconds"] > 0
    assert run.data.metrics["rows"] == 30
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["training.ipynb", "worst.parquet"]
    swept(api, client, folder)


def swept(api: Workbench, client: Any, folder: Path) -> None:
    """A sweep is a run with one below it for each point."""
    import nbformat

    cells = [
        nbformat.v4.new_code_cell(cell) for cell in ("rate = 1", "import workbench\nworkbench.result(loss=1 / rate)")
    ]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "tuning.ipynb")
    api.batch(str(folder / "tuning.ipynb"), sweep={"rate": "2,4"}, wait=True)
    runs = client.search_runs([client.get_experiment_by_name("tuning").experiment_id])
    (above,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    below = {run.data.params["rate"]: run for run in runs if run is not above}
    assert {rate: run.data.metrics["loss"] for rate, run in below.items()} == {"2": 0.5, "4": 0.25}
    assert {run.data.tags["mlflow.parentRunId"] for run in below.values()} == {above.info.run_id}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert [one.path for one in client.list_artifacts(above.info.run_id)] == ["comparison.csv"]


def removed(api: Workbench, client: Any) -> None:
    assert "an alias points to it" in refused(lambda: api.remove("churn@2"))
    for alias in api.alias("churn@2").aliases:
        api.alias("churn", alias, remove=True)
    api.remove("churn@2")
    assert [version.ref for version in api.models("churn")] == ["churn@1"]
    assert api.model("churn", second, example=ROWS).version == 3


def main(folder: Path, how: str) -> None:
    api, client = Workbench(folder / "home"), MlflowClient(ADDRESS, ADDRESS)
    if how == "unreachable":
        assert api.predict("churn@1", ROWS)["prediction"].tolist() == first(ROWS).tolist()
        assert f"MLflow at {ADDRESS} says" in refused(lambda: api.models("others"))
        assert api.batch(str(folder / "tuning.ipynb"), wait=True).state == "done"
        api.shutdown(all=True)
        print("right")
        return
    try:
        ours(api, client)
        elsewhere(folder / "other")
        if how == "all":
            others(api, folder)
            notebooks(api, client, folder)
            lasting(api, client, folder)
    finally:
        api.shutdown(all=True)
    removed(api, client)
    print("right")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
