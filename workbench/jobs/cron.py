"""`monday 6:00`, `every 5 minutes` or a cron line -> the times at which it is due."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, tzinfo
from itertools import takewhile

from .. import text
from ..errors import UsageError

_BACK = (3600.0, 86400.0, 32 * 86400.0, 367 * 86400.0, 10 * 366 * 86400.0)
_LOCAL = "/etc/localtime"
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_EACH = {
    "minute": "* * * * *",
    "hour": "0 * * * *",
    "day": "0 0 * * *",
    "week": "0 0 * * 1",
    "month": "0 0 1 * *",
}
_PLAIN = {"hourly": _EACH["hour"], "daily": _EACH["day"], "weekly": _EACH["week"], "monthly": _EACH["month"]}
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})$")
_STEP = re.compile(r"^(?:every )?(\d+)? ?(minute|hour|day|week|month)s?$")
_PARTS = {"minute": 60, "hour": 24}  # how many make the next larger one
_EXAMPLES = "as in `monday 6:00`, `daily 6:00`, `15 minutes`, or a cron line such as `0 6 * * 1`"
_FIELD = re.compile(r"^[0-9a-z*,/\-]+$")


def line(said: str) -> str:
    """The cron line for what a person says. UsageError, which names the part that is wrong."""
    words = " ".join(said.lower().split())
    found = _PLAIN.get(words) or _steps(words) or _at(words) or words
    _check(found, said)
    return found


def words(line: str) -> str:
    """What a person would say for a cron line: `monday 6:00`, `every 5 minutes`; else the line itself."""
    minute, hour, *others, days = line.split()
    if others == ["*", "*"] and minute.isdecimal() and hour.isdecimal() and (named := _named(days)):
        return f"{named} {hour}:{int(minute):02}"
    if [*others, days] == ["*", "*", "*"]:
        for unit, other, step in (("minute", hour, minute), ("hour", minute, hour)):
            if other == ("*" if unit == "minute" else "0") and (found := re.fullmatch(r"\*(?:/(\d+))?", step)):
                return f"every {found[1]} {unit}s" if found[1] else f"every {unit}"
    return line


def _named(days: str) -> str:
    """`1,5` -> `monday and friday`; empty where a day is no plain number."""
    if groups := {"*": "daily", "1-5": "weekdays", "0,6": "weekends"}.get(days):
        return groups
    numbers = days.split(",")
    if not all(number in tuple("0123456") for number in numbers):
        return ""
    *first, last = (_DAYS[int(number)] for number in numbers)
    return f"{', '.join(first)} and {last}" if first else last


def _steps(words: str) -> str | None:
    """`5 minutes`, `every hour`, `day`."""
    match = _STEP.match(words)
    if not match:
        return None
    number, unit = int(match[1] or 1), match[2]
    if number == 1:
        return _EACH[unit]
    if unit not in _PARTS:
        raise UsageError(f"{words!r}: cycles of several {unit}s cannot be told in a cron line", fix=_EXAMPLES)
    if number == _PARTS[unit]:
        return _EACH["hour" if unit == "minute" else "day"]
    if number == 0 or _PARTS[unit] % number:
        whole = "an hour" if unit == "minute" else "a day"
        fits = [str(n) for n in range(1, _PARTS[unit]) if _PARTS[unit] % n == 0]
        raise UsageError(f"{words!r}: {whole} has no even parts of {number} {unit}s", fix=f"one of {', '.join(fits)}")
    return f"*/{number} * * * *" if unit == "minute" else f"0 */{number} * * *"


def _at(words: str) -> str | None:
    """`monday 6:00`, `monday and friday 6:00`, `daily 6:00`, `weekdays 18:30`, `6:00`, `monday`."""
    before, _, clock = words.rpartition(" ")
    match = _CLOCK.match(clock)
    days = (before if match else words).removeprefix("every ").removesuffix(" at")
    if not match and not _numbers(days):
        return None
    hour, minute = (int(match[1]), int(match[2])) if match else (0, 0)
    if hour > 23 or minute > 59:
        raise UsageError(f"{words!r}: there is no time {clock}", fix=_EXAMPLES)
    if days in ("", "daily", "day", "every"):
        return f"{minute} {hour} * * *"
    if days in ("weekdays", "weekday"):
        return f"{minute} {hour} * * 1-5"
    if days in ("weekends", "weekend"):
        return f"{minute} {hour} * * 0,6"
    if numbers := _numbers(days):
        return f"{minute} {hour} * * {numbers}"
    near = text.closest(days, _DAYS)
    raise UsageError(f"{words!r}: there is no day {days!r}", fix=f"did you mean {near}?" if near else _EXAMPLES)


def _numbers(days: str) -> str:
    """`monday, friday` -> `1,5`; empty where one is no day."""
    names = [name for name in re.split(r", ?| and | ", days) if name]
    found = [next((i for i, day in enumerate(_DAYS) if n in (day, f"{day}s", day[:3])), -1) for n in names]
    return "" if -1 in found else ",".join(str(number) for number in sorted(found))


def _check(cron: str, said: str) -> None:
    from croniter import CroniterError, croniter

    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise UsageError(f"{said!r} is no cycle", fix=_EXAMPLES)
    for i, name in enumerate(_FIELDS):
        alone = " ".join(field if j == i else "*" for j, field in enumerate(fields))
        if not _known(fields[i]) or not croniter.is_valid(alone):
            raise UsageError(f"{said!r}: {fields[i]!r} is no {name}", fix=_EXAMPLES)
    try:
        croniter(cron).get_next()
    except CroniterError:
        raise UsageError(f"{said!r} is never due: there is no such day", fix=_EXAMPLES) from None


def _known(field: str) -> bool:
    """Numbers, names, ranges, lists and steps: no chance (`r`) and no hash (`h`), which some crons know."""
    words = re.findall(r"[a-z]+", field)
    return bool(_FIELD.match(field)) and not {"r", "h", "l", "w"} & set(words)


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
    """When it is due after that time, on and on.

    Where the clocks go forward over a time, it is due when they have; where they go back, a time of the day is due
    once, at its first, and what comes each hour or more often goes on each hour.
    """
    from croniter import croniter

    at = zone(zone_name) or _machine()
    often = cron.split()[1].startswith("*")
    found = croniter(cron, datetime.fromtimestamp(after, at))
    last = after
    while True:
        due = found.get_next(datetime).timestamp()
        if due > last and (often or not datetime.fromtimestamp(due, at).fold):
            last = due
            yield due


def latest(cron: str, zone_name: str | None, now: float, after: float) -> float:
    """The last time up to now at which it was due; `after` is one at which it was."""
    for back in _BACK:
        found = after
        for due in takewhile(lambda due: due <= now, times(cron, zone_name, max(after, now - back))):
            found = due
        if found > after:
            return found
    return after


def _machine() -> tzinfo:
    """The zone of this machine, which knows when its clocks change."""
    from zoneinfo import ZoneInfo

    if name := os.environ.get("TZ", "").removeprefix(":"):
        with suppress(Exception):  # a TZ may be a rule of its own, such as CET-1CEST
            return ZoneInfo(name)
    elif os.path.exists(_LOCAL):
        with suppress(ValueError), open(_LOCAL, "rb") as file:
            return ZoneInfo.from_file(file)
    found = datetime.now().astimezone().tzinfo
    assert found
    return found
