"""A process that runs sweeps in forks of itself; each fork kills itself at a given moment, counted as for batches."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path

from killed import Moments

from workbench.patterns.batch.sweep import Sweep, run_sweep

for _module in ("papermill", "nbformat", "nbclient", "jupyter_client.manager", "workbench.patterns.batch.notebook"):
    import_module(_module)  # once, and not in each fork


def main() -> None:
    """For each line [notebook, points, output, scratch, moment or null]: how many moments there were, -1 if killed."""
    for line in sys.stdin:
        notebook, points, output, scratch, moment = json.loads(line)
        read, write = os.pipe()
        if not (child := os.fork()):
            moments = Moments(moment)
            threading.setprofile(moments)
            sys.setprofile(moments)
            found = run_sweep(Sweep(Path(notebook), points, 2), Path(output), scratch=Path(scratch))
            sys.setprofile(None)
            threading.setprofile(None)
            assert found.state == "done", found
            os.write(write, str(moments.seen).encode())
            os._exit(0)
        os.close(write)
        status = os.waitpid(child, 0)[1]
        said = os.read(read, 64).decode()
        os.close(read)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(-1 if killed else said or f"failed: {status}", flush=True)


if __name__ == "__main__":
    main()
