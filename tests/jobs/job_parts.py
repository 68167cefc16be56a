"""Dummy jobs, and how to wait for them and their supervisor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from waiting import until

from workbench import paths
from workbench.jobs import supervisor
from workbench.jobs.record import Job
from workbench.jobs.store import Store
from workbench.spawn.environment import clean

HERE = Path(__file__).parent


def environment(target: str = "steady", **more: Any) -> dict[str, Any]:
    """The environment of a dummy job."""
    return {
        "python": sys.executable,
        "variables": clean() | {"PYTHONPATH": str(HERE)},
        "env_file": None,
        "folder": str(HERE),
        "preload": [],
        "target": f"targets:{target}",
    } | more


def supervisor_of(home: Path) -> int | None:
    """The number of the supervisor, if one runs."""
    process = supervisor.process_of(paths.state(home))
    return process.pid if process else None


def ready(store: Store, name: str) -> Job:
    """The job once it is ready."""
    return until(lambda: (job := store.get(name)).state == "ready" and job, f"{store.get(name)}")
