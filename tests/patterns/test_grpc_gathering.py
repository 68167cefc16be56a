"""Calls that come close upon each other wait for one another; a lone one does not wait."""

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
    monkeypatch.setattr(module, "_CLOSE", 60.0)  # however slow the machine is
    asking = Asking(lambda x: x.sum(axis=1), np.ones((2, 2)), tmp_path_factory.mktemp("sums"))
    yield Gathering(asking.endpoint)
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


def test_a_lone_call_does_not_wait(gathering: Gathering) -> None:
    assert together(gathering, 1) == 0
    gathering.endpoint.batcher.busy = True
    gathering.answered()
    assert together(gathering, 3) == 0


def test_calls_wait_where_others_come_and_not_where_they_came_in_vain(gathering: Gathering) -> None:
    for _ in range(3):
        gathering.answered()
        assert together(gathering, 5) == 5
    gathering.answered()
    assert together(gathering, 1) == 1
    for _ in range(64):
        gathering.answered()
        assert together(gathering, 1) == 0
    gathering.answered()
    assert together(gathering, 2) == 2


def test_one_that_is_cancelled_leaves_the_others(gathering: Gathering) -> None:
    async def come() -> None:
        gathering.answered()
        first, second = (asyncio.create_task(gathering.wait()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()

    gathering.loop.run_until_complete(come())
