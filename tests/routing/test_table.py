"""A table says of each request which version it is for."""

from __future__ import annotations

from collections import Counter

import pytest

from workbench.routing.bandit import Earned, choose
from workbench.routing.table import Table, sticky_by

THREE = Table("churn@3", (("churn@4", 20.0), ("churn@5", 10.0)), number=7)


@pytest.mark.parametrize(
    "table",
    [
        Table("churn@1"),
        THREE,
        Table("churn@3", (("churn@4", 12.5),), "x-customer", 8),
        Table("churn@3", (("churn@4", 12.5),), sticky_by("customer of ours"), 8),
        Table.shadowed("churn@1", "churn@2", 9),
        Table("churn@1", (("churn@2", 0.0),), number=10, how="thompson"),
    ],
)
def test_a_table_is_read_as_it_is_written(table: Table) -> None:
    assert Table.parse(str(table)) == table


def test_each_version_gets_its_share_and_the_live_one_the_rest() -> None:
    assert THREE.shares == {"churn@3": 70.0, "churn@4": 20.0, "churn@5": 10.0}
    seen = Counter(THREE.pick(None, {}) for _ in range(10_000))
    assert seen[0] == pytest.approx(7000, abs=300)
    assert seen[1] == pytest.approx(2000, abs=300)
    assert seen[2] == pytest.approx(1000, abs=300)


def test_a_key_keeps_its_version_and_keys_are_shared_out_likewise() -> None:
    sticky = Table(THREE.ref, THREE.others, "x-customer", 7)
    met = {key: sticky.pick(str(key).encode(), {}) for key in range(2000)}
    assert all(sticky.pick(str(key).encode(), {}) == version for key, version in met.items())
    assert Counter(met.values())[0] == pytest.approx(1400, abs=100)
    wider = Table(THREE.ref, (("churn@4", 50.0), ("churn@5", 10.0)), "x-customer", 8)
    assert all(wider.pick(str(key).encode(), {}) == 1 for key, version in met.items() if version == 1)


@pytest.mark.parametrize("policy", ["thompson", "epsilon-greedy"])
def test_the_better_one_gets_most(policy: str) -> None:
    arms = [Earned(200, 80, 80, 0, 1), Earned(200, 140, 140, 0, 1), Earned(200, 60, 60, 0, 1)]
    seen = Counter(choose(policy, arms) for _ in range(2000))
    assert seen[1] > 1700


@pytest.mark.parametrize("policy", ["thompson", "epsilon-greedy"])
def test_what_is_not_known_is_tried(policy: str) -> None:
    assert set(Counter(choose(policy, [Earned(), Earned(), Earned()]) for _ in range(200))) == {0, 1, 2}
    greedy = Counter(choose(policy, [Earned(500, -900.0, 1700.0, -9.0, -0.1), Earned()]) for _ in range(200))
    assert greedy[1] > 100, "errors as rewards, and one of which nothing is known"


def test_rewards_of_any_size_are_told_apart() -> None:
    errors = [Earned(100, -500.0, 2600.0, -9.0, -1.0), Earned(100, -300.0, 1000.0, -9.0, -1.0)]
    assert Counter(choose("thompson", errors) for _ in range(500))[1] > 450
