"""A stream in the tests' own process: a model, a control that ends it when all is done, and what a sink holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
from waiting import PATIENCE

from workbench.data import places
from workbench.data.log import Record
from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.patterns.streaming.loop import run
from workbench.patterns.streaming.routed import Route
from workbench.routing.table import Table

EXAMPLE = pd.DataFrame({"n": [1, 2], "amount": [0.5, None], "city": ["Köln", None]})


def scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Fails at 13 as models do: for all rows that it is asked about."""
    if (frame.n == 13).any():
        raise RuntimeError("thirteen")
    return pd.DataFrame({"score": frame.n * 0.5, "label": frame.city.fillna("none"), "whole": frame.n + 1})


def predictor(function: Any = scores, example: Any = EXAMPLE, *, row_wise: bool = True) -> Predictor:
    return Predictor(function, Schema.infer(example), name="churn@1", row_wise=row_wise)


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"n": n, "amount": n / 4, "city": 'the "old",\r\ntown' if n % 3 else None} for n in range(first, last)]


class Until:
    """Stops once `done` says so; looks at `paused`. Remembers the states that were told."""

    def __init__(self, done: Callable[[Until], bool], paused: Callable[[], bool] = lambda: False) -> None:
        self.done, self.waits = done, paused
        self.states: list[tuple[str, str]] = []
        self.seen: dict[str, Any] = {}
        self.end = time.monotonic() + PATIENCE

    def stopping(self) -> bool:
        assert time.monotonic() < self.end, f"{self.seen} {self.states}"
        return self.done(self)

    def paused(self) -> bool:
        return self.waits()

    def facts(self, **facts: Any) -> None:
        self.seen |= facts

    def state(self, state: str, reason: str = "") -> None:
        self.states.append((state, reason))

    @property
    def blocked(self) -> str:
        """The last reason why it could not go on."""
        return next((reason for state, reason in reversed(self.states) if state == "blocked"), "")


class Steered:
    """The house of a stream: `model` gives the predictor that answers now, `sought` where it is to read on."""

    def __init__(self, model: Callable[[], Predictor], sought: Any = lambda: None) -> None:
        self.model, self.sought = model, sought
        self.now: Route | None = None

    def route(self) -> Route:
        asked = self.model()
        if self.now is None or self.now.live is not asked:
            self.now = Route(Table("churn@1"), (asked,))
        return self.now

    def several(self) -> None:
        return None

    def works(self, busy: bool) -> None:
        pass

    def wrote(self, batch: Any) -> None:
        assert not batch.shares  # one version answers


def caught_up(control: Until) -> bool:
    """Nothing is left to read."""
    return control.seen.get("lag") == 0 and bool(control.states)


def stream(
    output: str | list[str],
    *,
    control: Until | None = None,
    model: Any = None,
    sought: Any = lambda: None,
    **spec: Any,
) -> Until:
    """Run a stream from `queue:rows` in this process until all is done."""
    control = control or Until(caught_up)
    asked = model or predictor()
    spec = {"input": "queue:rows", "group": "churn", "start": "start", "most": 7, "output": output} | spec
    run(spec, Steered(asked if callable(asked) else lambda: asked, sought), control)
    return control


def queued(name: str) -> list[Record]:
    """All records of a queue."""
    log = places.log(f"queue:{name}")
    try:
        return log.read(0, 1_000_000)
    finally:
        log.close()


def expected(first: int, last: int) -> list[dict[str, Any]]:
    """What a sink that keeps JSON has of `rows`."""
    return [
        row | {"score": row["n"] * 0.5, "label": row["city"] or "none", "whole": row["n"] + 1}
        for row in rows(first, last)
    ]


class Service(ThreadingHTTPServer):
    """A service that takes batches: `taken` by their keys, each as often as it came."""

    daemon_threads = True

    def __init__(self, port: int = 0, answer: int = 200, refuses: Any = lambda record: False) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.taken: dict[str, list[list[dict[str, Any]]]] = {}
        self.answer, self.refuses = answer, refuses

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/take.json"

    @property
    def records(self) -> list[dict[str, Any]]:
        """What came, without what came again under the same key."""
        return [record for batches in self.taken.values() for record in batches[0]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:  # noqa: N802 (named by http.server)
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = 422 if any(map(self.server.refuses, said)) else self.server.answer
        if answer == 200:
            self.server.taken.setdefault(self.headers["Idempotency-Key"], []).append(said)
        self.send_response(answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def service(port: int = 0, answer: int = 200, refuses: Any = lambda record: False) -> Iterator[Service]:
    """A service on a thread."""
    server = Service(port, answer, refuses)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def part_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of all parts, in the order of their offsets."""
    from pyarrow import parquet

    return [row for part in sorted(folder.glob("part-*.parquet")) for row in parquet.read_table(part).to_pylist()]
