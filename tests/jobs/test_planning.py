"""Schedules: one run for each time that is due, whoever asks, whatever is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from job_parts import environment
from waiting import PATIENCE, until

from workbench import paths
from workbench.errors import NotFound, UsageError
from workbench.jobs import supervisor
from workbench.jobs.store import Store

MINUTE = 60.0
NOON = 1_700_000_040.0 - 1_700_000_040.0 % 3600
SPAWN = multiprocessing.get_context("spawn")


def put(store: Store, name: str = "schedule/a", every: str = "* * * * *", due: float = NOON, **more: Any) -> None:
    store.put_schedule(name, every, {"n": 1}, environment("done"), zone="UTC", **more)
    with store.database.write() as write:
        write.execute("update schedules set next_due = ? where name = ?", (due, name))


def dues(store: Store, name: str = "schedule/a") -> list[float]:
    return sorted(job.due or 0 for job in store.jobs("run") if job.schedule == name)


def over(store: Store) -> None:
    with store.database.write() as write:
        write.execute("update jobs set state = 'done'")


def ask(folder: str, start: Any, taken: Any) -> None:
    """What a supervisor does, with a thousand others: take what is due, minute after minute."""
    store = Store(Path(folder))
    start.wait()
    found = [(s.name, due) for i in range(20) for s, due in store.take_due(NOON + i * MINUTE)]
    taken.put(found)


def test_each_due_time_is_given_once(store: Store) -> None:
    for name in ("schedule/a", "schedule/b"):
        put(store, name, overlap="queue")
    start, taken = SPAWN.Barrier(4), SPAWN.Queue()
    askers = [SPAWN.Process(target=ask, args=(str(store.folder), start, taken)) for _ in range(4)]
    for asker in askers:
        asker.start()
    found = [each for _ in askers for each in taken.get(timeout=PATIENCE)]
    for asker in askers:
        asker.join()
    assert len(found) == len(set(found))
    for name in ("schedule/a", "schedule/b"):
        assert sorted(due for n, due in found if n == name) == dues(store, name)
        assert dues(store, name)[-1] == NOON + 19 * MINUTE
    assert len({job.name for job in store.jobs("run")}) == len(found)


def take_and_die(folder: str, moment: int) -> None:
    """Killed while it takes what is due, at a statement."""
    store = Store(Path(folder))
    store.jobs()
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    store.database._connection().set_trace_callback(count)
    store.take_due(NOON)


@pytest.mark.parametrize("moment", [2, 4, 6, 8])
def test_no_due_time_is_lost_when_its_taker_is_killed(store: Store, moment: int) -> None:
    put(store)
    taker = SPAWN.Process(target=take_and_die, args=(str(store.folder), moment))
    taker.start()
    taker.join()
    store.take_due(NOON)
    assert dues(store) == [NOON]


def test_after_an_outage_the_latest_comes(store: Store) -> None:
    put(store)
    assert [due for _, due in store.take_due(NOON + 5000 * MINUTE)] == [NOON + 5000 * MINUTE]
    assert store.schedule("schedule/a").next_due == NOON + 5001 * MINUTE
    assert store.take_due(NOON + 5000 * MINUTE) == []


def test_after_an_outage_all_or_none_come_where_that_is_wanted(store: Store) -> None:
    put(store, catch_up="all")
    put(store, "schedule/none", catch_up="skip")
    store.take_due(NOON + 3.5 * MINUTE)
    assert dues(store) == [NOON + i * MINUTE for i in range(4)]
    assert dues(store, "schedule/none") == []
    store.take_due(NOON + 4 * MINUTE)
    assert dues(store, "schedule/none") == [NOON + 4 * MINUTE]


def test_while_one_runs_the_next_takes_its_place(store: Store) -> None:
    put(store, overlap="replace", catch_up="all")
    store.take_due(NOON)
    assert dues(store) == [NOON]
    store.take_due(NOON + 3 * MINUTE)
    first, second = sorted(store.jobs("run"), key=lambda job: job.due or 0)
    assert (first.desired, second.desired) == ("stopped", "running")
    assert second.due == NOON + 3 * MINUTE
    assert not store.claim(second.name), "the one before is not over"
    with store.database.write() as write:
        write.execute("update jobs set state = 'stopped' where name = ?", (first.name,))
    assert store.claim(second.name)


def test_the_next_times_are_known_and_what_changes_is_said(store: Store) -> None:
    put(store, every="every 15 minutes")
    assert store.schedule("schedule/a").dues(3) == [NOON, NOON + 15 * MINUTE, NOON + 30 * MINUTE]
    more: Any = {"zone": "UTC", "catch_up": "all", "overlap": "queue"}
    _, changes = store.put_schedule("schedule/a", "every 15 minutes", {"n": 1}, environment("done"), **more)
    assert changes == ["catch-up latest → all", "overlap skip → queue"]
    store.pause_schedule("schedule/a", paused=True)
    assert store.schedule("schedule/a").dues(3) == []


def test_while_one_runs_the_next_is_left_out_or_waits(store: Store) -> None:
    put(store)
    put(store, "schedule/queue", overlap="queue")
    for i in range(3):
        store.take_due(NOON + i * MINUTE)
    assert dues(store) == [NOON]
    assert dues(store, "schedule/queue") == [NOON + i * MINUTE for i in range(3)]
    first, second, third = (job.name for job in store.jobs("run") if job.schedule == "schedule/queue")
    assert not store.claim(third)
    assert not store.claim(second)
    assert store.claim(first)
    over(store)
    store.take_due(NOON + 3 * MINUTE)
    assert dues(store) == [NOON, NOON + 3 * MINUTE]


def test_missed_runs_come_one_after_the_other(store: Store, home: Path) -> None:
    put(store, catch_up="all")
    store.take_due(NOON + 2 * MINUTE)
    with store.database.write() as write:
        write.execute("update schedules set paused = 1")
    supervisor.ensure(home)
    until(lambda: [job.state for job in store.jobs("run")] == ["done"] * 3)
    runs = sorted(store.jobs("run"), key=lambda job: job.due or 0)
    assert [job.since for job in runs] == sorted(job.since for job in runs)


def test_a_paused_schedule_starts_nothing_and_goes_on_from_now(store: Store) -> None:
    put(store)
    store.pause_schedule("schedule/a", paused=True)
    assert store.take_due(NOON + MINUTE) == []
    store.pause_schedule("schedule/a", paused=False)
    assert store.take_due(NOON + MINUTE) == []
    store.remove_schedule("schedule/a")
    with pytest.raises(NotFound, match="there is no schedule/a"):
        store.pause_schedule("schedule/a", paused=True)


def test_what_is_put_again_says_what_changed(store: Store) -> None:
    def again(every: str = "6:00", zone: str | None = None, n: int = 1) -> list[str]:
        return store.put_schedule("schedule/a", every, {"n": n}, environment(), zone=zone)[1]

    assert again() == ["created"]
    assert again() == []
    assert again(n=2) == ["n 1 → 2"]
    assert again("7:00", n=2) == ["starts on daily 6:00 → daily 7:00"]
    assert again("7:00", "Europe/Berlin", 2) == ["zone of the machine → Europe/Berlin"]
    with pytest.raises(UsageError, match="no time zone"):
        again(zone="Europe/Nowhere")


def test_a_change_of_what_is_run_does_not_put_off_what_is_due(store: Store) -> None:
    put(store)
    store.put_schedule("schedule/a", "* * * * *", {"n": 2}, environment("done"), zone="UTC")
    [(schedule, due)] = store.take_due(NOON)
    assert (due, schedule.spec) == (NOON, {"n": 2})


def test_two_supervisors_start_one_run(store: Store, home: Path) -> None:
    """The second leaves at once; were it not to, the store would still give each run once."""
    put(store, "schedule/a", "0 0 1 1 *")
    supervisor.ensure(home)
    supervisor.ensure(home)
    until(lambda: [job.state for job in store.jobs("run")] == ["done"])
    assert len(list((paths.state(home) / "jobs").iterdir())) == 1
