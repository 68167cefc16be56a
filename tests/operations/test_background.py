"""What runs outlives who started it, is found again after kills and a restart of the machine, and says how it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from workbench import paths
from workbench.api import Workbench
from workbench.diagnosis import examine
from workbench.errors import JobFailed, UsageError
from workbench.jobs import supervisor

RECORD = {"age": 31, "amount": 1.5, "city": "Köln", "day": "2024-01-01", "vip": True}
SCRIPT = """
import os, sys
from pathlib import Path
from workbench.api import Workbench
service = Workbench(Path(os.environ["WORKBENCH_HOME"])).serve("churn")
print(service.url, service.token + "")
"""


def answers(service: Any) -> bool:
    token = {"Authorization": f"Bearer {service.token}"}
    try:
        return httpx.post(f"{service.url}/predict", json=RECORD, headers=token).status_code == 200
    except httpx.TransportError:
        return False


def family(service: Any) -> list[psutil.Process]:
    door = psutil.Process(service.job.process.pid)
    return [door, *door.children(recursive=True)]


def supervised(api: Workbench) -> int:
    """The number of the supervisor, once it is there."""
    end = time.monotonic() + 30
    while not (process := supervisor.process_of(paths.state(api.home))):
        assert time.monotonic() < end, "no supervisor"
        time.sleep(0.01)
    return process.pid


def kill_all(api: Workbench, *services: Any) -> None:
    """As a loss of power does, but that this machine goes on."""
    own = [process for service in services for process in family(service)]
    everybody = [psutil.Process(supervised(api)), *own]
    for process in everybody:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(everybody, timeout=30)


def test_it_outlives_the_process_that_started_it(api: Workbench, model: str) -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=True)
    url, token = ran.stdout.split()
    service = api.status("service/churn")
    assert (service.state, service.url, str(service.token)) == ("ready", url, token)
    assert answers(service)


@pytest.mark.parametrize("look", ["status", "deployments"])
def test_looking_after_a_restart_of_the_machine_starts_it_again(api: Workbench, model: str, look: str) -> None:
    before = api.serve("churn")
    kill_all(api, before)
    shown = str(getattr(api, look)())
    assert "starting" in shown
    again = api.wait("service/churn", timeout=60)
    assert (again.state, again.url, again.token) == ("ready", before.url, before.token)
    assert answers(again)


def test_what_was_shut_down_on_purpose_is_left_alone(api: Workbench, model: str) -> None:
    service = api.serve("churn")
    said = str(api.shutdown())
    assert "service/churn" in said
    assert answers(service), "what runs outlives the supervisor"
    api.status()
    assert not supervisor.runs(api.home)
    findings = {finding.what: finding.fix for finding in examine(api.home, api.registry.folder)}
    assert findings["1 thing should run and no supervisor sees to it"] == "workbench start service/churn"
    api.start("service/churn")
    assert supervised(api)


def test_two_that_start_the_same_get_one(api: Workbench, model: str) -> None:
    started = [subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=120)[0] for process in started}
    assert len(said) == 1
    assert [job.name for job in api.running.jobs()] == ["service/churn"]
    assert answers(api.status("service/churn"))


def test_the_same_again_changes_nothing_and_a_change_is_told(api: Workbench, model: str) -> None:
    first = api.serve("churn")
    again = api.serve("churn")
    assert again.job.process == first.job.process
    assert "unchanged" in str(again)
    changed = api.serve("churn", workers=2)
    assert "workers 1 → 2" in str(changed)
    assert changed.url == first.url
    assert answers(changed)


def test_a_token_is_not_shown(api: Workbench, model: str) -> None:
    service = api.serve("churn")
    assert len(service.token) >= 20
    assert service.token not in repr(api.token("churn")) + str(service) + repr(service) + str(service.to_json())
    assert oct((api.running.store.job_folder(service.name) / "token").stat().st_mode)[-3:] == "600"
    with pytest.raises(UsageError, match="asks for no token"):
        api.token(api.serve("churn", name="open", no_token=True).name)


def test_a_followed_log_ends_with_what_wrote_it(api: Workbench, model: str) -> None:
    service = api.serve("churn")
    lines = api.logs("churn", follow=True)
    os.kill(family(service)[0].pid, signal.SIGTERM)
    api.stop("service/churn")
    assert isinstance(list(lines), list)


def test_waiting_for_what_fails_says_so(api: Workbench, model: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("age,amount\n1,2\n")
    with pytest.raises((JobFailed, UsageError)) as caught:
        api.batch("churn", str(tmp_path / "in.csv"), output=str(tmp_path / "out.csv"), wait=True)
    assert "city" in str(caught.value)
    assert caught.value.fix
