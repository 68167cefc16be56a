"""What people say of cycles, and when they are due: over changes of the clocks too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from workbench.errors import UsageError
from workbench.jobs import cron

SAID = {
    "0 6 * * 1": "0 6 * * 1",
    "*/5 9-17 * jan-jun mon-fri": "*/5 9-17 * jan-jun mon-fri",
    "0 0 * * 7": "0 0 * * 7",
    "  Monday   6:00 ": "0 6 * * 1",
    "mon 06:05": "5 6 * * 1",
    "sundays 18:30": "30 18 * * 0",
    "every friday 6:00": "0 6 * * 5",
    "monday and friday 6:00": "0 6 * * 1,5",
    "friday, monday, wednesday at 6:00": "0 6 * * 1,3,5",
    "saturday": "0 0 * * 6",
    "weekdays 18:30": "30 18 * * 1-5",
    "every weekend at 8:30": "30 8 * * 0,6",
    "6:00": "0 6 * * *",
    "daily 6:00": "0 6 * * *",
    "every day 23:59": "59 23 * * *",
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 1",
    "monthly": "0 0 1 * *",
    "hour": "0 * * * *",
    "every day": "0 0 * * *",
    "every month": "0 0 1 * *",
    "minute": "* * * * *",
    "5 minutes": "*/5 * * * *",
    "every 15 minutes": "*/15 * * * *",
    "60 minutes": "0 * * * *",
    "2 hours": "0 */2 * * *",
    "24 hours": "0 0 * * *",
}
REFUSED = {
    "": "'' is no cycle",
    "often": "'often' is no cycle",
    "@daily": "'@daily' is no cycle",
    "0 6 * *": "is no cycle",
    "* * * * * *": "is no cycle",
    "61 6 * * *": "'61' is no minute",
    "0 25 * * *": "'25' is no hour",
    "0 6 32 * *": "'32' is no day of the month",
    "0 6 * 13 *": "'13' is no month",
    "0 6 * * funday": "'funday' is no day of the week",
    "r * * * *": "'r' is no minute",
    "h * * * *": "'h' is no minute",
    "0 6 30 2 *": "never due",
    "25:00": "there is no time 25:00",
    "monday 6:60": "there is no time 6:60",
    "mondy 6:00": "there is no day 'mondy'",
    "45 minutes": "no even parts of 45 minutes",
    "0 minutes": "no even parts of 0 minutes",
    "5 hours": "no even parts of 5 hours",
    "3 days": "several days",
}


@pytest.mark.parametrize("said", SAID)
def test_what_is_said_becomes_a_line(said: str) -> None:
    assert cron.line(said) == SAID[said]
    assert cron.line(cron.words(SAID[said])) == SAID[said]


def test_a_line_is_told_in_the_words_that_make_it() -> None:
    said = ("monday 6:05", "monday and friday 6:00", "weekdays 18:30", "daily 0:00", "every 15 minutes", "every hour")
    assert tuple(cron.words(cron.line(one)) for one in said) == said
    assert cron.words("0 6 1 * *") == "0 6 1 * *"


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_no_cycle_is_refused_with_an_example(said: str) -> None:
    with pytest.raises(UsageError, match=REFUSED[said]) as caught:
        cron.line(said)
    assert any(word in str(caught.value.fix) for word in ("monday", "one of 1,"))


def test_a_misspelt_day_and_zone_are_named() -> None:
    with pytest.raises(UsageError, match="did you mean monday"):
        cron.line("mondy 6:00")
    with pytest.raises(UsageError, match=r"(?s)no time zone 'Europe/Berln'.*Europe/Berlin"):
        cron.zone("Europe/Berln")
    with pytest.raises(UsageError, match="no time zone"):
        cron.zone("../../etc/passwd")


def due(line: str, zone: str | None, after: str, number: int) -> list[str]:
    """The next times, as the clock on the wall has them."""
    at = ZoneInfo(zone or "Europe/Berlin")
    times = cron.times(line, zone, datetime.fromisoformat(after).replace(tzinfo=at).timestamp())
    return [datetime.fromtimestamp(time, at).isoformat()[5:] for time in islice(times, number)]


def test_in_spring_what_falls_into_the_gap_comes_when_it_is_over() -> None:
    assert due("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 2) == [
        "03-29T03:00:00+02:00", "03-30T02:30:00+02:00",
    ]  # fmt: skip
    assert due("0 * * * *", "Europe/Berlin", "2026-03-29T00:30", 3) == [
        "03-29T01:00:00+01:00", "03-29T03:00:00+02:00", "03-29T04:00:00+02:00",
    ]  # fmt: skip
    assert due("0 6 * * *", "Europe/Berlin", "2026-03-28T12:00", 1) == ["03-29T06:00:00+02:00"]
    assert due("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00", 2) == [
        "11-04T01:00:00-02:00", "11-05T00:00:00-02:00",
    ]  # fmt: skip


def test_in_autumn_a_time_of_the_day_comes_once_and_each_hour_comes() -> None:
    assert due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2) == [
        "10-25T02:30:00+02:00", "10-26T02:30:00+01:00",
    ]  # fmt: skip
    assert due("0 * * * *", "Europe/Berlin", "2026-10-25T01:30", 3) == [
        "10-25T02:00:00+02:00", "10-25T02:00:00+01:00", "10-25T03:00:00+01:00",
    ]  # fmt: skip
    assert due("*/30 * * * *", "Australia/Lord_Howe", "2026-04-05T01:10", 3) == [
        "04-05T01:30:00+11:00", "04-05T01:30:00+10:30", "04-05T02:00:00+10:30",
    ]  # fmt: skip


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock is that of Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_the_zone_of_the_machine_knows_its_changes() -> None:
    """Not the offset of today: what is due tomorrow at six is due at tomorrow's six."""
    assert due("0 6 * * *", None, "2026-03-28T12:00", 1) == ["03-29T06:00:00+02:00"]
    assert due("0 6 * * *", None, "2026-10-24T12:00", 2) == ["10-25T06:00:00+01:00", "10-26T06:00:00+01:00"]
    assert due("30 2 * * *", None, "2026-10-25T01:00", 2) == ["10-25T02:30:00+02:00", "10-26T02:30:00+01:00"]


@pytest.mark.parametrize("line", ["* * * * *", "0 6 * * *", "0 6 * * 1", "0 0 1 * *", "0 0 29 2 *"])
def test_the_latest_that_was_due(line: str) -> None:
    now = datetime(2026, 11, 24, 12, 30, 30).timestamp()
    for past in (100.0, 90 * 60.0, 5 * 86400.0, 800 * 86400.0):
        first = next(cron.times(line, "UTC", now - past))
        found = cron.latest(line, "UTC", now, first)
        assert found == first or (found <= now and first < found)
        assert next(cron.times(line, "UTC", found)) > now or found == first > now
