"""Times and spans of time as people say them -> seconds."""

from __future__ import annotations

import re
import time
from datetime import datetime

from .errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)")


def moment(said: str, what: str = "time") -> float:
    """`1h` (an hour ago), `7d`, or a date with or without a time, here -> seconds since 1970. UsageError."""
    if ago := _AGO.fullmatch(said.strip()):
        return time.time() - float(ago[1]) * _UNITS[ago[2][0]]
    try:
        return datetime.fromisoformat(said).timestamp()
    except ValueError:
        raise UsageError(f"{said!r} is no {what}", fix="as in 30m, 1h, 7d or 2026-11-30T14:00") from None


def seconds(said: str) -> float:
    """`12h`, `7d` -> seconds. UsageError."""
    if long := _AGO.fullmatch(said.strip()):
        return float(long[1]) * _UNITS[long[2][0]]
    raise UsageError(f"{said!r} is no span of time", fix="as in 30m, 12h or 7d")
