"""A year of schedules with the clock passed in: across time zones and the days on which their clocks change."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from job_parts import environment

from workbench.jobs import cron
from workbench.jobs.store import Store

ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"),
    *("Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "UTC"),
)
BEGIN, END = (datetime(year, 1, 1, 12, tzinfo=UTC).timestamp() for year in (2027, 2028))
DAILY = {
    "30 2 * * *": (2, 30, lambda day: True),
    "0 0 * * *": (0, 0, lambda day: True),
    "15 3 * * *": (3, 15, lambda day: True),
    "0 6 * * 1": (6, 0, lambda day: day.weekday() == 0),
    "30 1 * * 1-5": (1, 30, lambda day: day.weekday() < 5),
    "0 12 31 * *": (12, 0, lambda day: day.day == 31),
    "45 1 13 * 5": (1, 45, lambda day: day.day == 13 or day.weekday() == 4),
    "0 23 1 1,7 *": (23, 0, lambda day: day.day == 1 and day.month in (1, 7)),
}


@cache
def minutes(zone: str) -> dict[tuple[date, int, int], list[float]]:
    """All moments of the year, by what the clock on the wall shows."""
    found: dict[tuple[date, int, int], list[float]] = {}
    at = ZoneInfo(zone)
    for i in range(int(END - BEGIN) // 60 + 2 * 1440):
        moment = BEGIN - 86400 + 60 * i
        local = datetime.fromtimestamp(moment, at)
        found.setdefault((local.date(), local.hour, local.minute), []).append(moment)
    return found


def expected(zone: str, line: str) -> Iterator[float]:
    """On each day the first moment that shows the time; where the clocks leap over it, the moment after the leap."""
    hour, minute, is_day = DAILY[line]
    shown = minutes(zone)
    day = date(2027, 1, 1)
    while day < date(2028, 1, 3):
        if is_day(day):
            clock = datetime(day.year, day.month, day.day, hour, minute)
            while (clock.date(), clock.hour, clock.minute) not in shown and clock.date() == day:
                clock += timedelta(minutes=1)
            if (clock.date(), clock.hour, clock.minute) in shown:
                yield shown[clock.date(), clock.hour, clock.minute][0]
        day += timedelta(days=1)


@pytest.mark.parametrize("zone", ZONES)
def test_each_line_is_due_when_the_clocks_on_the_wall_say_so(zone: str) -> None:
    for line in DAILY:
        found = list(takewhile(lambda due: due < END, cron.times(line, zone, BEGIN)))
        assert found == [due for due in expected(zone, line) if BEGIN < due < END], line
    each_hour = [moment for (_, _, minute), found in minutes(zone).items() if minute == 0 for moment in found]
    found = list(takewhile(lambda due: due < END, cron.times("0 * * * *", zone, BEGIN)))
    assert found == sorted(moment for moment in each_hour if BEGIN < moment < END)


def test_each_time_of_the_year_starts_one_run_whoever_ticks_when(store: Store) -> None:
    """Ticks at random, outages of days, and a store that is opened anew: what was missed comes, and nothing twice."""
    for i, zone in enumerate(ZONES):
        line = list(DAILY)[i % len(DAILY)]
        store.put_schedule(f"schedule/{i}", line, {}, environment("done"), zone=zone, catch_up="all", overlap="queue")
        first = next(cron.times(line, zone, BEGIN))
        with store.database.write() as write:
            write.execute("update schedules set next_due = ? where name = ?", (first, f"schedule/{i}"))
    chance, now = random.Random(7), BEGIN
    while now < END:
        now = min(END, now + chance.choice((3600.0, 9 * 3600.0, 30 * 3600.0, 5 * 86400.0)) * chance.random())
        store = store if chance.random() > 0.05 else Store(Path(store.folder))
        for _ in range(chance.choice((1, 1, 2))):
            store.take_due(now)
    for i, zone in enumerate(ZONES):
        line = list(DAILY)[i % len(DAILY)]
        dues = sorted(job.due or 0 for job in store.jobs("run") if job.schedule == f"schedule/{i}")
        assert dues == [due for due in expected(zone, line) if BEGIN < due <= END], (zone, line)
