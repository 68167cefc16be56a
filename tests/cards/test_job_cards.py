"""Cards of what really runs: they say what it does, and their buttons do what they say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pandas as pd
import pytest
from card_models import CUSTOMERS, first, second, third
from markup_parts import Read
from waiting import until

from workbench.api import Workbench
from workbench.cards.jobs import RunCard
from workbench.cards.models import ModelCard
from workbench.cards.schedules import ScheduleCard
from workbench.cards.services import ServiceCard
from workbench.cards.streams import StreamCard
from workbench.errors import NotFound, UsageError


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", first, example=CUSTOMERS)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture
def service(api: Workbench) -> Any:
    return api.serve("churn")


def shown(card: Any) -> dict[str, Read]:
    return {name: Read(html) for name, html in card.look().items()}


def ask(service: Any, times: int = 20) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {service.token}"}) as client:
        for _ in range(times):
            row = {"age": 41, "calls": 1, "plan": "plus", "vip": True, "city": None}
            client.post(f"{service.url}/predict", json=row).raise_for_status()


def test_a_service_shows_what_it_is_asked(service: Any) -> None:
    card = ServiceCard(service)
    before = shown(card)
    assert "ready" in before["head"].text
    assert service.url in before["head"].text
    assert before["buttons"].buttons() == ["open", "restart", "stop"]
    ask(service)
    until(lambda: ask(service, 1) or " 0 " not in f" {shown(card)['figures'].text} ")
    card.look()
    drawn = shown(card)["figures"].all("path")
    assert len(drawn) == 8
    assert drawn[1]["d"]
    assert str(service.token) not in "".join(card.look().values())


def test_its_page_opens_with_the_token_which_no_part_has(service: Any) -> None:
    card = ServiceCard(service)
    link = card.press("open")["open"]
    assert httpx.get(link, follow_redirects=True).status_code == 200
    assert httpx.get(service.url).status_code == 401


def test_a_version_that_comes_is_tried_moved_and_promoted(api: Workbench, service: Any) -> None:
    card = ServiceCard(service)
    api.model("churn", second, example=CUSTOMERS)
    try:
        assert shown(card)["buttons"].buttons() == ["open", "promote", "share", "restart", "stop"]
        said = card.press("share", version="churn@2", value=10)["said"]
        assert "answers 10 %" in said
        until(lambda: shown(card)["route"].all("input"))
        route = shown(card)["route"]
        (slider,) = route.all("input")
        assert slider["value"] == "10"
        assert "90 %" in route.text
        card.press("share", version="churn@2", value=60)
        until(lambda: shown(card)["route"].all("input", value="60"))
        assert shown(card)["buttons"].buttons() == ["open", "promote", "rollback", "restart", "stop"]
        card.press("share", version="churn@2", value=0)
        until(lambda: not shown(card)["route"].all("input"))
        with pytest.raises(UsageError, match="no version of churn comes any more"):
            card.press("share", version="churn@2", value=0)
        assert "now churn@2" in card.press("share", version="churn@2", value=100)["said"]
        until(lambda: shown(card)["buttons"].buttons() == ["open", "restart", "stop"])
        moved_among_three(api, card)
    finally:
        api.promote("churn@1")


def moved_among_three(api: Workbench, card: ServiceCard) -> None:
    """A slider for each; whose values are keys, and what is watched, stays as it was."""
    api.model("churn", third, example=CUSTOMERS)
    api.promote("churn", split="1=60,2=30,3=10", sticky_by="plan", watch="errors <= 5%", min_requests=50)
    until(lambda: len(shown(card)["route"].all("input")) == 3)
    shares = {"churn@1": 33, "churn@2": 0, "churn@3": 67}
    assert "churn@2 0 %, churn@1 33 %, churn@3 67 %" in card.press("shares", shares=shares)["said"]
    until(lambda: [one["value"] for one in shown(card)["route"].all("input")] == ["0", "33", "67"])
    route, buttons = shown(card)["route"], shown(card)["buttons"].buttons()
    assert [one["data-args"] for one in route.all("button", data_do="promote")] == [
        '{"version": "churn@1"}',
        '{"version": "churn@3"}',
    ]
    assert "by plan" in route.text
    assert "of 50" in route.text
    assert buttons == ["open", "rollback", "restart", "stop"]
    comes = shown(ModelCard(api.registry.resolve("churn@3"), api.home))
    assert "service/churn ready" in comes["rows"].text
    assert comes["buttons"].buttons() == ["promote", "try"]


def test_it_is_stopped_and_started_by_its_buttons(service: Any) -> None:
    card = ServiceCard(service)
    assert card.press("stop") == {"said": "service/churn is stopped"}
    stopped = shown(card)
    assert stopped["buttons"].buttons() == ["start", "remove"]
    assert stopped["figures"].text == ""
    assert card.press("start") == {"said": "service/churn is ready"}
    assert "ready" in shown(card)["head"].text
    with pytest.raises(UsageError, match="no button 'shutdown'"):
        card.press("shutdown")


def test_another_card_of_the_same_thing_goes_on_with_what_was_seen(service: Any) -> None:
    card, again = ServiceCard(service), ServiceCard(service)
    card.look()
    card.look()
    again.goes_on(card)
    assert again.trend.of("rate")


def test_a_run_that_failed_is_tried_again(api: Workbench, tmp_path: Any) -> None:
    CUSTOMERS.to_parquet(tmp_path / "in.parquet")
    run = api.batch("churn", str(tmp_path / "in.parquet"), output=str(tmp_path / "out"), wait=True)
    card = RunCard(run)
    done = shown(card)
    assert done["buttons"].buttons() == []
    assert "120 rows" in done["head"].text
    pd.DataFrame({"age": ["old"]}).to_csv(tmp_path / "bad.csv", index=False)
    bad = api.batch("churn", str(tmp_path / "bad.csv"), output=str(tmp_path / "bad"), max_rejects=0)
    card = RunCard(bad)
    until(lambda: "failed" in shown(card)["head"].text)
    assert shown(card)["buttons"].buttons() == ["resume", "remove"]
    assert "age" in shown(card)["rows"].text
    assert card.press("remove")["said"].startswith("removed run/")
    with pytest.raises(NotFound):
        card.look()


def test_a_stream_shows_its_rate_and_lag(api: Workbench, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(api.home))  # where its queue is
    stream = api.stream("churn", "queue:customers", output=str(tmp_path / "scores.jsonl"))
    card = StreamCard(stream)
    api.put("queue:customers", CUSTOMERS)
    until(lambda: "120 records" in shown(card)["head"].text)
    assert shown(card)["figures"].text.startswith("records/s")
    newest = api.registry.versions("churn")[-1].ref
    if not newest.endswith("@1"):  # captured by the tests of a service
        assert shown(card)["buttons"].buttons() == ["promote", "share", "pause", "stop"]
        card.press("share", version=newest, value=25)
        until(lambda: shown(card)["route"].all("input", value="25"))
        card.press("share", version=newest, value=0)
        until(lambda: not shown(card)["route"].all("input"))
    card.press("pause")
    assert shown(card)["buttons"].buttons() == ["resume", "stop"]
    card.press("stop")
    assert shown(card)["buttons"].buttons() == ["start", "remove"]


def test_a_schedule_shows_when_it_runs_and_waits_when_told(api: Workbench, tmp_path: Any) -> None:
    CUSTOMERS.to_parquet(tmp_path / "in.parquet")
    there = str(tmp_path / "in.parquet")
    schedule = api.batch("churn", there, output=str(tmp_path / "out"), every="monday 6:00", name="weekly")
    card = ScheduleCard(schedule)
    said = shown(card)
    day = datetime.fromtimestamp(schedule.schedule.next_due or 0).strftime("%Y-%m-%d")
    assert f"next run {day} 06:00, in " in said["head"].text
    assert " ".join(part.text for part in said.values()).count(day) == 1, "it is said once"
    card.press("pause")
    assert shown(card)["buttons"].buttons() == ["resume", "remove"]
    card.press("resume")
    assert shown(card)["buttons"].buttons() == ["pause", "remove"]
    assert card.press("remove")["said"] == "removed schedule/weekly"


def test_a_version_says_who_uses_it(api: Workbench, service: Any) -> None:
    card = ModelCard(api.registry.resolve("churn@1"), api.home)
    seen = shown(card)
    assert "proven" in seen["head"].text
    assert "live" in seen["head"].text
    assert "service/churn ready" in seen["rows"].text
    assert seen["buttons"].buttons() == ["try"], "it is live, and served"
    newest = api.registry.versions("churn")[-1]
    assert shown(ModelCard(newest, api.home))["buttons"].buttons()[-1] == "try"
