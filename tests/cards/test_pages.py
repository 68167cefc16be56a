"""Ten thousand runs are looked at a page at a time."""

from __future__ import annotations

from pathlib import Path

from workbench.jobs.store import Store


def test_a_page_has_the_newest_of_a_kind_by_state_text_and_schedule(tmp_path: Path) -> None:
    store = Store(tmp_path)
    environment = {"variables": {}}
    for number in range(7):
        store.add_run({"model": "churn@1" if number % 2 else "risk@1"}, environment)
    store.put("service/churn", {"model": "churn@live"}, environment)
    store.desire("run/3", "stopped")
    store.ended("run/3", None, "stopped")
    names = [job.name for job in store.page("run", most=3)]
    assert names == ["run/7", "run/6", "run/5"]
    assert [job.name for job in store.page("run", most=3, skip=6)] == ["run/1"]
    assert [job.name for job in store.page("run", state="stopped")] == ["run/3"]
    assert [job.name for job in store.page("run", text="churn")] == ["run/6", "run/4", "run/2"]
    assert store.page("run", schedule="schedule/x") == []
    assert [job.name for job in store.page("service")] == ["service/churn"]
    assert store.counts("run") == {"starting": 6, "stopped": 1}
    assert store.counts("run", text="churn") == {"starting": 3}
