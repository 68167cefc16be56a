"""Batches that are put on Kafka in transactions: none is taken twice, whoever puts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workbench.brokers import opening
from workbench.errors import StorageError, UsageError


def test_what_one_has_put_another_does_not_put_again(brokers: Callable[[str], Any]) -> None:
    place = brokers("kafka").place("once", transactions="yes")
    first = opening.topic(place)
    first.append([b"1", b"2"], ["a", "a"], source="rows/0", offset=2)
    first.append([b"1", b"2"], ["a", "a"], source="rows/0", offset=2)
    first.append([b"5"], ["a"], source="rows/1", offset=9)
    second = opening.topic(place)
    second.append([b"1", b"2"], ["a", "a"], source="rows/0", offset=2)
    second.append([b"3"], ["a"], source="rows/0", offset=3)
    assert (second.position("rows/0"), first.position("rows/1")) == (3, 9)
    assert sorted(record.value for record in second.newest(10)) == [b"1", b"2", b"3", b"5"]
    with pytest.raises(StorageError, match="bytes at most"):
        second.append([b"x" * 2_000_000], source="rows/0", offset=4)
    assert second.position("rows/0") == 3
    first.close()
    second.close()


def test_a_switch_says_yes_or_no() -> None:
    with pytest.raises(UsageError, match="transactions=1 says neither yes nor no"):
        opening.topic("kafka://127.0.0.1:9/topic?transactions=1")
