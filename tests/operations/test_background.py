"""What runs outlives who started it, is found again after kills and a restart of the machine, and says how it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from serving_parts import NUMBERS, Unready
from waiting import PATIENCE, until

from workbench import paths, stages
from workbench.api import Workbench
from workbench.diagnosis import examine
from workbench.errors import Interrupted, JobFailed, NotFound, UsageError, WorkbenchError
from workbench.jobs import supervisor
from workbench.spawn.client import can_fork, cool, warm, warm_pid

RECORD = {"age": 31, "amount": 1.5, "city": "Köln", "day": "2024-01-01", "vip": True}
_MOST_OF_ITS_OWN = 40e6  # bytes; 33 were seen of this model, 29 of the one that benchmarks/background.py asks
SCRIPT = """
import os, sys
from pathlib import Path
from workbench.api import Workbench
service = Workbench(Path(os.environ["WORKBENCH_HOME"])).serve("churn")
print(service.url, service.token + "")
"""


def answers(service: Any, record: dict[str, Any] = RECORD) -> bool:
    token = {"Authorization": f"Bearer {service.token}"}
    try:
        return httpx.post(f"{service.url}/predict", json=record, headers=token).status_code == 200
    except httpx.TransportError:
        return False


def family(service: Any) -> list[psutil.Process]:
    door = psutil.Process(service.job.process.pid)
    return [door, *door.children(recursive=True)]


def supervised(api: Workbench) -> int:
    """The number of the supervisor, once it is there."""
    return int(until(lambda: supervisor.process_of(paths.state(api.home)), "no supervisor").pid)


def kill_all(api: Workbench, *services: Any) -> None:
    """As a loss of power does, but that this machine goes on."""
    own = [process for service in services for process in family(service)]
    everybody = [psutil.Process(supervised(api)), *own]
    for process in everybody:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(everybody, timeout=PATIENCE)


def test_it_outlives_the_process_that_started_it(api: Workbench, model: str) -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=PATIENCE, check=True)
    url, token = ran.stdout.split()
    service = api.status("service/churn")
    assert (service.state, service.url, str(service.token)) == ("ready", url, token)
    assert answers(service)


@pytest.mark.parametrize("look", ["status", "deployments"])
def test_looking_after_a_restart_of_the_machine_starts_it_again(api: Workbench, tmp_path: Path, look: str) -> None:
    gate = tmp_path / "gate"
    api.model("unready", Unready(str(gate)), example=NUMBERS)
    before = api.serve("unready")
    gate.touch()  # else it is ready again before a slow machine has looked
    kill_all(api, before)
    shown = str(getattr(api, look)())
    assert "starting" in shown
    gate.unlink()
    again = api.wait("service/unready", timeout=PATIENCE)
    assert (again.state, again.url, again.token) == ("ready", before.url, before.token)
    assert answers(again, {"a": 1.0, "b": 2.0})


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


def test_who_ended_the_supervisor_is_reminded_of_what_that_means(api: Workbench, model: str, tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    schedule = api.batch("nb.ipynb", every="monday 6:00")
    assert schedule.name in str(api.status())
    assert "schedule/nb" in str(api.shutdown())
    for said in (api.status(), api.schedules(), api.status("schedule/nb")):
        assert "the supervisor was ended" in str(said)
        assert "%workbench resume schedule/nb" in str(said)
    findings = {finding.what: finding.fix for finding in examine(api.home, api.registry.folder)}
    assert findings["1 thing should run and no supervisor sees to it"] == "workbench resume schedule/nb"
    api.resume("schedule/nb")
    assert supervised(api)
    assert "was ended" not in str(api.status())


def test_a_home_that_can_only_be_read_is_seen(api: Workbench, model: str, tmp_path: Path) -> None:
    api.serve("churn")
    api.shutdown(all=True)
    (paths.state(api.home) / "supervisor.ended").unlink()
    with api.running.store.database.write() as write:
        write.execute("update jobs set desired = 'running', state = 'ready'")
    api.running.store.database.close()
    script = "from workbench.api import Workbench; w = Workbench(); print(w.deployments()); w.shutdown()"
    command = f"mount --bind {api.home} {api.home} && mount -o remount,bind,ro {api.home} && exec {sys.executable} -c '{script}'"
    ran = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True)
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip(f"no folder can be made read-only here: {ran.stderr}")
    assert "service/churn" in ran.stdout
    assert "StorageError: nothing can be written in" in ran.stderr
    with api.running.store.database.write() as write:
        write.execute("update jobs set desired = 'stopped', state = 'stopped'")


def test_two_that_start_the_same_get_one(api: Workbench, model: str) -> None:
    started = [subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=PATIENCE)[0] for process in started}
    assert len(said) == 1
    assert [job.name for job in api.running.jobs()] == ["service/churn"]
    assert answers(api.status("service/churn"))


class Cancelling:
    """Who shows what is done, and ends it at the first that is said, as a button does."""

    def __init__(self) -> None:
        self.cancelled, self.said = False, list[str]()

    def __call__(self, stage: str) -> None:
        self.said.append(stage)
        self.cancelled = True
        signal.raise_signal(signal.SIGINT)

    def aside(self) -> None:
        pass


def test_a_start_that_is_cancelled_where_it_is_shown_ends(api: Workbench, tmp_path: Path) -> None:
    gate, shows = tmp_path / "gate", Cancelling()
    api.model("unready", Unready(str(gate)), example=NUMBERS)
    gate.touch()  # else it is ready before a slow machine has looked
    with pytest.raises(Interrupted, match="service/unready was cancelled: it is stopped"), stages.heard(shows):
        api.serve("unready")
    assert shows.said in (["starting its process"], ["loading unready@1"]), "whichever is seen first ends it"
    assert api.running.until("service/unready", lambda job: job.gone, PATIENCE).state == "stopped"


@pytest.mark.skipif(not can_fork(), reason="no pre-warmed processes on this platform")
def test_one_more_deployment_has_little_memory_of_its_own(api: Workbench, model: str) -> None:
    warm()
    assert warm_pid(), "which waits for its imports"
    service = api.serve("churn")
    assert answers(service)
    own = sum(process.memory_full_info().uss for process in family(service))
    assert own < _MOST_OF_ITS_OWN, f"{own / 1e6:.1f} MB: what all need is imported in the pre-warmed process"


def test_the_same_again_changes_nothing_and_a_change_is_told(api: Workbench, model: str) -> None:
    first = api.serve("churn")
    assert first.facts["stage"] == ""
    again = api.serve("churn")
    assert again.job.process == first.job.process
    assert "unchanged" in str(again)
    changed = api.serve("churn", workers=2)
    assert "workers 1 → 2" in str(changed)
    assert changed.url == first.url
    assert answers(changed)


def test_what_is_put_anew_is_ready_anew(api: Workbench, model: str) -> None:
    """Not the process that was ready before, also where the supervisor starts the new one."""
    first = api.serve("churn")
    cool()
    try:
        second = api.restart("churn")
        third = api.serve("churn", workers=2)
    finally:
        warm()
    assert len({handle.job.process for handle in (first, second, third)}) == 3
    assert len(third.facts["workers"]) == 2


def test_what_runs_is_found_again_by_its_name(api: Workbench, model: str) -> None:
    import workbench

    service = api.serve(model, name="front")
    assert workbench.get("service/front").url == workbench.get("front").url == service.url
    assert workbench.get("churn").ref == workbench.get("churn@1").ref == "churn@1"
    with pytest.raises(NotFound, match="nothing that runs is called service/fron"):
        workbench.get("service/fron")


def test_the_same_asked_for_from_another_shell_is_the_same(
    api: Workbench, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.serve(model)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "unchanged" in str(api.serve(model))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert "variables TZ" in str(api.serve(model))


def test_variables_that_change_are_a_change(api: Workbench, model: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("SECRET=hunter2\n")
    first = api.serve("churn", env_file="env")
    assert "unchanged" in str(api.serve("churn", env_file="env"))
    file.write_text("SECRET=hunter3\n")
    again = api.serve("churn", env_file="env")
    assert "variables written anew" in str(again)
    assert again.job.process != first.job.process
    kept = b""
    for path in paths.state(api.home).rglob("*"):
        with suppress(FileNotFoundError):  # the door of before removes its own as it ends
            kept += path.read_bytes() if path.is_file() else b""
    assert b"hunter" not in kept
    assert b"service/churn" in kept


def test_what_could_not_be_started_again_is_not_touched(api: Workbench, model: str, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\n")
    service = api.serve("churn", env_file="env")
    (tmp_path / "env").unlink()
    for verb in (api.restart, api.start):
        with pytest.raises(NotFound, match=r"there is no file .*env of variables"):
            verb("churn")
    assert answers(service)
    assert api.status("service/churn").job.process == service.job.process


REFUSED: dict[str, tuple[dict[str, str], type[WorkbenchError], str]] = {
    "no file": ({"env_file": "none"}, NotFound, "there is no file none of variables"),
    "a bad line": ({"env_file": "bad"}, UsageError, "bad, line 2: no NAME=VALUE"),
    "nobody": ({"notify": "nobody"}, UsageError, "'nobody' is neither a mail address nor a URL"),
    "no host": ({"notify": "https://"}, UsageError, "neither a mail address nor a URL"),
    "no server": ({"notify": "a@b.example"}, UsageError, "mail needs WORKBENCH_SMTP_URL and WORKBENCH_MAIL_FROM"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_not_be_used_is_refused_before_anything_runs(
    case: str, api: Workbench, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKBENCH_SMTP_URL", raising=False)
    (tmp_path / "bad").write_text("A=1\nnothing\n")
    options, kind, said = REFUSED[case]
    for dry_run in (True, False):
        with pytest.raises(kind, match=said):
            api.serve("churn", dry_run=dry_run, **options)
    assert not api.running.any


def test_a_dry_run_shows_what_would_start(api: Workbench, model: str) -> None:
    shown = str(api.serve("churn", max_queue=8, dry_run=True))
    assert shown.startswith("would start service/churn\n  with  model churn@live · host 127.0.0.1")
    assert shown.endswith("token yes · limits max_body=16000000, max_queue=8, timeout=60")
    assert (list(api.deployments()), api.registry.aliases("churn")) == ([], {})


def test_waiting_for_what_was_stopped_is_an_error(api: Workbench, model: str) -> None:
    api.serve("churn")
    assert str(api.stop("churn", dry_run=True)) == "would stop service/churn"
    assert api.stop("churn").state == "stopped"
    with pytest.raises(JobFailed, match="service/churn was stopped") as caught:
        api.wait("service/churn")
    assert caught.value.fix == "%workbench start service/churn"
    with pytest.raises(UsageError, match="churn@1 is churn@live"):  # a model goes before what runs
        api.remove("churn", dry_run=True)
    api.serve("churn", name="other")
    api.stop("other")
    assert api.remove("other").versions == ("service/other",)


def test_an_interrupt_ends_the_waiting_and_nothing_else(api: Workbench, model: str) -> None:
    service = api.serve("churn")
    script = "from workbench.api import Workbench as W;"
    script += "W().running.until('service/churn', lambda job: print('waits', flush=True))"
    waiting = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert waiting.stdout
    waiting.stdout.readline()
    waiting.send_signal(signal.SIGINT)
    said = waiting.communicate(timeout=PATIENCE)[1]
    assert "Interrupted: service/churn goes on" in said
    assert answers(service)


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
