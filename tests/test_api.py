"""The verbs that look and the verbs that remove, on a registry of small and of damaged versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.api import Workbench
from workbench.bundle.layout import MANIFEST, Manifest, write_manifest
from workbench.bundle.version import ModelVersion


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
