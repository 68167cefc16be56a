"""Calls that come close upon each other wait for one another, where there is much to do; a lone one does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from endpoint_parts import Asking

from workbench.patterns.serving.grpc import gathering as module
from workbench.patterns.serving.grpc.gathering import Gathering


@pytest.fixture
def gathering(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gathering]:
    """Of a process that has much to do, and does not look whether that is so."""
    monkeypatch.setattr(module, "_LOOK", float("inf"))
    asking = Asking(lambda x: x.sum(axis=1), np.ones((2, 2)), tmp_path_factory.mktemp("sums"))
    made = Gathering(asking.endpoint)
    made.busy, made.endpoint.batcher.usual = True, 0.0
    yield made
    asking.close()


def together(gathering: Gathering, calls: int) -> int:
    """How many of so many calls have to wait."""

    async def come() -> int:
        tasks = [asyncio.create_task(gathering.wait()) for _ in range(calls)]
        await asyncio.sleep(0)
        waiting = sum(not task.done() for task in tasks)
        await asyncio.gather(*tasks)
        return waiting

    return gathering.loop.run_until_complete(come())


def test_who_has_little_to_do_lets_nobody_wait(gathering: Gathering) -> None:
    gathering.busy = False
    assert together(gathering, 3) == 0
    gathering.endpoint.batcher.usual = 0.005
    assert together(gathering, 3) == 3, "unless the model takes its time"


def test_while_the_model_is_busy_calls_gather_anyway(gathering: Gathering) -> None:
    gathering.endpoint.batcher.busy = True
    assert together(gathering, 3) == 0


def test_a_group_goes_on_once_it_is_as_large_as_the_last(gathering: Gathering) -> None:
    assert together(gathering, 5) == 5, "it had its time"
    assert together(gathering, 5) == 4, "the last takes all along"
    assert together(gathering, 3) == 3
    for _ in range(module._LARGER - 1):
        assert together(gathering, 3) == 2
    assert together(gathering, 6) == 6, "whether there are more is tried"
    assert together(gathering, 6) == 5


def test_who_was_alone_waits_again_more_and_more_rarely(gathering: Gathering) -> None:
    waited = [together(gathering, 1) for _ in range(16)]
    assert waited == [1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert any(together(gathering, 2) == 2 for _ in range(64)), "others are found all the same"


def test_one_that_is_cancelled_leaves_the_others(gathering: Gathering) -> None:
    async def come() -> None:
        first, second = (asyncio.create_task(gathering.wait()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()

    gathering.loop.run_until_complete(come())
