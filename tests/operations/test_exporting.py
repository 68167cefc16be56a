"""What is exported runs elsewhere: in an environment of its requirements alone, where it is proven by its reference."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pandas as pd
import pytest
import yaml
from contained import Container, dockerfile, environment
from export_models import ROWS, first, second, with_a_variable
from ports import free_port
from waiting import until

from workbench.api import Workbench
from workbench.errors import BundleRefused, NotFound, UsageError
from workbench.exports.subject import SERVICE

TOKEN = "Zx9-a-token-of-the-test"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with two versions of `late_departure`."""
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    for function in (first, second):
        workbench.model("late_departure", function, example=ROWS, row_wise="yes")
    return workbench.registry.folder


@pytest.fixture
def api(home: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("WORKBENCH_REGISTRY", str(made))
    monkeypatch.setenv("WORKBENCH_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    workbench = Workbench(home)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def python(made: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The interpreter of an environment as the image has it that needs the most: a service, and a stream of Redis."""
    place = tmp_path_factory.mktemp("image")
    patch = pytest.MonkeyPatch()
    patch.setenv("WORKBENCH_REGISTRY", str(made))
    Workbench(tmp_path_factory.mktemp("home")).export("late_departure", to="compose", output=str(place / "folder"))
    patch.undo()
    return environment(place / "folder" / "image", place / "venv")


@pytest.mark.slow
def test_an_image_answers_what_the_cell_answered(api: Workbench, python: Path, tmp_path: Path) -> None:
    card = str(api.export("late_departure", to="docker", output="image"))
    assert card.startswith(f"late_departure@2 ✓ exported for docker: {tmp_path / 'image'}\n")
    assert (
        "rows  late_departure@2 carries 120 rows of its example (reference.parquet, input_example.json) with a, b"
        in card
    )
    image = tmp_path / "image"
    readme, said = (image / "README.md").read_text(), dockerfile(image)
    assert "docker build -t late-departure:2 ." in readme
    line = "workbench verify late_departure@2 --against http://127.0.0.1:8080 --token WORKBENCH_TOKEN"
    assert f"WORKBENCH_REGISTRY=models {line}" in readme
    assert said["user"] == "1000"
    with Container(image, python, tmp_path / "state", PORT=str(free_port()), WORKBENCH_TOKEN=TOKEN) as container:
        container.ready()
        row = {"a": 1.0, "b": 2.0}
        assert httpx.post(f"{container.url}/predict", json=row).status_code == 401
        checked = subprocess.run(
            [sys.executable, "-m", "workbench", *line.replace("http://127.0.0.1:8080", container.url).split()[1:]],
            env={"PATH": "/usr/bin:/bin", "WORKBENCH_TOKEN": TOKEN, "WORKBENCH_REGISTRY": str(image / "models")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "120 of 120 reference rows equal" in checked.stdout, checked.stderr
        container.process.send_signal(signal.SIGTERM)
        assert container.ended() == 0, container.said


def test_it_starts_again_where_it_was_killed(api: Workbench, python: Path, tmp_path: Path) -> None:
    api.export("late_departure@1", to="docker", output="image", no_token=True)
    port = str(free_port())
    for end in (signal.SIGKILL, signal.SIGTERM):
        with Container(tmp_path / "image", python, tmp_path / "state", PORT=port) as container:
            container.ready()
            answer = httpx.post(f"{container.url}/predict", json={"a": 1.0, "b": 2.0})
            assert answer.json() == {"prediction": 5.0}
            container.process.send_signal(end)
            container.ended()


def test_a_rollout_goes_into_the_image_as_it_is(api: Workbench, python: Path, tmp_path: Path) -> None:
    api.alias("late_departure@1", "live")
    service = api.serve("late_departure", name="late")
    api.promote("late_departure@2", canary="50", sticky_by="X-Customer")
    exported = api.export("service/late", to="docker", output="image", no_token=True)
    assert exported.name == "late_departure@1 and late_departure@2"
    service.stop()
    with Container(tmp_path / "image", python, tmp_path / "state", PORT=str(free_port())) as container:
        container.ready()
        answers = {
            key: httpx.post(f"{container.url}/predict", json={"a": 0.0, "b": 0.0}, headers={"X-Customer": str(key)})
            for key in range(40)
        }
        versions = {answer.headers["x-workbench-version"] for answer in answers.values()}
        assert versions == {"1", "2"}
        for version in (1, 2):
            where = f"{container.url}/v2/models/late_departure/versions/{version}"
            assert api.verify(f"late_departure@{version}", against=where).rows == 120


def test_a_batch_runs_in_the_image(api: Workbench, python: Path, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "scored.csv"
    ROWS.to_csv(rows, index=False)
    api.batch("late_departure@1", str(rows), output=str(tmp_path / "here.csv"), wait=True)
    exported = api.export("run/1", to="docker", output="image")
    assert f"`{rows}` became `./data/rows.csv` in this folder, which the container has as `/data`" in exported.notes
    readme = (tmp_path / "image" / "README.md").read_text()
    assert '-v "$PWD/data:/data" late-departure:1 /data/rows.csv /data/here.csv\n' in readme
    with Container(tmp_path / "image", python, tmp_path / "state", str(rows), str(out)) as container:
        assert container.ended() == 0, container.said
    assert out.read_bytes() == (tmp_path / "here.csv").read_bytes()
    with Container(tmp_path / "image", python, tmp_path / "other", str(tmp_path / "none.csv"), str(out)) as container:
        assert container.ended() != 0
        assert "none.csv" in container.said


def test_what_it_needs_from_outside_is_asked_for(api: Workbench, python: Path, tmp_path: Path) -> None:
    api.export("late_departure", to="docker", output="image")
    with Container(tmp_path / "image", python, tmp_path / "state", PORT=str(free_port())) as container:
        assert container.ended() == 2
        assert "the service asks for a token, and nothing says which\n→ set WORKBENCH_TOKEN" in container.said


def test_the_variables_of_a_model_are_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTOR", "2")
    workbench = Workbench(home)
    workbench.model("scaled", with_a_variable, example=ROWS)
    workbench.export("scaled", to="docker", output=str(tmp_path / "image"))
    assert "-e WORKBENCH_TOKEN -e FACTOR" in (tmp_path / "image" / "README.md").read_text()


def test_a_colleague_takes_a_packed_version_in(api: Workbench, home: Path, tmp_path: Path, monkeypatch: Any) -> None:
    exported = api.export("late_departure@1", to="file", output="packed")
    assert exported.files == ("README.md", "late_departure-1.zip")
    file = tmp_path / "packed" / "late_departure-1.zip"
    first_bytes = file.read_bytes()
    api.export("late_departure@1", to="file", output="packed")
    assert file.read_bytes() == first_bytes
    monkeypatch.delenv("WORKBENCH_REGISTRY")
    there = Workbench(tmp_path / "colleague")
    assert there.model("late", str(file)).ref == "late@1"
    taken = there.registry.resolve("late")
    assert taken.manifest.origin["copied_from"] == str(file)
    assert there.predict("late", ROWS)["prediction"].tolist() == first(ROWS).tolist()
    assert there.model("late", str(file)).unchanged
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(first_bytes[: len(first_bytes) // 2] + b"\0" * 40 + first_bytes[len(first_bytes) // 2 + 40 :])
    with pytest.raises(BundleRefused, match="damaged"):
        there.model("late", str(damaged))


def test_other_peoples_folders_are_left_alone(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="holds other things"):
        api.export("late_departure", to="docker", output="mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    for version in ("late_departure@1", "late_departure@2"):
        api.export(version, to="docker", output="image")
    job = json.loads((tmp_path / "image" / "job.json").read_text())
    assert job["spec"]["model"] == "late_departure@2"
    assert not (tmp_path / "image" / "models" / "late_departure" / "1").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": "docker", "storage": "s3://b/m"}, "--storage is for kserve and seldon"),
        ({"to": "file", "image": "x"}, "--image has no meaning for file"),
    ],
)
def test_options_without_meaning_are_refused(api: Workbench, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        api.export("late_departure", output="x", **options)


def test_a_notebook_is_refused(api: Workbench, tmp_path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), tmp_path / "report.ipynb")
    api.batch("report.ipynb", wait=True)
    with pytest.raises(UsageError, match="run/1 runs a notebook, and nothing says which packages its cells need"):
        api.export("run/1", to="argo", output="x")


def test_what_a_platform_has_nothing_for_is_refused(api: Workbench, tmp_path: Path) -> None:
    api.put("queue:rows", ROWS)
    api.stream("late_departure", "queue:rows", output="queue:scores")
    with pytest.raises(UsageError, match="kserve has nothing for a stream: late_departure"):
        api.export("stream/late_departure", to="kserve", output="x")


def test_a_model_alone_is_served_as_the_verb_does(api: Workbench) -> None:
    spec = api.serve("late_departure").job.spec
    own = {"host", "port", "model"}
    assert {key: value for key, value in spec.items() if key not in own} == {
        k: v for k, v in SERVICE.items() if k not in own
    }


def test_a_stream_runs_as_compose_says(api: Workbench, python: Path, tmp_path: Path, brokers: Any) -> None:
    server = brokers("redis")
    api.export("late_departure@1", to="compose", output="composed", no_token=True)
    compose = yaml.safe_load((tmp_path / "composed" / "compose.yaml").read_text())
    assert list(compose["services"]) == ["service", "broker", "stream"]
    worker = compose["services"]["stream"]
    image = tmp_path / "composed" / "image"
    spec = image / worker["environment"]["WORKBENCH_JOB"].removeprefix("/app/")
    spec.write_text(spec.read_text().replace("broker:6379", f"127.0.0.1:{server.port}"))
    with Container(image, python, tmp_path / "state", WORKBENCH_JOB=str(spec)) as container:
        api.put(server.place("late_departure"), ROWS)
        scored = server.place("late_departure-scores")

        def answered() -> bool:
            assert container.process.poll() is None, container.said
            with suppress(NotFound):
                return len(api.tail(scored, most=500)) == len(ROWS)
            return False

        until(answered)
    scores = [json.loads(record.value) for record in api.tail(scored, most=500)]
    assert pd.DataFrame(scores)["prediction"].tolist() == first(ROWS).tolist()
