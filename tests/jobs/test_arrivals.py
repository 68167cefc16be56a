"""What arrives starts one run, whoever looks, whatever is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from job_parts import environment, supervisor_of
from waiting import PATIENCE, until

from workbench import paths
from workbench.data import places
from workbench.jobs import database, supervisor, watched_files
from workbench.jobs.store import Store

MESSAGES = int(os.environ.get("WORKBENCH_TEST_KILLS", "4")) * 4
SPAWN = multiprocessing.get_context("spawn")


def put(store: Store, pattern: str, name: str = "schedule/a", settle: float = 0.0, **more: Any) -> list[str]:
    starts = {"file": pattern, "settle": settle}
    env = environment("done") | {"python": sys.executable}
    _, changes = store.put_schedule(name, None, {"n": 1}, env, starts=starts, overlap="queue", **more)
    return changes


def arrives(file: Path, content: str = "x") -> None:
    """A file is there whole from one moment to the next: who looks while it is written sees another one."""
    beside = file.with_name(f".{file.name}")
    beside.write_text(content)
    beside.replace(file)


def files_of(store: Store, name: str = "schedule/a") -> list[str]:
    """The names of the files that started runs."""
    return sorted(Path(job.spec["cause"]["file"]).name for job in store.jobs("run") if job.schedule == name)


def test_a_file_has_arrived_once_nobody_writes_it_any_more() -> None:
    settling = watched_files.Settling(2.0)
    assert settling.settled({"a": "1", "b": "1"}, 0.0) == []
    assert settling.settled({"a": "1", "b": "2"}, 1.5) == []
    assert settling.settled({"a": "1", "b": "2"}, 2.0) == [("a", "1")]
    assert settling.settled({"b": "2"}, 3.5) == [("b", "2")]
    assert settling.settled({"a": "1", "b": "2"}, 4.0) == [("b", "2")], "what went and came again settles anew"


def take(folder: str, start: Any, taken: Any) -> None:
    store = Store(Path(folder))
    start.wait()
    taken.put([run for i in range(20) if (run := store.arrived("schedule/a", f"f{i} 1", file=f"f{i}"))])


def test_each_file_is_given_to_one(store: Store) -> None:
    put(store, "/nowhere/*")
    start, taken = SPAWN.Barrier(4), SPAWN.Queue()
    takers = [SPAWN.Process(target=take, args=(str(store.folder), start, taken)) for _ in range(4)]
    for taker in takers:
        taker.start()
    found = [run for _ in takers for run in taken.get(timeout=PATIENCE)]
    for taker in takers:
        taker.join()
    assert len(found) == len(set(found)) == len(store.jobs("run")) == 20
    assert files_of(store) == sorted(f"f{i}" for i in range(20))


def take_and_die(folder: str, moment: int) -> None:
    """Killed while it takes a file, at a statement."""
    store = Store(Path(folder))
    store.jobs()
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    store.database._connection().set_trace_callback(count)
    store.arrived("schedule/a", "f 1", file="f")


@pytest.mark.parametrize("moment", range(2, 12, 2))
def test_no_file_is_lost_or_comes_twice_when_its_taker_is_killed(store: Store, moment: int) -> None:
    put(store, "/nowhere/*")
    taker = SPAWN.Process(target=take_and_die, args=(str(store.folder), moment))
    taker.start()
    taker.join()
    store.arrived("schedule/a", "f 1", file="f")
    assert files_of(store) == ["f"]


def test_files_start_runs_while_supervisors_are_killed(store: Store, home: Path, tmp_path: Path) -> None:
    put(store, f"{tmp_path}/*.csv")
    for i in range(12):
        arrives(tmp_path / f"{i}.csv")
        arrives(tmp_path / f"{i}.txt")
        if i % 3 == 0:
            supervisor.ensure(home)
            until(lambda: supervisor_of(home))
        if i % 4 == 3:
            until(lambda i=i: len(files_of(store)) >= i // 2)
            os.kill(until(lambda: supervisor_of(home)), signal.SIGKILL)
            until(lambda: not supervisor.runs(home))
    supervisor.ensure(home)
    until(lambda: [job.state for job in store.jobs("run")].count("done") == 12)
    assert files_of(store) == sorted(f"{i}.csv" for i in range(12))
    arrives(tmp_path / "3.csv", "again")
    until(lambda: files_of(store).count("3.csv") == 2)
    assert store.started_by("schedule/a") == 13


def test_messages_start_runs_while_supervisors_and_readers_are_killed(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    with closing(places.log("queue:orders")) as log:
        env = environment("done") | {"python": sys.executable}
        env["variables"] |= {"WORKBENCH_HOME": str(home)}
        starts = {"message": "queue:orders", "group": "schedule-a"}
        store.put_schedule("schedule/a", None, {"n": 1}, env, starts=starts, overlap="queue")
        supervisor.ensure(home)
        until(lambda: "schedule-a" in log.offsets())
        for i in range(MESSAGES):
            log.append([str(i).encode()])
            if i % 4 == 3:
                victim = chosen_victim(home, i)
                os.kill(victim, signal.SIGKILL)
                until(lambda victim=victim: gone(victim) and supervisor_of(home) != victim)
                until(lambda: supervisor_of(home) or not supervisor.runs(home))
                supervisor.ensure(home)
        until(lambda: [job.state for job in store.jobs("run")].count("done") == MESSAGES)
        said = [job.spec["cause"]["message"] for job in store.jobs("run")]
        assert sorted(said, key=int) == [str(i) for i in range(MESSAGES)]
        until(lambda: log.offsets()["schedule-a"] == log.last)


def chosen_victim(home: Path, i: int) -> int:
    """In turn the supervisor, and the process that reads for it."""
    pid = until(lambda: supervisor_of(home))
    if i % 8 == 3:
        return int(pid)
    readers = until(lambda: [p for p in psutil.Process(pid).children() if "worker_messages" in command(p)])
    return int(readers[0].pid)


def command(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):  # it has ended since it was seen
        return " ".join(process.cmdline())
    return ""


def gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


def test_what_was_there_is_left_alone_and_what_came_in_a_pause_comes_after_it(
    store: Store, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "old").write_text("x")
    there = [watched_files.key(file, mark) for file, mark in watched_files.marks(f"{tmp_path}/*").items()]
    assert put(store, f"{tmp_path}/*", there=there) == ["created"]
    store.pause_schedule("schedule/a", paused=True)
    supervisor.ensure(home)
    (tmp_path / "new").write_text("x")
    put(store, f"{tmp_path}/*", there=[*there, *watched_files.marks(f"{tmp_path}/*")])
    store.pause_schedule("schedule/a", paused=False)
    until(lambda: files_of(store) == ["new"])
    assert put(store, f"{tmp_path}/*.csv", there=there) == [f"starts on file {tmp_path}/* → file {tmp_path}/*.csv"]


def test_a_remote_store_is_listed_by_the_schedules_own_interpreter(store: Store, home: Path, tmp_path: Path) -> None:
    put(store, f"local://{tmp_path}/*.csv")
    (tmp_path / "a.csv").write_text("x")
    supervisor.ensure(home)
    until(lambda: files_of(store) == ["a.csv"])


def test_a_place_that_cannot_be_looked_at_is_told(store: Store, home: Path) -> None:
    put(store, "nosuch://there/*.csv")
    supervisor.ensure(home)
    last = until(lambda: store.last_event("schedule/a"))
    assert "cannot be reached" in last.details["trouble"]


def test_what_follows_comes_once_for_each_run_that_is_done(store: Store, home: Path) -> None:
    store.put_schedule("schedule/first", "0 0 1 1 *", {"n": 1}, environment("done"))
    store.put_schedule("schedule/next", None, {"n": 2}, environment("done"), starts={"after": "schedule/first"})
    runs = [store.run_now("schedule/first") for _ in range(3)]
    supervisor.ensure(home)
    until(lambda: [job.state for job in store.jobs("run")] == ["done"] * 6)
    assert [job.spec["cause"] for job in store.jobs("run") if job.schedule == "schedule/next"] == [
        {"run": run} for run in runs
    ]
    assert store.take_followers() == []
    store.put_schedule("schedule/late", None, {}, environment("done"), starts={"after": "schedule/first"})
    assert store.take_followers() == [], "only what is done from now on is followed"
    store.put_schedule("schedule/one", None, {}, environment("done"), starts={"after": runs[0]})
    assert len(store.take_followers()) == 1


def test_the_store_of_an_older_workbench_goes_on(home: Path) -> None:
    folder = paths.state(home)
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "state.db") as old:
        old.executescript(database._STEPS[0] + "pragma user_version = 1")
    old.close()
    store = Store(folder)
    store.put_schedule("schedule/a", "6:00", {}, environment())
    assert store.schedule("schedule/a").starts is None
    assert store.seen("schedule/a") == set()
