"""Streams that are killed again and again while records flow: each sink has every record once, and nothing half."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from waiting import PATIENCE

from workbench.data import places
from workbench.data.log import Log

KILLS = int(os.environ.get("WORKBENCH_KILLS", "24"))
"""How often each is killed: `WORKBENCH_KILLS=100 WORKBENCH_EACH=2000 pytest --timeout=0` is the long run."""
EACH = int(os.environ.get("WORKBENCH_EACH", "25"))
POISON = b"{no record"


@pytest.fixture(scope="module")
def lives() -> Iterator[Callable[..., str]]:
    """Tells a process of its own to begin a stream, or to end it."""
    command = [sys.executable, str(Path(__file__).with_name("stream_lives.py"))]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )

    def tell(**order: Any) -> str:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    yield tell
    os.killpg(process.pid, signal.SIGKILL)  # its forks, too, which a test that failed has left
    process.communicate()


class Service(ThreadingHTTPServer):
    """Keeps each batch under its key, as often as it came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: dict[str, list[Any]] = {}

    def handle_error(self, *_: Any) -> None:
        """A client that was killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:  # noqa: N802 (named by http.server)
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.setdefault(self.headers["Idempotency-Key"], []).append(json.loads(said))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Flow:
    """Numbered records that are put on the queue, a poison among them now and then."""

    def __init__(self) -> None:
        self.log: Log = places.log("queue:rows")
        self.count, self.dead = 0, 0

    def put(self, count: int) -> None:
        values = [b'{"n": %d}' % n for n in range(self.count, self.count + count)]
        self.log.append([*values, POISON])
        self.count, self.dead = self.count + count, self.dead + 1

    def done(self) -> int:
        return self.log.offsets().get("churn", 0)


def killed(lives: Callable[..., str], flow: Flow, output: str, home: Path, seen: Callable[[], Any]) -> None:
    """Many lives of a stream that end at any moment, and one that reads to the end.

    The moments: when something was committed, when something new is `seen` in the sink and not committed yet, and when
    there is a new dead letter; once that has happened a few times.
    """
    chance = random.Random(7)
    dead = places.log("queue:rows.churn.dead")
    flow.put(100)
    for number in range(KILLS):
        flow.put(EACH)
        spec = {"input": "queue:rows", "group": "churn", "start": "start", "output": output}
        pid = int(lives(live={"home": str(home), "spec": spec | {"most": chance.randint(1, max(9, EACH // 5))}}))
        watched = (flow.done, seen, seen, lambda: dead.last)[number % 4]
        watch(flow, watched, times=chance.randint(0, 6))
        os.kill(pid, signal.SIGKILL)
        assert lives(end=signal.SIGKILL) == "-9"
    flow.put(EACH)  # so that the last one has something to do before it is told to end
    lives(live={"home": str(home), "spec": spec | {"most": max(50, EACH // 4)}})
    watch(flow, flow.done, times=flow.log.last)
    assert lives(end=signal.SIGTERM) == "0"


def watch(flow: Flow, watched: Callable[[], Any], times: int) -> None:
    """Until it has changed so often, or all is done; without a pause, for what comes next may come soon."""
    end, before = time.monotonic() + PATIENCE, watched()
    while times:
        now = watched()
        times, before = times - (now != before), now
        if flow.done() == flow.log.last:
            return
        assert time.monotonic() < end, f"{flow.done()} of {flow.log.last}"


def size(path: Path) -> Any:
    """Of a file, or the parts of a folder."""
    if path.is_dir():
        return sorted(name for name in os.listdir(path) if name.startswith("part"))
    return path.stat().st_size if path.exists() else 0


def written(path: Path) -> Callable[[], Any]:
    """A number that changes with each transaction of another connection."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)
    return lambda: connection.execute("pragma data_version").fetchone()


def read_lines(path: Path) -> list[Any]:
    text = path.read_text()
    assert text.endswith("}\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


def read_csv(path: Path) -> list[Any]:
    with path.open(newline="") as file:
        return [
            {"n": int(row["n"]), "score": float(row["score"]), "label": row["label"]}
            for row in csv.DictReader(file, strict=True)
        ]


def read_parquet(path: Path) -> list[Any]:
    from pyarrow import parquet

    assert not list(path.glob(".*.new"))
    parts = sorted(path.glob("*.parquet"))
    return [row for part in parts for row in parquet.ParquetFile(part).read().to_pylist()]


def read_table(path: Path) -> list[Any]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("select n, score, label from scores order by rowid").fetchall()
    return [{"n": n, "score": score, "label": label} for n, score, label in rows]


def read_queue(_: Path) -> list[Any]:
    return [json.loads(record.value) for record in places.log("queue:answers").read(0, 10_000_000)]


SINKS: dict[str, tuple[str, Callable[[Path], list[Any]]]] = {
    "jsonl": ("{}", read_lines),
    "csv": ("{}", read_csv),
    "parquet": ("{}", read_parquet),
    "sqlite": ("sqlite:///{}?table=scores", read_table),
    "queue": ("queue:answers", read_queue),
}
if "WORKBENCH_KILLS" in os.environ:
    SINKS["upsert"] = "sqlite:///{}?table=scores&key=n", read_table


def check_dead(flow: Flow) -> None:
    dead = places.log("queue:rows.churn.dead").read(0, 10_000_000)
    assert [record.value for record in dead] == [POISON] * flow.dead
    offsets = [record.headers["offset"] for record in dead if record.headers]
    assert offsets == sorted(set(offsets))


def answers(flow: Flow) -> list[Any]:
    return [{"n": n, "score": n * 0.5, "label": f"é\n{n}"} for n in range(flow.count)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SINKS)
def test_each_record_is_there_once(kind: str, lives: Callable[..., str], home: Path, tmp_path: Path) -> None:
    place, read = SINKS[kind]
    path, flow = tmp_path / f"out.{kind}", Flow()
    answers_log = places.log("queue:answers")
    table = written(path) if kind in ("sqlite", "upsert") else None
    seen = table or {"queue": lambda: answers_log.last}.get(kind)
    killed(lives, flow, place.format(path), home, seen or (lambda: size(path)))
    found = read(path)
    assert [row["n"] for row in found] == list(range(flow.count))
    assert found == answers(flow)
    check_dead(flow)


@pytest.mark.slow
def test_a_service_can_tell_what_came_again(lives: Callable[..., str], home: Path, service: Service) -> None:
    """Each batch comes at least once; under one key it is always the same, and no record is under two."""
    flow = Flow()
    killed(lives, flow, f"http://127.0.0.1:{service.server_port}/take.json", home, lambda: len(service.taken))
    for batches in service.taken.values():
        assert all(batch == batches[0] for batch in batches)
    found = [row for batches in service.taken.values() for row in batches[0]]
    assert found == answers(flow)
    check_dead(flow)
