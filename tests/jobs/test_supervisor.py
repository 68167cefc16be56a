"""What should run does: after kills, reboots and changes, by one supervisor at a time."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from job_parts import environment, ready, supervisor_of, until

from workbench.jobs import supervisor
from workbench.jobs.store import Store


def begin(store: Store, home: Path, target: str = "steady", name: str = "stream/a", **more: Any) -> None:
    store.put(name, {"n": 1}, environment(target), **more)
    supervisor.ensure(home)


def test_what_should_run_runs_and_stops(store: Store, home: Path) -> None:
    begin(store, home)
    job = ready(store, "stream/a")
    assert until(lambda: store.get("stream/a").facts)["pid"] == job.process.pid
    assert (store.job_folder("stream/a") / "log").read_text().startswith("ready")
    store.desire("stream/a", "stopped")
    until(lambda: store.get("stream/a").state == "stopped")
    until(lambda: not job.process.alive())
    supervisor.shutdown(home)
    assert supervisor_of(home) is None


def test_a_killed_process_is_started_again(store: Store, home: Path) -> None:
    begin(store, home)
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


def test_a_run_that_must_not_be_repeated_is_not(store: Store, home: Path) -> None:
    begin(store, home, "crashes", "run/1", restart="never")
    until(lambda: store.get("run/1").state == "failed")
    assert (store.job_folder("run/1") / "log").read_text().count("about to crash") == 1


def test_what_is_deaf_is_killed(store: Store, home: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(supervisor, "STOP_PATIENCE", 0.3)
    store.put("stream/a", {}, environment("stubborn"))
    own = supervisor.Supervisor(home)
    own._see_to(store.get("stream/a"))
    process = ready(store, "stream/a").process
    store.desire("stream/a", "stopped")

    def stopped() -> bool:
        own._see_to(store.get("stream/a"))
        return store.get("stream/a").state == "stopped"

    until(stopped)
    assert not process.alive()


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
