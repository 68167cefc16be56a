"""`monday 6:00`, `every 5 minutes` or a cron line -> the times at which it is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo

from .. import text
from ..errors import UsageError

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_PLAIN = {"hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *"}
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})$")
_STEP = re.compile(r"^every (\d+)? ?(minute|hour)s?$")


def line(said: str) -> str:
    """The cron line for what a person says. UsageError, which names the part that is wrong."""
    words = " ".join(said.lower().split())
    found = _PLAIN.get(words) or _steps(words) or _at(words) or words
    _check(found, said)
    return found


def _steps(words: str) -> str | None:
    match = _STEP.match(words)
    if not match:
        return None
    number = int(match[1] or 1)
    return f"*/{number} * * * *" if match[2] == "minute" else f"0 */{number} * * *"


def _at(words: str) -> str | None:
    """`monday 6:00`, `daily 6:00`, `weekdays 18:30`, `6:00`."""
    *days, clock = words.split()
    match = _CLOCK.match(clock)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2])
    day = " ".join(days).removeprefix("every ")
    if day in ("", "daily", "day"):
        return f"{minute} {hour} * * *"
    if day in ("weekdays", "weekday"):
        return f"{minute} {hour} * * 1-5"
    numbers = [str(i) for i, name in enumerate(_DAYS) if day in (name, f"{name}s", name[:3])]
    if numbers:
        return f"{minute} {hour} * * {numbers[0]}"
    near = text.closest(day, _DAYS)
    raise UsageError(
        f"{words!r}: there is no day {day!r}", fix=f"did you mean {near}?" if near else "monday 6:00, daily 6:00"
    )


def _check(cron: str, said: str) -> None:
    from croniter import croniter

    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise UsageError(f"{said!r} is no cycle", fix="a cron line of five fields, `0 6 * * 1`, or `monday 6:00`")
    for i, name in enumerate(_FIELDS):
        alone = " ".join(field if j == i else "*" for j, field in enumerate(fields))
        if not croniter.is_valid(alone):
            raise UsageError(f"{said!r}: {fields[i]!r} is no {name}", fix="as in `0 6 * * 1`, or `monday 6:00`")


def zone(name: str | None) -> tzinfo | None:
    """The time zone of this name, None for the machine's. UsageError."""
    if not name:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        near = text.closest(name, available_timezones())
        raise UsageError(f"there is no time zone {name!r}", fix=near or "as in Europe/Berlin") from None


def times(cron: str, zone_name: str | None, after: float) -> Iterator[float]:
    """When it is due after that time, on and on. Over a change of the clocks each due time comes once."""
    from croniter import croniter

    start = datetime.fromtimestamp(after, zone(zone_name)).astimezone(zone(zone_name))
    found = croniter(cron, start)
    last = after
    while True:
        due = found.get_next(datetime).timestamp()
        if due > last:
            last = due
            yield due
