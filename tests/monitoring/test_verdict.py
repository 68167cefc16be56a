"""Whether a version that comes may go on, by what it and the live one have answered."""

from __future__ import annotations

import pytest

from workbench.monitoring.conditions import read
from workbench.monitoring.figures import NOBODY, Arm
from workbench.monitoring.metrics import BOUNDS
from workbench.monitoring.verdict import judge


def arm(answered: int, seconds: float, failed: int = 0) -> Arm:
    """So many answers that took so long each."""
    times = [0.0] * (len(BOUNDS) + 1)
    times[next(i for i, bound in enumerate(BOUNDS) if bound >= seconds)] = answered
    return Arm(failed, tuple(times))


@pytest.mark.parametrize(
    ("new", "live", "waiting", "bad"),
    [
        (arm(37, 0.01), arm(500, 0.01), "waiting: 37 of 200", ""),
        (arm(0, 0.01, failed=199), arm(500, 0.01), "waiting: 199 of 200", ""),
        (arm(300, 0.01), NOBODY, "waiting: 0 of 20 of the live version", ""),
        (arm(300, 0.01), arm(500, 0.01), "", ""),
        (arm(300, 0.001), arm(500, 0.01), "", ""),
        (arm(300, 0.001), arm(500, 0.0001), "", ""),
        (arm(297, 0.01, failed=3), arm(500, 0.01), "", ""),
        (arm(290, 0.01, failed=10), arm(500, 0.01), "", "3.3 % of 300 requests failed, of the live version 0.0 %"),
        (arm(290, 0.01, failed=10), arm(485, 0.01, failed=15), "", ""),
        (arm(0, 0.01, failed=200), arm(500, 0.01), "", "100.0 % of 200 requests failed"),
        (arm(300, 0.03), arm(500, 0.01), "", "nine of ten requests took up to"),
    ],
)
def test_a_version_is_judged_by_what_is_beside_it(new: Arm, live: Arm, waiting: str, bad: str) -> None:
    verdict = judge(new, live, 200)
    assert verdict.waiting == waiting
    assert verdict.bad.startswith(bad)
    assert bool(verdict.bad) == bool(bad)


@pytest.mark.parametrize(
    ("watched", "new", "live", "waiting", "bad"),
    [
        ("errors <= 5%", arm(290, 0.01, failed=10), arm(500, 0.01), "", ""),
        ("errors <= 2%", arm(290, 0.01, failed=10), arm(500, 0.01), "", "errors 3.33 % > 2 % on 300 requests"),
        ("errors <= live + 5%", arm(290, 0.01, failed=10), NOBODY, "waiting: 0 of 20 of the live version", ""),
        ("errors <= 2%, p90 <= 1s", arm(300, 0.01), NOBODY, "", ""),
        ("p90 <= 20ms", arm(300, 0.05), arm(500, 0.05), "", "p90 "),
        ("p99 <= 1s", arm(300, 0.05), arm(500, 0.01), "", ""),
        ("auc >= 0.9", arm(300, 0.05), arm(500, 0.01), "", "nine of ten requests took up to"),
    ],
)
def test_what_is_watched_takes_the_place_of_the_usual(
    watched: str, new: Arm, live: Arm, waiting: str, bad: str
) -> None:
    verdict = judge(new, live, 200, read(watched))
    assert verdict.waiting == waiting
    assert verdict.bad.startswith(bad)
    assert bool(verdict.bad) == bool(bad)
