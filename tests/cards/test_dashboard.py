"""Everything on one screen, a page of it at a time."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from card_models import CUSTOMERS, first
from markup_parts import Read

from workbench.api import Workbench
from workbench.cards import tables
from workbench.cards.dashboard import DashboardCard
from workbench.cards.tables import PAGE


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", first, example=CUSTOMERS, note="a <note>")
    workbench.serve("churn")
    store, environment = workbench.running.store, {"variables": {}}
    for _ in range(2 * PAGE + 1):
        run = store.add_run({"model": "churn@1"}, environment)
        store.ended(run.name, None, "done")
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture
def card(api: Workbench) -> DashboardCard:
    return DashboardCard(api.dashboard())


def look(card: DashboardCard, **chosen: str) -> Read:
    values = {name: json.dumps(value) for name, value in chosen.items()}
    return Read(card.press("look", values=values)["table"])


def names(read: Read) -> list[str]:
    return [json.loads(str(a["data-args"]))["name"] for a in read.all("button", data_do="show")]


def test_it_begins_with_what_is_deployed(card: DashboardCard) -> None:
    parts = card.look()
    assert "1 ready" in Read(parts["head"]).text
    assert names(Read(parts["table"])) == ["service/churn"]
    assert "no requests yet" in parts["table"]
    assert [a["value"] for a in Read(parts["fields"]).all("input", type="radio")] == [
        *("deployments", "runs", "schedules", "models", "drift and quality")
    ]


def test_runs_come_by_pages(card: DashboardCard, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(tables, "time", SimpleNamespace(time=lambda: now))  # whatever is seen twice says 5 s ago twice
    first_page = look(card, kind="runs")
    assert len(names(first_page)) == PAGE
    assert "1 – 20 of 41" in first_page.text
    last = Read(card.press("page", skip=2 * PAGE)["table"])
    assert names(last) == ["run/1"]
    assert last.buttons() == ["show", "page"]
    assert card.look()["table"] == card.press("page", skip=2 * PAGE)["table"]


def test_filters_narrow_it(card: DashboardCard) -> None:
    assert "no runs like that" in look(card, kind="runs", state="failed").text
    assert len(names(look(card, kind="runs", text="churn@1"))) == PAGE
    assert "no schedules yet" in look(card, kind="schedules").text
    found = look(card, kind="models")
    assert names(found) == ["churn@1"]
    assert "a <note>" in found.text
    assert "no models like that" in look(card, kind="models", text="risk").text


def test_schedules_say_what_starts_them_and_when(card: DashboardCard, api: Workbench) -> None:
    store = api.running.store
    store.put_schedule(
        "schedule/often", "monday 6:00", {"model": "churn@live", "output": "out/"}, {}, zone="Asia/Tokyo"
    )
    starts = {"file": "/in/*.csv", "settle": 2.0}
    store.put_schedule("schedule/comes", None, {"notebook": "nb.ipynb"}, {}, starts=starts)
    said = look(card, kind="schedules").text
    for name in ("often", "comes"):
        store.remove_schedule(f"schedule/{name}")
    assert "monday 6:00 · Asia/Tokyo" in said
    assert "churn@live → out/" in said
    assert re.search(r"06:00, in \d+ (d|h|min|s)", said)
    assert "for files /in/*.csv" in said
    assert "when that comes" in said


def test_a_name_opens_its_card(card: DashboardCard) -> None:
    for name in ("service/churn", "run/1", "churn@1"):
        (shown,) = card.press("show", name=name)["detail"]
        assert shown.name == name
        assert shown.look()["head"]


def test_as_text_it_counts(api: Workbench, tmp_path: Path) -> None:
    assert "1 ready" in str(api.dashboard())
    assert api.dashboard().to_json()["runs"] == {"done": 41}
    assert "captured" in str(Workbench(tmp_path).dashboard())


def test_what_was_found_last_of_drift_and_quality_is_seen(api: Workbench, card: DashboardCard) -> None:
    rows = api.serve("churn", name="seen", log_requests=True)
    with httpx.Client(headers={"Authorization": f"Bearer {rows.token}"}, trust_env=False) as client:
        asked = [row for _ in range(2) for row in CUSTOMERS.assign(age=80.0, city="Ulm").to_dict("records")]
        client.post(f"{rows.url}/predict", json=asked, timeout=30).raise_for_status()
    api.stop("service/seen")  # what it was asked is written by then
    before = look(card, kind="drift and quality", text="seen")
    assert "never" in before.text
    drawn = card.press("drift", name="service/seen")
    assert "<svg" in drawn["detail"]
    assert "drift in" in Read(drawn["table"]).text
    log = api.requests("service/seen")
    api.feedback("service/seen", log[["request", "row"]].assign(outcome=log["prediction"] + 1))
    found = look(card, kind="drift and quality", text="seen").text
    assert "mae 1" in found
    assert "240 outcomes" in found
    assert "drift in" in str(api.status("service/seen"))
    assert "mae 1" in str(api.status("service/seen"))
