"""The verbs that look and the verbs that remove, on a registry of small and of damaged versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.api import Workbench
from workbench.bundle.layout import MANIFEST, Manifest, write_manifest
from workbench.bundle.version import ModelVersion
from workbench.errors import NotFound, UsageError


def publish(workbench: Workbench, name: str = "churn") -> ModelVersion:
    schema = {"kind": "frame", "fields": []}
    with workbench.registry.stage() as place:
        (place / "bundle").mkdir()
        write_manifest(place / "bundle", Manifest("1f", name, "predict", "function", schema, schema, "3.11.7", {}))
        return workbench.registry.publish(place / "bundle", name)


@pytest.fixture
def workbench(home: Path) -> Workbench:
    return Workbench(home)


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "churn"}'])
def test_a_damaged_version_is_listed_beside_the_others(workbench: Workbench, content: str) -> None:
    publish(workbench)
    damaged = workbench.registry.set_alias(publish(workbench), "live")
    (damaged.folder / MANIFEST).write_text(content)
    told = {"name": "churn", "version": 2, "aliases": ["live"], "damaged": True}
    assert json.loads(json.dumps(workbench.models("churn").to_json()))[1] == told
    assert workbench.models().to_json() == workbench.status().to_json()["models"] == [told]
    assert "damaged" not in workbench.models("churn").to_json()[0]


def test_status_looks_at_a_model_or_at_one_version(workbench: Workbench) -> None:
    first, second = publish(workbench), publish(workbench)
    publish(workbench, "chimes")
    workbench.registry.set_alias(first, "live")
    asked = {None: ["chimes@1", second.ref], "churn": ["churn@1", "churn@2"], "churn@2": ["churn@2"]}
    for name, refs in {**asked, "churn@live": ["churn@1"]}.items():
        assert [v.ref for v in workbench.status(name).models] == refs
    with pytest.raises(NotFound, match="churn has no version '77'"):
        workbench.status("churn@77")
    for wrong in ("chrun", "chrun@1"):
        with pytest.raises(NotFound, match=r"no model 'chrun'; did you mean 'churn'\?"):
            workbench.status(wrong)


@pytest.mark.parametrize("dry_run", [True, False])
def test_remove_takes_a_version_or_all_of_a_model(workbench: Workbench, dry_run: bool) -> None:
    for _ in range(3):
        publish(workbench)
    with pytest.raises(UsageError, match="churn@2 is one version") as told:
        workbench.remove("churn@2", all=True, dry_run=dry_run)
    assert told.value.fix == "name the model, churn, or leave --all out"
    assert workbench.remove("churn@2", dry_run=dry_run).versions == ("churn@2",)
    left = ["churn@1", "churn@2", "churn@3"] if dry_run else ["churn@1", "churn@3"]
    assert list(workbench.remove("churn", all=True, dry_run=dry_run).versions) == left
    assert workbench.registry.names() == (["churn"] if dry_run else [])
