"""What a version that comes and the live one beside it have answered -> whether the new one may go on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import text
from .figures import NOBODY, Arm, of_table

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST = 200
_BESIDE = 20
_MORE_FAIL = 0.01
_SLOWER, _SLOWER_SECONDS = 1.5, 0.005


@dataclass(frozen=True)
class Verdict:
    """`waiting` says for what, `bad` why the version must not go on; with neither it may."""

    waiting: str = ""
    bad: str = ""


def seen(files: Iterable[Path], number: int, version: int) -> Arm:
    """What a version has answered since the table of this number stands, in all these deployments."""
    found = NOBODY
    for file in files:
        if file.is_file():
            found += of_table(file, number).get(version, NOBODY)
    return found


def judge(new: Arm, live: Arm, least: int) -> Verdict:
    """By the share of requests that failed, one in a hundred more is too many; and by the time within which nine of ten
    are answered, half as long again and 5 ms is. Never on fewer than `least` requests of the new one."""
    if new.requests < least:
        return Verdict(waiting=f"waiting: {text.count(new.requests)} of {text.count(least)}")
    if live.requests < _BESIDE:
        return Verdict(waiting=f"waiting: {live.requests} of {_BESIDE} of the live version")
    if _failing(new) > _failing(live) + _MORE_FAIL:
        return Verdict(bad=f"{_fails(new)} failed, of the live version {_fails(live)}")
    fast, slow = live.p90, new.p90
    if fast and slow and slow > _SLOWER * fast + _SLOWER_SECONDS:
        times = f"{text.milliseconds(slow)} ms, of the live version {text.milliseconds(fast)} ms"
        return Verdict(bad=f"nine of ten requests took up to {times} ({text.count(new.requests, 'request')})")
    return Verdict()


def _failing(arm: Arm) -> float:
    return arm.failed / arm.requests


def _fails(arm: Arm) -> str:
    return f"{100 * _failing(arm):.1f} % of {text.count(arm.requests, 'request')}"
