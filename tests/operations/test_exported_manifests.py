"""Manifests are what the platforms take: by their own schemas, with the routing of the deployment that was exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cluster_schemas import check, documents
from export_models import ROWS, first, second, third
from hera import workflows

from workbench.api import Workbench
from workbench.errors import UsageError
from workbench.exports import knative
from workbench.exports.subject import Subject
from workbench.routing.table import Table

IMAGE = "registry.example/team/late"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    for function in (first, second):
        workbench.model("late_departure", function, example=ROWS, row_wise="yes")
    workbench.alias("late_departure@1", "live")
    return workbench.registry.folder


@pytest.fixture
def api(home: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("WORKBENCH_REGISTRY", str(made))
    monkeypatch.chdir(tmp_path)
    workbench = Workbench(home)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture
def canary(api: Workbench) -> str:
    api.serve("late_departure")
    api.promote("late_departure@2", canary="10")
    return "service/late_departure"


@pytest.fixture
def shadow(api: Workbench) -> str:
    api.serve("late_departure")
    api.promote("late_departure@2", shadow=True)
    return "service/late_departure"


def test_kserve_from_an_image(api: Workbench, tmp_path: Path) -> None:
    exported = api.export("late_departure@2", to="kserve", output="out", image=IMAGE)
    (service,) = documents(tmp_path / "out" / "inferenceservice.yaml")
    container = service["spec"]["predictor"]["containers"][0]
    assert container["image"] == f"{IMAGE}:2"
    assert container["envFrom"] == [{"secretRef": {"name": "late-departure"}}]
    assert (tmp_path / "out" / "images" / "2" / "models" / "late-departure" / "2" / "MLmodel").is_file()
    assert "verify late-departure@2 --against $URL --token WORKBENCH_TOKEN" in exported.prove
    check(service)


def test_kserve_from_storage(api: Workbench, tmp_path: Path) -> None:
    api.export("late_departure@2", to="kserve", output="out", storage="s3://bucket/models")
    (service,) = documents(tmp_path / "out" / "inferenceservice.yaml")
    assert service["spec"]["predictor"]["model"]["storageUri"] == "s3://bucket/models/late-departure/2"
    assert (tmp_path / "out" / "models" / "late-departure" / "2" / "MLmodel").is_file()
    check(service)


def test_kserve_canary(api: Workbench, canary: str, tmp_path: Path) -> None:
    api.export(canary, to="kserve", output="out")
    (live,), (comes,) = (documents(tmp_path / "out" / name) for name in ("1-live.yaml", "2-canary.yaml"))
    assert "canaryTrafficPercent" not in live["spec"]["predictor"]
    assert comes["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert comes["spec"]["predictor"]["containers"][0]["image"] == "late-departure:2"
    tags = {one["metadata"]["annotations"]["serving.kserve.io/enable-tag-routing"] for one in (live, comes)}
    assert tags == {"true"}
    check(live, comes)


@pytest.mark.parametrize("platform", ["kserve", "knative"])
def test_where_there_is_no_shadow_it_is_left_out_and_said(
    api: Workbench, shadow: str, tmp_path: Path, platform: str
) -> None:
    exported = api.export(shadow, to=platform, output="out")
    (said,) = [note for note in exported.notes if "has no shadow" in note]
    assert said.endswith("has no shadow: late_departure@2 is left out, late_departure@1 answers everything")
    assert said in (tmp_path / "out" / "README.md").read_text()
    assert not (tmp_path / "out" / "images" / "2").exists()


def test_seldon_from_storage_of_one_version(api: Workbench, tmp_path: Path) -> None:
    api.export("late_departure@2", to="seldon", output="out", storage="gs://bucket/models")
    server, model = documents(tmp_path / "out" / "v2.yaml")
    assert (server["kind"], model["spec"]["storageUri"]) == ("Server", "gs://bucket/models/late-departure/2")
    assert "gcloud storage rsync --recursive models gs://bucket/models" in (tmp_path / "out" / "README.md").read_text()
    check(server, model)


def test_seldon_canary_in_both_versions(api: Workbench, canary: str, tmp_path: Path) -> None:
    api.export(canary, to="seldon", output="out", storage="s3://bucket/models")
    (first_one,) = documents(tmp_path / "out" / "v1.yaml")
    traffic = {one["name"]: one["traffic"] for one in first_one["spec"]["predictors"]}
    assert traffic == {"v1": 90, "v2": 10}
    graphs = {one["graph"]["name"] for one in first_one["spec"]["predictors"]}
    assert graphs == {"late-departure"}
    assert "default" not in documents(tmp_path / "out" / "v2.yaml")[-1]["spec"]  # each answers by its own name
    second_one = documents(tmp_path / "out" / "v2.yaml")
    assert [one["kind"] for one in second_one] == ["Server", "Model", "Model", "Experiment"]
    assert second_one[-1]["spec"]["candidates"] == [
        {"name": "late-departure-1", "weight": 90},
        {"name": "late-departure-2", "weight": 10},
    ]
    check(first_one, *second_one)


def test_seldon_shares_the_traffic_between_several(api: Workbench, tmp_path: Path) -> None:
    api.model("late_departure", third, example=ROWS, row_wise="yes")
    api.serve("late_departure")
    api.promote("late_departure", split="1=50,2=30,3=20")
    api.export("service/late_departure", to="seldon", output="out", storage="s3://bucket/models")
    (one,) = documents(tmp_path / "out" / "v1.yaml")
    assert {each["name"]: each["traffic"] for each in one["spec"]["predictors"]} == {"v1": 50, "v2": 30, "v3": 20}
    *_, experiment = documents(tmp_path / "out" / "v2.yaml")
    assert [each["weight"] for each in experiment["spec"]["candidates"]] == [50, 30, 20]
    check(one, experiment)
    with pytest.raises(UsageError, match="share what service/late_departure is asked, and kserve has one that comes"):
        api.export("service/late_departure", to="kserve", output="other")


def test_seldon_shadow(api: Workbench, shadow: str, tmp_path: Path) -> None:
    api.export(shadow, to="seldon", output="out", storage="s3://bucket/models")
    (first_one,) = documents(tmp_path / "out" / "v1.yaml")
    assert [one.get("shadow", False) for one in first_one["spec"]["predictors"]] == [False, True]
    *_, experiment = documents(tmp_path / "out" / "v2.yaml")
    assert experiment["spec"]["mirror"] == {"name": "late-departure-2", "percent": 100}
    check(first_one, experiment)


def test_knative_splits_the_traffic(api: Workbench, canary: str, tmp_path: Path) -> None:
    api.export(canary, to="knative", output="out")
    (live,), (comes,) = (documents(tmp_path / "out" / name) for name in ("1-live.yaml", "2-canary.yaml"))
    assert live["spec"]["traffic"] == [{"revisionName": "late-departure-1", "percent": 100, "tag": "live"}]
    shares = {one["revisionName"]: one["percent"] for one in comes["spec"]["traffic"]}
    assert shares == {"late-departure-1": 90, "late-departure-2": 10}
    assert comes["spec"]["template"]["metadata"]["name"] == "late-departure-2"
    check(live, comes)


def test_knative_brings_the_events_of_a_stream(api: Workbench, tmp_path: Path) -> None:
    api.put("queue:rows", ROWS)
    api.stream("late_departure", "queue:rows", output="queue:scores")
    api.export("stream/late_departure", to="knative", output="out")
    broker, trigger = documents(tmp_path / "out" / "events.yaml")
    (service,) = documents(tmp_path / "out" / "service.yaml")
    assert trigger["spec"]["broker"] == broker["metadata"]["name"]
    assert trigger["spec"]["subscriber"]["ref"]["name"] == service["metadata"]["name"]
    assert service["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"
    check(broker, trigger, service)
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "-H 'ce-type: workbench.row' -d '{\"a\":" in readme
    assert "kubectl run prove --rm --attach --restart=Never --image=late-departure:" in readme
    assert "`queue:scores` is not written to there, and `queue:rows` not read." in readme


@pytest.mark.parametrize("platform", ["docker", "compose", "knative"])
def test_a_stream_takes_its_canary_along(api: Workbench, tmp_path: Path, platform: str) -> None:
    api.put("queue:rows", ROWS)
    api.stream("late_departure@live", "queue:rows", output="scores.csv", name="scores")
    api.promote("late_departure@2", canary="50")
    exported = api.export("stream/scores", to=platform, output="out")
    assert exported.name == "late_departure@1 and late_departure@2"
    jobs = sorted((tmp_path / "out").rglob("*.json"))
    said = [json.loads(file.read_text()) for file in jobs if file.name in ("job.json", "stream.json")]
    assert [one["table"] for one in said if "table" in one] or platform == "knative"


def test_knative_reads_kafka(api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Secret holds who reads; no manifest does."""
    version = api.models("late_departure")[0]
    spec = {"input": "kafka://${WHO}:${SECRET}@one:9093,two:9093/rows?group=scores", "output": "queue:x"}
    subject = Subject("rows", "stream", "late_departure", (version,), Table(version.ref), spec)
    knative.write(subject, tmp_path)
    *_, source = documents(tmp_path / "events.yaml")
    assert source["spec"]["bootstrapServers"] == ["one:9093", "two:9093"]
    assert (source["spec"]["topics"], source["spec"]["consumerGroup"]) == (["rows"], "scores")
    keys = {name: one["secretKeyRef"]["key"] for name, one in source["spec"]["net"]["sasl"].items() if name != "enable"}
    assert keys == {"user": "WHO", "password": "SECRET"}
    with pytest.raises(UsageError, match="whose name or password stands in its place"):
        knative.write(replace(subject, spec={**spec, "input": "kafka://ann:pw@one:9093/rows"}), tmp_path / "b")


def test_argo_runs_a_schedule(api: Workbench, tmp_path: Path) -> None:
    ROWS.to_csv("rows.csv", index=False)
    api.batch(
        "late_departure", "rows.csv", output="scored/", every="monday 6:00", zone="Europe/Berlin", overlap="replace"
    )
    exported = api.export("schedule/late_departure", to="argo", output="out")
    (workflow,) = documents(tmp_path / "out" / "workflow.yaml")
    (cron,) = documents(tmp_path / "out" / "cronworkflow.yaml")
    assert cron["spec"]["schedules"] == ["0 6 * * 1"]
    assert (cron["spec"]["timezone"], cron["spec"]["concurrencyPolicy"]) == ("Europe/Berlin", "Replace")
    prove, score = workflow["spec"]["templates"][0]["dag"]["tasks"]
    assert score["depends"] == prove["name"]
    assert any(f"`{tmp_path / 'rows.csv'}`" in note for note in exported.notes)
    assert workflows.Workflow.from_dict(workflow).to_dict() == workflow
    assert workflows.CronWorkflow.from_dict(cron).to_dict() == cron
    check(workflow, cron)


def test_a_model_that_keeps_no_rows_carries_none(home: Path, tmp_path: Path) -> None:
    workbench = Workbench(home)
    workbench.model("private", first, example=ROWS, no_reference=True)
    exported = workbench.export("private", to="docker", output=str(tmp_path / "image"))
    assert exported.rows == ("private@1 carries no rows of its example (captured with --no-reference)",)
    assert not exported.prove
    assert not list((tmp_path / "image").rglob("*.parquet"))
    workbench.export("private", to="argo", output=str(tmp_path / "argo"))
    (workflow,) = documents(tmp_path / "argo" / "workflow.yaml")
    assert workflow["spec"]["entrypoint"] == "score"
    check(workflow)
