"""What a version that comes and the live one beside it have answered -> whether the new one may go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import text
from .figures import NOBODY, Arm, of_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .conditions import Condition

LEAST = 200
FIGURES = ("errors", "p50", "p90", "p99")
"""What a service counts of each version: the share of requests that failed, and within which time most are answered."""
Rule = Callable[[Arm, Arm], str]
"""Of a version and the live one: why the first must not go on; empty where it may."""
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


def judge(new: Arm, live: Arm, least: int, watched: Sequence[Condition] = (), *, alone: bool = False) -> Verdict:
    """By what of `FIGURES` is watched; else by the share of requests that failed, one in a hundred more than of the
    live version is too many, and by the time within which nine of ten are answered, half as long again and 5 ms is.
    Never on fewer than `least` requests of the new one. One that answers `alone` is judged by what is watched only."""
    rules = [(beside, rule) for beside, rule in _rules(watched) if not (alone and beside)]
    if new.requests < least:
        return Verdict(waiting=f"waiting: {text.count(new.requests)} of {text.count(least)}")
    if live.requests < _BESIDE and any(beside for beside, _ in rules):
        return Verdict(waiting=f"waiting: {live.requests} of {_BESIDE} of the live version")
    found = (rule(new, live) for _, rule in rules)
    return Verdict(bad=next((bad for bad in found if bad), ""))


def _rules(watched: Sequence[Condition]) -> list[tuple[bool, Rule]]:
    """What is looked at, and whether it takes the live version for that."""
    named = {condition.measure for condition in watched}
    rules = [(condition.live, partial(_watched, condition)) for condition in watched if condition.measure in FIGURES]
    usual: list[tuple[bool, Rule]] = [(True, _fails_more)] * ("errors" not in named)
    usual += [(True, _is_slower)] * named.isdisjoint(FIGURES[1:])
    return [*rules, *usual]


def _watched(condition: Condition, new: Arm, live: Arm) -> str:
    value, beside = (_figure(condition.measure, arm) for arm in (new, live))
    if value is None or condition.holds(value, beside):
        return ""
    return f"{condition.told(value, beside)} on {text.count(new.requests, 'request')}"


def _figure(name: str, arm: Arm) -> float | None:
    if name != "errors":
        return arm.within(int(name[1:]) / 100)
    return _failing(arm) if arm.requests else None


def _fails_more(new: Arm, live: Arm) -> str:
    if _failing(new) <= _failing(live) + _MORE_FAIL:
        return ""
    return f"{_fails(new)} failed, of the live version {_fails(live)}"


def _is_slower(new: Arm, live: Arm) -> str:
    fast, slow = live.p90, new.p90
    if not fast or not slow or slow <= _SLOWER * fast + _SLOWER_SECONDS:
        return ""
    times = f"{text.milliseconds(slow)} ms, of the live version {text.milliseconds(fast)} ms"
    return f"nine of ten requests took up to {times} ({text.count(new.requests, 'request')})"


def _failing(arm: Arm) -> float:
    return arm.failed / arm.requests


def _fails(arm: Arm) -> str:
    return f"{100 * _failing(arm):.1f} % of {text.count(arm.requests, 'request')}"
