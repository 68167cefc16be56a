"""`/openapi.json` is valid, and says all that a service does: its examples are answered, and nothing undocumented is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest
from client_models import AWKWARD, everything, images
from openapi_spec_validator import OpenAPIV31SpecValidator
from serving_parts import client, headers

from workbench.api import Workbench

IMAGES = np.arange(60, dtype=np.float32).reshape(5, 4, 3)
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
EXAMPLES = int(os.environ.get("WORKBENCH_TEST_EXAMPLES", "4"))
"""Of each operation; 100 are some ten thousand requests, and half an hour."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("everything", everything, example=AWKWARD, note="says it back")
    workbench.model("images", images, example=IMAGES)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module", params=["everything", "images"])
def service(api: Workbench, request: pytest.FixtureRequest) -> Any:
    return api.serve(request.param)


@pytest.fixture(scope="module")
def told(service: Any) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{service.url}/openapi.json", headers=headers(service)).json()
    return found


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_openapi(told: dict[str, Any], service: Any) -> None:
    OpenAPIV31SpecValidator(told).validate()
    assert told["openapi"] == "3.1.0"
    assert told["servers"] == [{"url": service.url}]


def test_each_example_is_answered_as_it_says(told: dict[str, Any], service: Any) -> None:
    shown = 0
    with client(service) as asking:
        for path, method, operation in operations(told):
            for example in (
                operation.get("requestBody", {})
                .get("content", {})
                .get("application/json", {})
                .get("examples", {})
                .values()
            ):
                answer = asking.request(method, path, json=example["value"])
                assert answer.status_code == 200, (path, answer.text)
                schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
                jsonschema.validate(answer.json(), schema | {"components": told["components"]})
                shown += 1
    assert shown >= 5


def test_all_that_may_be_looked_at_is_there(told: dict[str, Any], service: Any) -> None:
    with client(service) as asking:
        for path, method, operation in operations(told):
            if method == "get" and "{" not in path:
                answer = asking.get(path)
                assert answer.status_code == 200, path
                assert answer.headers["content-type"] in operation["responses"]["200"]["content"], path


@pytest.mark.slow
def test_whatever_is_asked_nothing_undocumented_is_answered(
    told: dict[str, Any], service: Any, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    """A thousand requests that Schemathesis makes up of the description, and against it."""
    phases = "examples,coverage,fuzzing" if service.name == "service/everything" else "fuzzing"
    for _, _, operation in operations(told):  # who allows a moment alone is rightly told 504
        operation["parameters"] = [one for one in operation.get("parameters", ()) if one["name"] != "X-Request-Timeout"]
        for form in operation.get("requestBody", {}).get("content", {}).values():
            form.pop("example", None)  # of CSV, which it cannot write
    (tmp_path / "openapi.json").write_text(json.dumps(told))
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "openapi.json", "--url", service.url]
    command += ["--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES), "--phases", phases]
    command += ["--exclude-path-regex", "^/(ping|health)$", "--suppress-health-check", "all", "--seed", "5"]
    command += ["--continue-on-failure", "--no-color", "-H", f"Authorization: Bearer {service.token}"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=70 * EXAMPLES)
    assert done.returncode == 0, done.stdout[-6000:]
    figures = service.refresh().to_json()["figures"]
    record_property("requests", figures["requests"])
    assert (figures["requests"] > 20, figures["failures"]) == (True, 0)
