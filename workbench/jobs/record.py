"""What is kept of each job, order and event."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from .identity import Identity

State = Literal["starting", "ready", "blocked", "paused", "stopping", "stopped", "failed", "done"]
OVER = ("stopped", "failed", "done")
"""The states of what does not run any more."""


@dataclass(frozen=True)
class Job:
    """What should run, and what runs.

    `spec` is what to do, which only its worker reads; `environment` says under which interpreter (`python`), with
    which `variables` and `env_file`, in which `folder`, and which modules it imports (`preload`). `generation` counts
    changes of the two; `launched` is the one that its process was started for. `restart` is `always` (deployments),
    `retry` (at most three times) or `never`. `facts` is what its process says of itself.
    """

    name: str
    spec: dict[str, Any]
    environment: dict[str, Any]
    desired: str
    state: str
    reason: str
    since: float
    generation: int
    launched: int
    process: Identity | None
    restart: str
    restarts: int
    next_try: float | None
    facts: dict[str, Any]
    schedule: str | None
    due: float | None
    notify: str | None
    created: float

    @property
    def kind(self) -> str:
        """`service`, `stream`, `app` or `run`."""
        return self.name.partition("/")[0]

    @property
    def over(self) -> bool:
        return self.state in OVER

    @property
    def gone(self) -> bool:
        """Whether it is over, and its process, which says so before it exits, has gone."""
        return self.over and not self._lives

    @property
    def lost(self) -> bool:
        """Whether it should run, and its process was killed, or its machine started anew."""
        return not self.over and self.process is not None and not self._lives

    def end_before(self, patience: float = 0.0) -> None:
        """End the process that its own followed so many seconds ago: it leaves by itself, unless its model is in a
        call. Doors take their time."""
        before, at = self.facts.get("before") or (None, 0.0)
        if before and self.kind != "service" and time.time() - at >= patience and Identity(**before) != self.process:
            Identity(**before).kill()

    @property
    def _lives(self) -> bool:
        return self.process is not None and self.process.alive()


@dataclass(frozen=True)
class Order:
    """Something that the process of a job is asked to do, and answers."""

    id: int
    job: str
    do: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that happened, to be read later."""

    at: float
    name: str
    text: str
    details: dict[str, Any]
    id: int = 0
