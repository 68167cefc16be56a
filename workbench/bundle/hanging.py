"""A clean process that does not end in time -> where it hung, in words."""

from __future__ import annotations

import faulthandler
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .. import text
from ..errors import NotProven

if TYPE_CHECKING:
    from ..spawn.client import Ended

PATIENCE = 600.0
"""Seconds that a step of a proof may take (loading, answering, probing), where nothing else is said."""
_STEPS, _BEGINNING = 3, 60.0
_MARK = "Timeout ("
_FRAME = re.compile(r'^ *File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_DOING = {
    "started": "it still started for {}",
    "loading": "it still loaded {}",
    "answering": "{} had not answered its example",
    "probing": "{} was still asked whether it is row-wise",
}


def set_alarm(seconds: float) -> None:
    """Have this process write down where it is, and end, so many seconds from now, whatever holds it up."""
    faulthandler.dump_traceback_later(seconds, exit=True)


@contextmanager
def alarm_off() -> Iterator[None]:
    """No alarm is left on at the end."""
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def in_all(seconds: float) -> float:
    """When a process that cannot even end itself is killed, where a step may take so many seconds."""
    return _BEGINNING + _STEPS * seconds


def has_hung(ended: Ended) -> bool:
    """Whether a process ended since its time was up."""
    return ended.timed_out or _MARK in ended.output


def hung(name: str, stage: str, seconds: float, output: str, folder: Path) -> NotProven:
    """What is told of a process that was ended after so many seconds in which it was `stage`."""
    frames = _FRAME.findall(output.rpartition(_MARK)[2])
    own = next((frame for frame in frames if Path(frame[0]).is_relative_to(folder)), None)
    path, line, function = own or next(iter(frames), ("", "", ""))
    fix = "see what it waits for there, or give it longer: --timeout SECONDS"
    return NotProven(
        f"the clean process was ended after {text.seconds(seconds)}: {_DOING[stage].format(name)}",
        where=f"{Path(path).name}, line {line}, in {function}" if path else None,
        fix=fix + "; --row-wise yes|no saves the question" * (stage == "probing"),
    )
