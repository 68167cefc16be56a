"""A real server of MLflow and a real database of it are registries, in an environment that has MLflow beside Workbench."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from environments import environment, install
from export_models import ROWS, first
from ports import free_port
from waiting import until

from workbench import paths
from workbench.api import Workbench
from workbench.errors import NotFound, UsageError

ALONE = "WORKBENCH_IS_NOT_HERE"
"""With this variable the environment has nothing but its own."""
SCRIPT = Path(__file__).with_name("mlflow_keeps.py")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has MLflow beside all that is here."""
    place = tmp_path_factory.mktemp("mlflow") / "env"
    python = environment(place, "mlflow")
    (site,) = place.glob("lib/python*/site-packages")
    here = f"site.addsitedir({sysconfig.get_path('purelib')!r})"
    (site / "here.pth").write_text(f"import os, site; os.environ.get({ALONE!r}) or {here}\n")
    return python


def run(python: Path, folder: Path, registry: str, how: str) -> None:
    here = os.pathsep.join(map(str, (SCRIPT.parents[2], SCRIPT.parent, SCRIPT.parents[1])))
    env = {**os.environ, "WORKBENCH_REGISTRY": registry, "WORKBENCH_HOME": str(folder / "home"), "PYTHONPATH": here}
    command = [str(python), str(SCRIPT), str(folder), how]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=500, check=False)
    assert done.stdout.endswith("right\n"), done.stdout + done.stderr


@pytest.fixture
def server(python: Path, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server with a database and a folder of its own, which gives its artifacts itself."""
    port, folder = free_port(), tmp_path / "server"
    folder.mkdir()
    store = ["--backend-store-uri", f"sqlite:///{folder}/ml.db", "--artifacts-destination", f"{folder}/artifacts"]
    command = [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *store]
    with started(command, folder, f"http://127.0.0.1:{port}", "/health") as process:
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def started(command: list[Any], folder: Path, url: str, health: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server of others, once it is well; it finds the programs of its own environment."""
    env = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)

    def answers() -> bool:
        try:
            return httpx.get(f"{url}{health}").status_code == 200
        except httpx.TransportError:
            return False

    for _ in range(3):  # it takes long to start where the machine is busy
        with suppress(AssertionError):
            until(lambda: answers() or process.poll() is not None)
            break
    try:
        assert answers(), (folder / "log").read_text()
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_is_a_registry(python: Path, server: tuple[str, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    url, process = server
    run(python, tmp_path, url, "all")
    end(process)
    run(python, tmp_path, url, "unreachable")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_database_is_a_registry(python: Path, tmp_path: Path) -> None:
    run(python, tmp_path, f"sqlite:///{tmp_path}/ml.db", "short")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ours_is_served_unchanged_by_mlflow_and_mlserver(
    python: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an environment without Workbench, as `models serve` and a folder of MLServer's have it."""
    workbench = Workbench(home)
    folder = workbench.model("churn", first, example=ROWS).folder
    monkeypatch.setenv(ALONE, "yes")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = ["models", "serve", "-m", folder, "--env-manager", "local", "--host", "127.0.0.1"]
    with started([python, "-m", "mlflow", *serve, "--port", str(port)], tmp_path, url, "/ping"):
        assert workbench.verify("churn@1", against=url).rows == 120
    install(python, "mlserver", "mlserver-mlflow --no-deps")
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    (tmp_path / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "parallel_workers": 0, **ports}))
    model = {"name": "churn", "implementation": "mlserver_mlflow.MLflowRuntime", "parameters": {"uri": str(folder)}}
    (tmp_path / "model-settings.json").write_text(json.dumps(model))
    command = [python.with_name("mlserver"), "start", tmp_path]
    with started(command, tmp_path, url, "/v2/models/churn/ready"):
        assert workbench.verify("churn@1", against=f"{url}/v2/models/churn").rows == 120


def test_what_is_no_registry_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_REGISTRY", "ftp://models")
    with pytest.raises(UsageError, match="WORKBENCH_REGISTRY is 'ftp://models', which is no registry"):
        Workbench(home)


def test_without_mlflow_it_is_said_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_REGISTRY", "postgresql://ann:secret@db/mlflow")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    workbench = Workbench(home)
    assert paths.registry(home).parent == home / "mlflow"
    assert workbench.registry.address == "postgresql://ann:***@db/mlflow"
    with pytest.raises(NotFound, match=r"names an MLflow, postgresql://ann:\*\*\*@db/mlflow; mlflow is not installed"):
        workbench.models()
