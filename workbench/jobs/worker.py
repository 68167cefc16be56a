"""The process of a job, by its kind: what the supervisor starts."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from .. import journal
from ..errors import ModelFailed, WorkbenchError
from .context import Context


def main(args: dict[str, Any]) -> None:
    """Run the job `name` of the home `home` until it ends or is told to stop. A user's mistake makes it `failed`,
    with the reason; anything else ends the process with a traceback in its log, and the supervisor tries again.
    """
    context = Context(Path(args["home"]), args["name"])
    work = import_module(f".worker_{context.job.kind}", __package__)
    try:
        work.run(context)
    except WorkbenchError as error:
        journal.note(error, error.__cause__ if isinstance(error, ModelFailed) else None)
        context.state("failed", str(error))
    except Exception as error:
        context.raised(error)
        raise
    else:
        if context.told_to_stop():
            context.job.end_before()
            context.state("stopped")
