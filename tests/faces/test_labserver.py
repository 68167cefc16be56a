"""A real Jupyter server with the extension enabled as an install enables it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from ports import free_port
from waiting import PATIENCE, until

from workbench import paths
from workbench.jobs import supervisor
from workbench.jobs.store import Store

ROOT = Path(__file__).parents[2]
TOKEN = "only-for-this-test"


@pytest.fixture
def planned(home: Path) -> Iterator[None]:
    """A home with a schedule, whose supervisor is gone."""
    store = Store(paths.state(home))
    store.put_schedule("schedule/a", "0 0 1 1 *", {}, {"python": sys.executable})
    yield
    supervisor.shutdown(home)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    env = {**os.environ, **{f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}}
    shutil.copytree(ROOT / "jupyter-config", tmp_path / "CONFIG")
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "server",
        "--no-browser",
        f"--port={port}",
        f"--IdentityProvider.token={TOKEN}",
    ]
    command += ["--allow-root", f"--ServerApp.root_dir={tmp_path}"]
    log = (tmp_path / "server.log").open("wb")
    process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(url) or process.poll() is not None)
    assert process.poll() is None, (tmp_path / "server.log").read_text()
    yield url
    process.terminate()
    process.wait(PATIENCE)
    log.close()


def answers(url: str) -> bool:
    with suppress(OSError):
        return get(f"{url}/api", TOKEN)[0] == 200
    return False


def get(url: str, token: str = "") -> tuple[int, dict]:
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.status, json.loads(answer.read())


def test_the_extension_answers_who_may_ask(server: str, home: Path) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{server}/workbench/api/status")
    assert refused.value.code == 403
    status, content = get(f"{server}/workbench/api/status", TOKEN)
    assert status == 200
    assert content == {
        "home": str(home),
        "registry": str(home / "models"),
        "models": [],
        "running": [],
        "schedules": [],
    }
    with pytest.raises(urllib.error.HTTPError) as missing:
        get(f"{server}/workbench/api/models?name=churn", TOKEN)
    assert missing.value.code == 404
    assert "there is no model 'churn'" in json.loads(missing.value.read())["message"]


@pytest.mark.usefixtures("planned", "server")
def test_what_should_run_is_looked_after_again(home: Path) -> None:
    until(lambda: supervisor.runs(home))


def test_a_page_of_another_site_cannot_steer(server: str) -> None:
    """A browser that is let in by its cookie must show that the page which asks is Jupyter's own."""
    with httpx.Client(trust_env=False, follow_redirects=True) as browsing:
        browsing.get(f"{server}/login", params={"token": TOKEN})
        refused = browsing.post(f"{server}/workbench/api/stop", json={"name": "service/churn"})
        assert (refused.status_code, "_xsrf" in refused.text) == (403, True)
        own = {"X-XSRFToken": browsing.cookies["_xsrf"]}
        asked = browsing.post(f"{server}/workbench/api/stop", json={"name": "service/churn"}, headers=own)
        assert asked.status_code == 404
        assert "service/churn" in asked.json()["message"]
