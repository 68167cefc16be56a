"""Outcomes and the answers that they judge -> what each version has earned, in a file that all workers of a service
look at."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from ..routing.bandit import Earned
from .measures import are_chances, are_labels, errors, right

if TYPE_CHECKING:
    import pandas as pd

_FILE = "rewards.json"


class Rewards:
    """What the versions of a service have earned, as it was when this was last refreshed."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / _FILE
        self._written, self._number = 0, 0
        self._earned: dict[str, Earned] = {}
        self._said: list[str] = []
        self.refresh()

    def refresh(self) -> None:
        """Look whether there are more; quick where there are none."""
        try:
            written = self.file.stat().st_mtime_ns
            if written != self._written:
                kept = json.loads(self.file.read_bytes())
                self._earned = {ref: Earned(*figures) for ref, figures in kept["earned"].items()}
                self._said = kept.get("said", [])
                self._written, self._number = written, int(kept["number"])
        except FileNotFoundError:
            return

    def of(self, number: int) -> Mapping[str, Earned]:
        """By version, since the table of this number stands."""
        return self._earned if number == self._number else {}

    def said(self, number: int) -> list[str]:
        """How what is watched stands, since then, in words."""
        return self._said if number == self._number else []


def keep(folder: Path, number: int, earned: Mapping[str, Earned], said: Sequence[str] = ()) -> None:
    """Write down what was earned since the table of this number stands, and how what is watched stands."""
    part = folder / f"{_FILE}-{os.getpid()}.part"
    figures = {ref: astuple(one) for ref, one in earned.items()}
    part.write_text(json.dumps({"number": number, "earned": figures, "said": list(said)}))
    os.replace(part, folder / _FILE)


def earned(judged: pd.DataFrame, since: float) -> dict[str, Earned]:
    """By version, by what was answered since then (seconds since 1970); judged as `outcomes.kept` has it."""
    judged = after(judged, since)
    if not len(judged):
        return {}
    rewards = _rewards(judged)
    return {str(ref): _summed(part) for ref, part in rewards.groupby(judged["version"])}


def after(judged: pd.DataFrame, since: float) -> pd.DataFrame:
    """Those of what was answered since then."""
    import pandas as pd

    return judged[pd.to_datetime(judged["at"], utc=True) >= pd.Timestamp(since, unit="s", tz="UTC")]


def _summed(rewards: pd.Series) -> Earned:
    total, squares = float(rewards.sum()), float((rewards**2).sum())
    return Earned(len(rewards), total, squares, float(rewards.min()), float(rewards.max()))


def _rewards(judged: pd.DataFrame) -> pd.Series:
    """Those that were given, if any were; else what each answer was worth by its outcome: of a label 1 where it is
    right, of a probability 1 less the squared error, of a number the error below 0."""
    given = judged[judged["is_reward"]]
    if len(given):
        return given["outcome"].astype(float)
    outcomes, answers = (judged[name].infer_objects() for name in ("outcome", "answer"))
    if are_labels(outcomes, answers):
        return right(outcomes, answers).astype(float)
    if are_chances(outcomes, answers):
        return 1 - errors(outcomes, answers) ** 2
    return -errors(outcomes, answers).abs()
