"""A process whose forks are streams, each killed or ended when it is told: `python stream_lives.py`, told on its input.

What takes long to import is imported once; the loop, its queues and its sinks are as in the worker of a stream.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, NoReturn

import httpx  # noqa: F401 (imported before the forks)
import pandas as pd
import sqlalchemy  # noqa: F401
from pyarrow import parquet  # noqa: F401

from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.patterns.streaming import http_sink, loop, parquet_sink, sql_sink  # noqa: F401
from workbench.patterns.streaming.routed import Route
from workbench.routing.table import Table

parquet_sink.PART_ROWS, parquet_sink.PART_SECONDS = 20, 0.02


def scores(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"score": frame.n * 0.5, "label": "é\n" + frame.n.astype(str)})


class Control:
    """Ended by SIGTERM; killed it is told nothing."""

    told = False

    def __init__(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "told", True))

    def stopping(self) -> bool:
        return self.told

    def paused(self) -> bool:
        return False

    def facts(self, **facts: Any) -> None:
        pass

    def state(self, state: str, reason: str = "") -> None:
        if reason:
            print(state, reason, file=sys.stderr, flush=True)


class House:
    """One version answers, in this process."""

    def __init__(self, model: Predictor) -> None:
        self.now = Route(Table("churn@1"), (model,))

    def route(self) -> Route:
        return self.now

    def several(self) -> None:
        return None

    def sought(self) -> None:
        return None

    def works(self, busy: bool) -> None:
        pass

    def wrote(self, batch: Any) -> None:
        pass


def live(home: str, spec: dict[str, Any]) -> NoReturn:
    os.environ["WORKBENCH_HOME"] = home
    model = Predictor(scores, Schema.infer(pd.DataFrame({"n": [1]})), name="churn@1", row_wise=True)
    try:
        control = Control()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        loop.run(spec, House(model), control)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def main() -> None:
    """`{"live": {...}}` begins a stream, `{"end": 9}` ends the last one with that signal, or the `pid` that is named;
    each is answered."""
    pid = 0
    for line in sys.stdin:
        order = json.loads(line)
        if "live" in order:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until it is heard
            pid = os.fork()
            if not pid:
                live(**order["live"])
            print(pid, flush=True)
        else:
            gone = order.get("pid", pid)
            os.kill(gone, order["end"])  # to one that was killed already nothing happens
            print(os.waitstatus_to_exitcode(os.waitpid(gone, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
