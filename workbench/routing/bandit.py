"""What each version has earned -> which is asked next: mostly the best, now and then another, to learn more of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EPSILON = 0.1
"""The share of requests for which `epsilon-greedy` chooses any version."""


@dataclass(frozen=True)
class Earned:
    """How many rewards a version got, their sum and that of their squares, the least and the largest."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = 0.0
    largest: float = 0.0

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else math.nan

    @property
    def deviation(self) -> float:
        """Of one reward, from the mean."""
        spread = (self.squares - self.total**2 / self.count) / (self.count - 1) if self.count > 1 else 0.0
        return math.sqrt(max(0.0, spread))

    @property
    def within_one(self) -> bool:
        """Whether all rewards are between 0 and 1."""
        return self.least >= 0 and self.largest <= 1


def _greedy(arms: Sequence[Earned]) -> int:
    if random.random() < EPSILON:  # noqa: S311 nothing is kept secret by it
        return random.randrange(len(arms))  # noqa: S311
    return _best([arm.mean if arm.count else math.inf for arm in arms])


def _thompson(arms: Sequence[Earned]) -> int:
    """A draw of what each may be worth, given what it has earned, and the best of these."""
    if all(arm.within_one for arm in arms):
        return _best([random.betavariate(1 + arm.total, 1 + arm.count - arm.total) for arm in arms])
    draws = [
        random.gauss(arm.mean, arm.deviation / math.sqrt(arm.count)) if arm.count > 1 else math.inf for arm in arms
    ]
    return _best(draws)


POLICIES: dict[str, Callable[[Sequence[Earned]], int]] = {"epsilon-greedy": _greedy, "thompson": _thompson}


def choose(policy: str, arms: Sequence[Earned]) -> int:
    """Which of these is asked next; any of them while none has earned anything."""
    return POLICIES[policy](arms)


def _best(values: list[float]) -> int:
    """The place of the largest value, any of those that are equally large."""
    most = max(values)
    return random.choice([i for i, value in enumerate(values) if value == most])  # noqa: S311
