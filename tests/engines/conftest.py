"""One cluster of Ray with several nodes on this machine, for all tests of engines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.api import Workbench

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "operations")]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A head and one node beside it with two processors; tests add those that they end."""
    from ports import free_port
    from ray_parts import begun

    with begun() as cluster:
        cluster.serves_at = free_port()  # Ray Serve has one port, whoever begins it there
        yield cluster


@pytest.fixture
def api(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Any) -> Iterator[Workbench]:
    """The API over a home of the test's own, on the cluster; what it started is stopped at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    workbench = Workbench(home)
    yield workbench
    workbench.shutdown(all=True)
