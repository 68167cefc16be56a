"""What dummy jobs do: each is the life of a process that a supervisor starts."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from workbench.jobs.context import Context


def steady(args: dict[str, Any]) -> None:
    """Ready, until it is told to stop."""
    context = Context(Path(args["home"]), args["name"])
    context.facts(pid=os.getpid(), spec=context.job.spec, folder=os.getcwd(), secret=os.environ.get("SECRET", ""))
    context.state("ready")
    print("ready", os.getpid(), flush=True)
    while not context.stopping():
        context.paused()
        context.tick()
        time.sleep(0.01)
    if context.look() and context.job.desired == "stopped":
        context.state("stopped")


def crashes(args: dict[str, Any]) -> None:
    """Never ready."""
    print("about to crash", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def stubborn(args: dict[str, Any]) -> None:
    """Ready, and deaf to TERM."""
    context = Context(Path(args["home"]), args["name"])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    context.state("ready")
    while True:
        time.sleep(0.1)


def done(args: dict[str, Any]) -> None:
    """A run that ends well."""
    context = Context(Path(args["home"]), args["name"])
    context.facts(rows=3)
    context.state("done")


def refuses(args: dict[str, Any]) -> None:
    """Says itself that it has failed."""
    Context(Path(args["home"]), args["name"]).state("failed", "no such file")
