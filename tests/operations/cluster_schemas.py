"""The platforms' own schemas, where they lie beside the repository: what a manifest must be for them to take it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "shared" / "crds"
FILES = {
    ("serving.kserve.io/v1beta1", "InferenceService"): "kserve-inferenceservices.yaml",
    ("machinelearning.seldon.io/v1", "SeldonDeployment"): "seldon-v1-seldondeployments.yaml",
    ("mlops.seldon.io/v1alpha1", "Model"): "seldon-v2-models.yaml",
    ("mlops.seldon.io/v1alpha1", "Server"): "seldon-v2-servers.yaml",
    ("mlops.seldon.io/v1alpha1", "Experiment"): "seldon-v2-experiments.yaml",
    ("serving.knative.dev/v1", "Service"): "knative-serving-service.yaml",
    ("eventing.knative.dev/v1", "Broker"): "knative-eventing-broker.yaml",
    ("eventing.knative.dev/v1", "Trigger"): "knative-eventing-trigger.yaml",
    ("argoproj.io/v1alpha1", "Workflow"): "argo-workflows.yaml",
    ("argoproj.io/v1alpha1", "CronWorkflow"): "argo-cronworkflows.yaml",
}


def documents(file: Path) -> list[Any]:
    """The manifests in a file."""
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def check(*manifests: Any) -> None:
    """That the platforms would take them, with no field that they do not know."""
    if not FOLDER.is_dir():
        pytest.skip(
            "no part of the project: the platforms' schemas, which lie in ../shared/crds for those who have them"
        )
    for manifest in manifests:
        found = schema(manifest["apiVersion"], manifest["kind"])
        error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(found).iter_errors(manifest))
        assert error is None, f"{error.json_path}: {error.message[:300]}"


@functools.cache
def schema(version: str, kind: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load((FOLDER / FILES[version, kind]).read_text(encoding="utf-8"), Loader=loader)
    (found,) = [one for one in definition["spec"]["versions"] if one["name"] == version.rpartition("/")[2]]
    whole = found["schema"]["openAPIV3Schema"]
    whole["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
    return strict(whole)


def strict(node: Any) -> Any:
    """As the API server reads it: a field that is not described is refused."""
    if isinstance(node, list):
        return [strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {name: strict(value) for name, value in node.items() if name != "format"}
    if node.pop("x-kubernetes-int-or-string", False):
        node.pop("type", None)
        node["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    loose = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node
    if isinstance(node.get("properties"), dict) and node.get("type") == "object" and not loose:
        node["additionalProperties"] = False
    return node
