"""The request log of a service: its door sees to it that full files become segments, in a process that is soon over."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..spawn.branch import branch

if TYPE_CHECKING:
    from .context import Context

_EVERY = 30.0
_BEHIND = 5  # who answers goes first; at 10 it falls behind where all cores are busy


class Compacting:
    """Called again and again; starts a process where there is something to do, and one at a time."""

    def __init__(self, context: Context) -> None:
        spec = context.job.spec
        self.folder, self.pid, self.looked = context.folder / "requests", 0, 0.0
        model = str(spec["model"]).partition("@")[0]
        self.args = {"folder": str(self.folder), "model": model, "home": str(context.home), **(spec.get("log") or {})}

    def __call__(self) -> None:
        if self.pid and not os.waitpid(self.pid, os.WNOHANG)[0]:
            return
        self.pid = 0
        if time.monotonic() - self.looked < _EVERY:
            return
        from ..monitoring import spool

        self.looked = time.monotonic()
        if self.folder.exists() and spool.full(self.folder):
            self.pid = branch(f"{__name__}:compact", self.args, fds=[])


def compact(args: dict[str, Any]) -> None:
    """The life of that process."""
    from ..bundle import registries
    from ..monitoring import segments

    if hasattr(os, "nice"):
        os.nice(_BEHIND)
    registry = registries.of(Path(args["home"]))
    keep, most = args["keep"], args["most_bytes"]
    segments.compact(Path(args["folder"]), args["model"], registry, seconds=keep, most_bytes=most)
