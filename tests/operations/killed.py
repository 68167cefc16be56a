"""A process that scores in forks of itself; each fork kills itself at a given moment, counted in calls of the batch."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench import paths
from workbench.bundle.registry import Registry
from workbench.patterns.batch.crew import Bundle, Crew
from workbench.patterns.batch.increment import New
from workbench.patterns.batch.processes import Processes
from workbench.patterns.batch.scoring import How, score

for _module in ("pyarrow.parquet", "pyarrow.csv", "sqlalchemy", "sqlalchemy.dialects.sqlite"):
    import_module(_module)  # once, and not in each fork
BATCH = f"{os.sep}patterns{os.sep}batch{os.sep}"


class Moments:
    """Counts each call that the batch's own code makes or answers, of C functions too, in all its threads."""

    def __init__(self, last: int | None) -> None:
        self.seen, self.last = 0, last
        self.swapping: list[int] = []

    def __call__(self, frame: Any, event: str, arg: Any) -> None:
        if BATCH in frame.f_code.co_filename:
            self.seen += 1
            if frame.f_code.co_name == "swap":
                self.swapping.append(self.seen)
            if self.seen == self.last:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """For each line [output, folder of the ledger, input, moment or null, options]: [how many moments there were,
    which of them while the output took its place], [-1, []] if killed. With `workers` among the options so many processes score."""
    home = paths.home()
    registry = paths.registry(home)
    predictor = Registry(registry).resolve("churn").predictor(home)
    for line in sys.stdin:
        output, folder, input, moment, how = json.loads(line)
        read, write = os.pipe()
        if not (child := os.fork()):
            workers = how.pop("workers", 0)
            hands = Processes(Bundle(registry / "churn" / "1", "churn@1", home)) if workers else None
            crew = Crew(hands, workers) if hands else None
            moments = Moments(moment)
            threading.setprofile(moments)
            sys.setprofile(moments)
            ledger = Path(folder) / "ledger.db"
            if new := how.pop("new", None):
                how["new"] = New(Path(new.pop("seen")), **new)
            score(predictor, input, output, How(**how), ledger=ledger, name="churn@1", crew=crew)
            sys.setprofile(None)
            os.write(write, json.dumps([moments.seen, moments.swapping]).encode())
            os._exit(0)
        os.close(write)
        status = os.waitpid(child, 0)[1]
        said = os.read(read, 4096).decode()
        os.close(read)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("[-1, []]" if killed else said or f"failed: {status}", flush=True)


if __name__ == "__main__":
    main()
