"""Of the runs of a schedule the last stay, and what they left goes with the others."""

from __future__ import annotations

import time
from pathlib import Path

from job_parts import environment
from waiting import until

from workbench.jobs import keeping, supervisor
from workbench.jobs.store import Store


def ran(store: Store, number: int, ago: float = 0.0) -> list[str]:
    """So many runs of schedule/a that were over so many seconds ago, each with a log."""
    names = [store.run_now("schedule/a") for _ in range(number)]
    for name in names:
        (store.job_folder(name) / "log.txt").write_text("said")
        store.ended(name, None, "done")
        with store.database.write() as write:
            write.execute("update jobs set since = ? where name = ?", (time.time() - ago, name))
    return names


def names(store: Store) -> list[str]:
    return [job.name for job in store.jobs("run")]


def test_the_last_runs_of_a_schedule_stay(store: Store, home: Path) -> None:
    store.put_schedule("schedule/a", "0 0 1 1 *", {}, environment("done"), keep="3")
    first = ran(store, 8)
    other = store.add_run({}, environment("done")).name
    store.ended(other, None, "done")
    supervisor.ensure(home)
    until(lambda: names(store) == [*first[5:], other])
    assert not any(store.folder_of(name).exists() for name in first[:5])
    assert store.folder_of(first[5]).exists()
    told = until(lambda: store.events("schedule/a", 0.0))
    assert "5 runs let go of, up to run/" in told[-1].text


def test_what_is_older_goes_and_the_last_one_stays(store: Store) -> None:
    store.put_schedule("schedule/a", "0 0 1 1 *", {}, environment("done"), keep="1000")
    old, new = ran(store, 3, ago=2 * 86400), ran(store, 2)
    assert [job.name for job in keeping.beyond(store, "1d", "schedule/a")] == old
    assert keeping.beyond(store, "3d", "schedule/a") == []
    with store.database.write() as write:
        write.execute("update jobs set since = 0")
    assert [job.name for job in keeping.beyond(store, "1d", "schedule/a")] == [*old, new[0]]
    assert [job.name for job in keeping.beyond(store, "1d", None)] == [*old, *new], "of no schedule the last goes, too"
    assert len(keeping.beyond(store, "2", None)) == 3
    assert store.put_schedule("schedule/a", "0 0 1 1 *", {}, environment("done"), keep="30d")[1] == [
        "keep-runs 1000 → 30d"
    ]


def test_what_runs_stays(store: Store) -> None:
    store.put_schedule("schedule/a", "0 0 1 1 *", {}, environment("done"))
    store.run_now("schedule/a")
    assert keeping.beyond(store, "1", None) == keeping.beyond(store, "0.001s", None) == []
