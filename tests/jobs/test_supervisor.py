"""What should run does: after kills, reboots and changes, by one supervisor at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from job_parts import environment, ready, supervisor_of
from waiting import PATIENCE, until

from workbench import paths
from workbench.jobs import halted, identity, launch, supervising, supervisor
from workbench.jobs.database import VERSION
from workbench.jobs.store import Store
from workbench.spawn import detach


def begin(store: Store, home: Path, target: str = "steady", name: str = "stream/a", **more: Any) -> None:
    store.put(name, {"n": 1}, environment(target), **more)
    supervisor.ensure(home)


def test_what_should_run_runs_and_stops(store: Store, home: Path) -> None:
    begin(store, home)
    job = ready(store, "stream/a")
    assert until(lambda: store.get("stream/a").facts)["pid"] == job.process.pid
    until(lambda: (store.job_folder("stream/a") / "log").read_text().startswith("ready"))
    store.desire("stream/a", "stopped")
    until(lambda: store.get("stream/a").state == "stopped")
    until(lambda: not job.process.alive())
    supervisor.shutdown(home)
    assert supervisor_of(home) is None


def test_a_killed_process_is_started_again(store: Store, home: Path) -> None:
    """At once, where its next try was set by a clock that was put back since."""
    store.put("stream/a", {"n": 1}, environment("steady"))
    store.failed_start("stream/a", 0, time.time() + 3600)
    supervisor.ensure(home)
    for _ in range(3):
        before = ready(store, "stream/a").process
        os.kill(before.pid, signal.SIGKILL)
        until(lambda before=before: (job := store.get("stream/a")).state == "ready" and job.process != before)


def test_a_killed_supervisor_finds_what_lives(store: Store, home: Path) -> None:
    begin(store, home)
    process = ready(store, "stream/a").process
    os.kill(until(lambda: supervisor_of(home)), signal.SIGKILL)
    until(lambda: supervisor_of(home) is None)
    supervisor.ensure(home)
    until(lambda: supervisor_of(home))
    store.put("stream/b", {}, environment())
    ready(store, "stream/b")
    assert store.get("stream/a").process == process
    assert process.alive()


def test_all_is_started_after_a_reboot(store: Store, home: Path) -> None:
    begin(store, home)
    process = ready(store, "stream/a").process
    os.kill(until(lambda: supervisor_of(home)), signal.SIGKILL)
    process.kill()
    until(lambda: not process.alive() and supervisor_of(home) is None)
    with store.database.write() as write:
        gone = json.dumps({**process.to_json(), "boot": "another", "pid": os.getpid()})
        write.execute("update jobs set process = ?", (gone,))
    supervisor.ensure(home)
    until(lambda: (job := store.get("stream/a")).state == "ready" and job.process.boot == process.boot)


def test_what_never_comes_up_is_given_up_with_its_last_words(store: Store, home: Path) -> None:
    begin(store, home, "crashes")
    job = until(lambda: (job := store.get("stream/a")).state == "failed" and job)
    assert "about to crash" in job.reason
    assert "6 times" in job.reason
    until(lambda: store.events("stream/a")[-1].text.startswith("failed: "))


def test_what_raises_is_not_taken_for_killed(store: Store, home: Path) -> None:
    """The room's own worker, with a spec that it does not know."""
    store.put("run/1", {"n": 1}, environment() | {"target": launch.WORKER}, restart="never")
    supervisor.ensure(home)
    job = until(lambda: (job := store.get("run/1")).state == "failed" and job)
    assert job.reason.startswith("its process ended with KeyError: 'what'\n")


def test_what_must_not_be_repeated_is_not_until_that_is_asked(store: Store, home: Path) -> None:
    def crashes() -> int:
        return (store.job_folder("run/1") / "log").read_text().count("about to crash")

    begin(store, home, "crashes", "run/1", restart="never")
    until(lambda: store.get("run/1").state == "failed")
    assert crashes() == 1
    store.restart("run/1")
    until(lambda: crashes() == 2)


def test_what_is_stopped_by_a_signal_says_so_until_it_goes_on(store: Store, home: Path) -> None:
    begin(store, home, "steady", "run/1", restart="never")
    process = ready(store, "run/1").process
    os.kill(process.pid, signal.SIGSTOP)
    job = until(lambda: (job := store.get("run/1")).state == "blocked" and job)
    assert job.reason.endswith(f"was stopped by a signal: it does nothing\n→ kill -CONT {process.pid}")
    os.kill(process.pid, signal.SIGCONT)
    assert ready(store, "run/1").process == process
    os.kill(process.pid, signal.SIGSTOP)
    store.desire("run/1", "stopped")
    until(lambda: store.get("run/1").state == "stopped")
    until(lambda: not process.alive())


def test_what_stays_stopped_is_replaced(store: Store, home: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(halted, "PATIENCE", 0.0)
    store.put("stream/a", {}, environment("steady"))
    own = supervising.Supervisor(home)
    own._see_to(store.get("stream/a"))
    process = ready(store, "stream/a").process
    os.kill(process.pid, signal.SIGSTOP)

    def replaced() -> bool:
        own._see_to(store.get("stream/a"))
        return (job := store.get("stream/a")).state == "ready" and job.process != process

    until(replaced)
    (event,) = [event.text for event in store.events("stream/a")]
    assert event.startswith("its process ended: it had been stopped by a signal")


def test_what_is_deaf_is_killed(store: Store, home: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(supervising, "STOP_PATIENCE", 0.3)
    store.put("stream/a", {}, environment("stubborn"))
    own = supervising.Supervisor(home)
    own._see_to(store.get("stream/a"))
    process = ready(store, "stream/a").process
    store.desire("stream/a", "stopped")

    def stopped() -> bool:
        own._see_to(store.get("stream/a"))
        return store.get("stream/a").state == "stopped"

    until(stopped)
    assert not process.alive()


def test_what_is_followed_and_does_not_leave_is_ended(store: Store, home: Path, monkeypatch: Any) -> None:
    """A stream whose model hangs, that is restarted."""
    monkeypatch.setattr(supervising, "STOP_PATIENCE", 0.0)
    store.put("stream/a", {}, environment("stubborn"))
    own = supervising.Supervisor(home)
    own._see_to(store.get("stream/a"))
    process = ready(store, "stream/a").process
    store.restart("stream/a")

    def followed() -> bool:
        own._see_to(store.get("stream/a"))
        return not process.alive()

    until(followed)
    assert ready(store, "stream/a").process != process


def test_a_change_puts_a_new_process_in_the_place_of_the_old(store: Store, home: Path) -> None:
    begin(store, home)
    before = ready(store, "stream/a").process
    _, changes = store.put("stream/a", {"n": 2}, environment())
    assert changes == ["n 1 → 2"]
    until(lambda: (job := store.get("stream/a")).state == "ready" and job.process != before)
    until(lambda: not before.alive())
    assert until(lambda: store.get("stream/a").facts.get("spec")) == {"n": 2}
    assert store.put("stream/a", {"n": 2}, environment())[1] == []


def test_a_schedule_starts_a_run(store: Store, home: Path) -> None:
    store.put_schedule("schedule/a", "* * * * *", {"n": 1}, environment("done"))
    with store.database.write() as write:
        write.execute("update schedules set next_due = 1000000000")
    supervisor.ensure(home)
    run = until(lambda: [job for job in store.jobs("run") if job.state == "done"])[0]
    assert (run.schedule, run.facts) == ("schedule/a", {"rows": 3})


def test_a_deleted_environment_is_named(store: Store, home: Path) -> None:
    store.put("stream/a", {}, environment(python="/nowhere/bin/python"))
    supervisor.ensure(home)
    job = until(lambda: (job := store.get("stream/a")).state == "failed" and job)
    assert "/nowhere/bin/python is not there any more" in job.reason


INTERPRETERS = {
    "no program": ("garbage", "Exec format error"),
    "one that fails": ("#!/bin/sh\nexit 3\n", "ended with 3"),
    "one that hangs": ("#!/bin/sh\nexec sleep 600\n", "said nothing in 0.3 s"),
}


@pytest.mark.parametrize("case", INTERPRETERS)
def test_an_interpreter_that_does_not_start_is_named(
    case: str, store: Store, home: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(detach, "_PATIENCE", 0.3 if case == "one that hangs" else 30.0)
    content, said = INTERPRETERS[case]
    (tmp_path / "python").write_text(content)
    (tmp_path / "python").chmod(0o755)
    store.put("stream/a", {}, environment(python=str(tmp_path / "python")))
    supervising.Supervisor(home)._look()
    job = store.get("stream/a")
    assert job.state == "failed"
    assert f"python does not start: {said}" in job.reason


def test_one_that_cannot_be_looked_after_stops_nobody(store: Store, home: Path) -> None:
    store.put("stream/a", {}, environment(preload=7))
    store.put("stream/b", {}, environment())
    supervisor.ensure(home)
    ready(store, "stream/b")
    log = store.folder / "supervisor.log"
    assert until(lambda: "stream/a: Traceback" in log.read_text())
    assert log.read_text().count("Traceback") == 1


def test_a_supervisor_leaves_a_store_that_a_newer_workbench_has_taken_over(store: Store, home: Path) -> None:
    begin(store, home)
    ready(store, "stream/a")
    until(lambda: supervisor_of(home))
    with store.database.write() as write:
        write.execute(f"pragma user_version = {VERSION + 1}")
    until(lambda: not supervisor.runs(home))
    supervisor.revive(home)
    assert not supervisor.runs(home)
    with store.database._connection() as connection:
        connection.execute(f"pragma user_version = {VERSION}")
    assert store.get("stream/a").process.alive()


def test_who_only_looks_keeps_no_supervisor_from_beginning(home: Path, monkeypatch: Any) -> None:
    """Whoever asks whether there is one has its lock for a moment."""
    begun: list[supervising.Supervisor] = []
    folder, taken = Store(paths.state(home)).job_folder("run/1").parents[1], supervisor._taken
    looks = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(looks, fcntl.LOCK_SH)

    def taken_and_looked(lock: int) -> bool:
        try:
            return taken(lock)
        finally:
            fcntl.flock(looks, fcntl.LOCK_UN)

    monkeypatch.setattr(supervisor, "_taken", taken_and_looked)
    monkeypatch.setattr(supervisor, "_MOMENT", PATIENCE)
    monkeypatch.setattr(supervising.Supervisor, "run", lambda own: begun.append(own))
    supervisor.main({"home": str(home)})
    os.close(looks)
    assert len(begun) == 1


def test_nobody_else_is_ended_by_the_number_of_a_supervisor(store: Store, home: Path) -> None:
    """What it has left behind may name a process of today."""
    supervisor.ensure(home)
    record = store.folder / "supervisor.json"
    until(lambda: supervisor_of(home))
    os.kill(supervisor_of(home), signal.SIGKILL)
    until(lambda: not supervisor.runs(home))
    said = json.loads(record.read_text())
    said["process"]["pid"] = os.getpid()
    record.write_text(json.dumps(said))
    assert supervisor_of(home) is None
    supervisor.shutdown(home)


def test_variables_come_from_the_file_and_nowhere_else(
    store: Store, home: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OTHER", "of the kernel")
    (tmp_path / "env").write_text("# mine\nexport SECRET='a b'\n")
    store.put("stream/a", {}, environment(env_file=str(tmp_path / "env")))
    supervisor.ensure(home)
    ready(store, "stream/a")
    assert until(lambda: store.get("stream/a").facts)["secret"] == "a b"
    assert "a b" not in (store.folder / "state.db").read_bytes().decode("latin-1").split("secret")[0]


def test_it_ends_when_its_home_is_gone(home: Path) -> None:
    Store(paths.state(home)).put_schedule("schedule/a", "0 0 1 1 *", {}, environment("done"))
    supervisor.ensure(home)
    pid = until(lambda: supervisor_of(home))
    until(lambda: shutil.rmtree(home, ignore_errors=True) or not home.exists(), "it writes there meanwhile")
    until(lambda: identity.of(pid) is None)
