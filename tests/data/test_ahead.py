"""What is read ahead comes in order, what goes wrong comes where it would have, and nothing is left running."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
from waiting import until

from workbench.data.ahead import ahead


def numbers(closed: list[str], last: int = 10) -> Generator[int]:
    try:
        for i in range(last):
            if i == 7:
                raise ValueError("seven")
            yield i
    finally:
        closed.append(threading.current_thread().name)


def test_what_goes_wrong_comes_after_what_was_before_it() -> None:
    closed: list[str] = []
    seen = []
    reading = ahead(numbers(closed))
    for _ in range(7):
        seen.append(next(reading))
    with pytest.raises(ValueError, match="seven"):
        next(reading)
    assert seen == list(range(7))
    assert list(ahead(numbers([], 5))) == list(range(5))


def test_who_stops_early_closes_what_was_read_in_its_own_thread() -> None:
    closed: list[str] = []
    reading = ahead(numbers(closed))
    assert next(reading) == 0
    reading.close()
    assert closed
    assert closed[0] != threading.current_thread().name
    assert closed[0] not in [thread.name for thread in threading.enumerate()]


def test_no_more_than_so_many_are_made_beforehand() -> None:
    made: list[int] = []

    def items() -> Generator[int]:
        for i in range(100):
            made.append(i)
            yield i

    reading = ahead(items(), most=2)
    next(reading)
    until(lambda: len(made) == 4)  # one is used, two wait, one is made
    reading.close()
    assert len(made) <= 5
