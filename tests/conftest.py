"""Every test has a home of its own; where CI is set, a part that a test misses is a failure and not a skip, unless it is
no part of the project."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """WORKBENCH_HOME of the test."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    monkeypatch.delenv("WORKBENCH_REGISTRY", raising=False)
    return folder


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """A shell that a test makes takes the place of the main module; processes that are spawned later look at it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """Who asks over HTTP waits as long as who waits for a condition: httpx's own five seconds pass on a busy machine."""
    from httpx import _config
    from waiting import PATIENCE

    own = _config.DEFAULT_TIMEOUT_CONFIG
    own.connect = own.read = own.write = own.pool = PATIENCE


@pytest.fixture(scope="session")
def brokers() -> Iterator[Callable[[str], Any]]:
    """The server of a kind of broker, started when a test first asks for it."""
    from broker_servers import SERVERS

    running: dict[str, Any] = {}

    def server(kind: str) -> Any:
        if kind not in running:
            running[kind] = SERVERS[kind]()
            running[kind].start()
        return running[kind]

    yield server
    for one in running.values():
        one.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files where most time goes come first, so that no worker is left alone with one at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of several workers one has a whole file, whose tests share what they start; each notebook may go to another."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return nodeid if file.endswith("test_notebooks.py") else file

    return Scheduling(config, log)


NO_PART = "no part of the project"
"""A reason to skip that begins so holds in CI, too."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    report = yield
    must = os.environ.get("CI") == "true" and not hasattr(report, "wasxfail") and NO_PART not in str(report.longrepr)
    if report.skipped and must:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything must be there: {report.longrepr}"
    return report
