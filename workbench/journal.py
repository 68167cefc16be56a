"""What a process in the background has to say -> its log."""

from __future__ import annotations

import sys
import time
import traceback
from contextlib import suppress


def note(said: object, cause: BaseException | None = None) -> None:
    """Write it down with the time, after the way through the code that `cause` came. What a full disk does not take is
    lost: nothing that runs ends for it."""
    with suppress(OSError):
        if cause is not None:
            traceback.print_exception(cause, file=sys.stderr)
        print(f"{time.strftime('%F %T')} {said}", file=sys.stderr, flush=True)  # noqa: T201 (its log)
