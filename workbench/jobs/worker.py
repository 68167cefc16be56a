"""The process of a job, by its kind: what the supervisor starts."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

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
        _write_down(error)
        context.state("failed", str(error))
    except Exception as error:
        context.raised(error)
        raise
    else:
        if context.told_to_stop():
            context.state("stopped")


def _write_down(error: WorkbenchError) -> None:
    """In the log: what happened, after the way through the model's own code where that failed."""
    if isinstance(error, ModelFailed) and error.__cause__ is not None:
        traceback.print_exception(error.__cause__, file=sys.stderr)
    print(error, file=sys.stderr, flush=True)  # noqa: T201 (its log)
