"""Streams over real brokers, beside a loop by hand and other tools: `python benchmarks/streaming.py [--records N]`.

Each reads the same records (30 numbers as JSON), asks the same logistic regression, and adds to a file that is on the
disk before the broker is told. Each has a topic of its own, and is asked three things:

- records a second: it has answered one record, so all is imported and connected; its process is stopped (SIGSTOP) while
  the others are put, and goes on: from that moment to the last answer in the file;
- p50 and p99 from event to sink at half of that rate (`--most-rate` bounds it), from when a record is put to when its
  answer is in the file;
- the processor time of a record, in its process, which depends less on what else the machine does, and the memory of
  that process in the end.

The brokers are those of the tests, on this machine; Kafka is librdkafka's mock cluster, which keeps everything in
memory: ratios of one client to another say something, one broker beside another nothing. The peers are installed into
environments of their own; what cannot be installed, or fails, says so.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from measure.growing import Failed, Growing
from measure.processes import cpu, end, memory
from models import fit, save, table
from peers.environments import NotInstalled, environment, installed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from broker_servers import SERVERS, Server

from workbench.api import Workbench
from workbench.brokers import opening
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

HERE = Path(__file__).parent
SETTLES = 1.0
"""Seconds after which what a stopped client had asked its broker for has run out."""
PATIENT = {"kafka": {"session.timeout.ms": "45000", "compression.type": "zstd"}, "amqp": {"heartbeat": "600"}}
"""So that a broker does not take a stopped client for dead; loops and peers have as much by themselves."""
KEPT = {"kafka": 120_000}
"""What a broker keeps at the most: the mock cluster 5 MB a partition, here compressed."""
PEERS = {"FastStream": ("redis", "kafka"), "Quix Streams": ("kafka",), "Bytewax": ("kafka",)}
X = table("linear").round(6)
estimator = fit("linear")


def linear(rows):  # noqa: ANN001, ANN201 (as a notebook has it)
    return estimator.predict_proba(rows)[:, 1]


@dataclass(frozen=True)
class Asked:
    """How much is measured."""

    records: int
    most_rate: float
    seconds: float

    def kept(self, kind: str) -> Asked:
        """No more than this broker keeps."""
        return replace(self, records=min(self.records, KEPT.get(kind, self.records)))


@dataclass(frozen=True)
class Seen:
    """What was measured of one: records a second, processor time of one, waits at which rate, bytes."""

    rate: float
    spent: float
    at: float
    p50: float
    p99: float
    bytes: int

    def row(self, kind: str, name: str, floor: float) -> str:
        waits = f"{self.p50 * 1e3:,.1f} | {self.p99 * 1e3:,.1f} at {self.at:,.0f}/s"
        done = f"{self.rate:,.0f}/s | {self.rate / floor:.2f} × | {self.spent * 1e6:.1f}"
        return f"| {kind} | {name} | {done} | {waits} | {self.bytes / 1e6:,.0f} |".replace(",", " ")


def put(place: str, first: int, last: int) -> None:
    """Put the records of these numbers."""
    values = [orjson.dumps(x.tolist()) for x in X]
    topic = opening.topic(place)
    for start in range(first, last, len(values)):
        some = values[: min(len(values), last - start)]
        topic.append(some, [str(start + n) for n in range(len(some))])
    topic.close()


def arriving(place: str, rate: float, seconds: float) -> float:
    """Let records arrive at a rate; the rate that it was."""
    command = [sys.executable, "-m", "measure.arriving", place, str(rate), str(seconds)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(HERE)}, capture_output=True, text=True)
    if done.returncode:
        raise Failed(done.stderr.strip().splitlines()[-1][:200])
    return float(done.stdout)


def seen(pid: int, place: str, answers: Growing, asked: Asked) -> Seen:
    """What is measured of a process that reads a place, on which one record is."""
    answers.until(1)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(SETTLES)
        put(place, 1, asked.records + 1)
        began, spent = time.monotonic(), cpu([pid])
    finally:
        os.kill(pid, signal.SIGCONT)
    rate = asked.records / (answers.until(asked.records + 1) - began)
    spent = (cpu([pid]) - spent) / asked.records
    wanted = min(rate / 2, asked.most_rate)
    with looking(answers, asked.records + 1 + int(wanted * asked.seconds)):
        at = arriving(place, wanted, asked.seconds)
    waits = answers.waits(asked.records + 1)
    return Seen(rate, spent, at, waits[len(waits) // 2], waits[len(waits) * 99 // 100], memory([pid]))


@contextmanager
def looking(answers: Growing, count: int) -> Iterator[None]:
    """Look at the answers as they come, until there are so many."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as beside:
        looked = beside.submit(answers.until, count)
        yield
        looked.result()


@contextmanager
def a_loop(module: str, python: str, kind: str, place: str, topic: str, folder: Path) -> Iterator[tuple[int, Growing]]:
    """A loop in a process of its own, and its answers."""
    address = place.partition("://")[2].partition("/")[0].rpartition("@")[2]
    output, log = folder / f"{topic}.jsonl", folder / f"{topic}.log"
    env = os.environ | {"MODEL": "linear", "MODELS": str(folder), "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    command = [python, "-m", f"peers.{module}", kind, address, topic, str(output)]
    with log.open("w") as file:
        process = subprocess.Popen(command, env=env, stdout=file, stderr=file, start_new_session=True)
    answers = Growing(output, lambda: process.poll() is None)
    try:
        yield process.pid, answers
    except Failed as error:
        said = log.read_text().strip().splitlines()
        raise Failed(f"{error}: {said[-1][:200]}" if said else str(error)) from error
    finally:
        answers.close()
        end(process)


@contextmanager
def a_stream(api: Workbench, place: str, topic: str, folder: Path) -> Iterator[tuple[int, Growing]]:
    """A deployment of ours, and its answers."""
    output = folder / f"{topic}.jsonl"
    stream = api.stream("linear", place, output=str(output), name=topic)
    process = stream.refresh().job.process
    answers = Growing(output, process.alive)
    try:
        yield process.pid, answers
    finally:
        answers.close()
        api.stop(stream.name)


def loops_of(kind: str) -> Iterator[tuple[str, str, str]]:
    """What is measured beside Workbench: its name, its module and its Python."""
    yield "loop by hand", "stream_direct", sys.executable
    for peer in (peer for peer, kinds in PEERS.items() if kind in kinds):
        try:
            python = str(environment(peer))
        except NotInstalled as error:
            print(f"| {kind} | {peer} | not installed: {error} | | | | | |", flush=True)
        else:
            yield installed(peer), f"stream_{peer.split()[0].lower()}", python


def measured(kind: str, server: Server | None, api: Workbench, folder: Path, asked: Asked) -> None:
    """The rows of one broker."""
    floor = 0.0
    for name, module, python in [*(loops_of(kind) if server else ()), ("Workbench", "", "")]:
        topic = f"{kind}-{module.replace('_', '-') or 'workbench'}"
        place = server.place(topic, **PATIENT.get(kind, {})) if server else f"queue:{topic}"
        put(place, 0, 1)
        run = a_loop(module, python, kind, place, topic, folder) if module else a_stream(api, place, topic, folder)
        try:
            with run as (pid, answers):
                found = seen(pid, place, answers, asked)
        except Failed as error:
            print(f"| {kind} | {name} | failed: {error} | | | | | |", flush=True)
            continue
        floor = floor or found.rate
        print(found.row(kind, name, floor), flush=True)
        (folder / f"{topic}.jsonl").unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--most-rate", type=float, default=10_000, help="the most records a second at half load")
    parser.add_argument("--seconds", type=float, default=10, help="how long records arrive at half load")
    parser.add_argument("--only", choices=["queue", *SERVERS], action="append")
    given = parser.parse_args()
    asked = Asked(given.records, given.most_rate, given.seconds)
    warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["WORKBENCH_HOME"] = str(folder / "home")
        save({"linear": estimator}, folder)
        api = Workbench(folder / "home")
        api.model("linear", linear, example=X, session=session_of_script())
        print("| broker | who | records | of the loop by hand | µs of CPU | p50, ms | p99, ms | MB |")
        print("| --- | --- | --: | --: | --: | --: | --: | --: |", flush=True)
        try:
            for kind in given.only or ["queue", *SERVERS]:
                server = SERVERS[kind]() if kind != "queue" else None
                try:
                    if server:
                        server.start()
                    measured(kind, server, api, folder, asked.kept(kind))
                finally:
                    if server:
                        server.end()
        finally:
            api.shutdown(all=True)


if __name__ == "__main__":
    main()
