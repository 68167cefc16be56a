"""A home with a store; what a test has started there ends with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from workbench import paths
from workbench.jobs.store import Store

sys.path.insert(0, str(Path(__file__).parent))

from job_parts import supervisor_of
from waiting import until


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """The store of the test's home; whatever its jobs started is killed at the end."""
    store = Store(paths.state(home))
    store.jobs()
    yield store
    if pid := supervisor_of(home):
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
        until(lambda: supervisor_of(home) is None)
    for job in store.jobs():
        if job.process:
            job.process.kill()
            until(lambda process=job.process: not process.alive())
