"""The process that lists a glob of a remote store, again and again, for the supervisor, which has other packages."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

from ..data.remote_files import marks
from ..errors import WorkbenchError

LOOK = 5.0


def main(pattern: str) -> None:
    """Write a line of JSON for each look, until whoever reads them has gone."""
    threading.Thread(target=_end_with_reader, daemon=True).start()
    while True:
        try:
            said: dict[str, object] = {"files": marks(pattern)}
        except WorkbenchError as error:
            said = {"error": error.what}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        time.sleep(LOOK)


def _end_with_reader() -> None:
    sys.stdin.read()
    os._exit(0)
