"""A home with a hundred deployments and ten thousand runs: as much is read and drawn as is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.api import Workbench
from workbench.cards.dashboard import DashboardCard
from workbench.cards.kinds import card_of
from workbench.cards.tables import PAGE, TABLES
from workbench.faces import panel

RUNS, SERVICES = 10_000, 100
_DRAWN = 40_000
"""Characters of HTML that a page of the dashboard may have."""
_COPIES = """
with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)
insert into jobs select replace(name, '/1', '/' || (i + 1)), spec, environment, desired, state, reason, since, generation,
  launched, process, restart, restarts, next_try, facts, schedule, due, notify, created + i, claim, claimed
from jobs, n where name = ?"""


class Counted:
    """How many rows were read out of a store."""

    def __init__(self, workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows, database = 0, workbench.running.store.database
        read = database.read

        def counted(query: str, *values: Any) -> list[Any]:
            found = read(query, *values)
            self.rows += len(found)
            return found

        monkeypatch.setattr(type(database), "read", lambda _, query, *values: counted(query, *values))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    store, where = workbench.running.store, {"variables": {}}
    store.ended(store.add_run({"model": "churn@1"}, where).name, None, "done")
    store.put("service/1", {"model": "churn@live", "token": False, "log": {}}, where)
    store.ended("service/1", None, "stopped")
    with store.database.write() as write:
        write.execute(_COPIES, (RUNS - 1, "run/1"))
        write.execute(_COPIES, (SERVICES - 1, "service/1"))
    drift = {"judged": True, "drifted": True, "columns": ["age"], "window_rows": 900}
    (store.job_folder("service/7") / "drift.json").write_text(json.dumps(drift | {"at": 1.0}))
    return workbench


@pytest.mark.parametrize("kind", TABLES)
def test_a_page_is_all_that_is_read_and_drawn(large: Workbench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    card = DashboardCard(large.dashboard())
    counted = Counted(large, monkeypatch)
    card.press("look", values={"kind": json.dumps(kind)})
    drawn = "".join(map(str, card.look().values()))
    assert counted.rows <= (2 * SERVICES if kind == "drift and quality" else 2 * PAGE) + 20
    assert len(drawn) < _DRAWN


def test_the_last_page_is_as_quick(large: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    card = DashboardCard(large.dashboard())
    card.press("look", values={"kind": '"runs"'})
    counted = Counted(large, monkeypatch)
    table = card.press("page", skip=RUNS - PAGE)["table"]
    assert "10 000" in table
    assert "run/1<" in table
    assert counted.rows <= PAGE + 20


def test_what_has_drifted_is_found_among_all(large: Workbench) -> None:
    card = DashboardCard(large.dashboard())
    table = card.press("look", values={"kind": '"drift and quality"'})["table"]
    assert table.index("service/7") < table.index("service/100")
    found = card.press("look", values={"kind": '"drift and quality"', "state": '"drifted"'})["table"]
    assert "drift in age" in found
    assert "service/8" not in found
    assert "1 – 1 of 1" in found


def test_what_the_panel_and_a_list_show_reads_no_run_that_is_not_shown(
    large: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(large, monkeypatch)
    assert len(panel.panel(large)["runs"]) == panel.RUNS
    assert len(large.deployments()) == SERVICES
    assert "failed" not in str(large.status())
    assert large.status("run/77").name == "run/77"
    assert card_of(large.deployments()[0]).look()["head"]
    assert counted.rows < 8 * SERVICES
