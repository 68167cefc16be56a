"""The life of a service whose patience is short, for a process of its own."""

from __future__ import annotations

from typing import Any


def impatient(args: dict[str, Any]) -> None:
    """The life of a service that waits for seconds where others wait for a minute."""
    from workbench.jobs import door, worker
    from workbench.patterns.serving import joined, server

    door.SILENCE = 6.0  # a worker says each second that it is there: one that a busy machine stops is none that hangs
    joined.PATIENCE = 3.0
    server._KEEP_ALIVE = 3
    server._IDLE_PATIENCE = server._SLOW_PATIENCE = 0.5
    worker.main(args)
