"""Streams over real brokers, beside a loop by hand and other tools: `python benchmarks/streaming.py [--records N]`.

Each reads the same records (30 numbers as JSON), asks the same logistic regression, and adds to a file that is on the
disk before the broker is told. The brokers are those of the tests, on this machine; Kafka is librdkafka's mock cluster,
which keeps everything in memory: ratios of one client to another say something, one broker beside another nothing. The
peers are installed into environments of their own; what cannot be installed, or fails, says so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
from measure.processes import end, memory
from models import fit, save, table
from peers.environments import NotInstalled, environment, installed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from broker_servers import SERVERS, Server

from workbench.api import Workbench
from workbench.brokers import opening
from workbench.faces.session import session_of_script
from workbench.spawn.client import warm

HERE = Path(__file__).parent
PATIENCE = 300.0
PEERS = {"FastStream": ("redis", "kafka"), "Quix Streams": ("kafka",), "Bytewax": ("kafka",)}
X = table("linear").round(6)
estimator = fit("linear")


def linear(rows):  # noqa: ANN001, ANN201 (as a notebook has it)
    return estimator.predict_proba(rows)[:, 1]


class Failed(Exception):
    """Why a loop did not answer everything."""


def filled(place: str, count: int) -> None:
    """Put the records."""
    values = [orjson.dumps(x.tolist()) for x in X]
    topic = opening.topic(place)
    for start in range(0, count, len(values)):
        some = values[: min(len(values), count - start)]
        topic.append(some, [str(n) for n in range(len(some))])
    topic.close()


def rate(output: Path, count: int, alive: Callable[[], bool]) -> float:
    """Records a second, from the first answers to the last: what a loop imports and connects to before is not counted.
    Failed where not all are answered."""
    end, seen, first, began = time.monotonic() + PATIENCE, 0, 0, time.perf_counter()
    with output.open("rb") as file:
        while seen < count:
            new = file.read(1 << 24)
            seen += new.count(b"\n")
            if not first and 0 < seen < count:
                first, began = seen, time.perf_counter()
            if not new:
                if time.monotonic() > end or not alive():
                    raise Failed(f"{seen} of {count} were answered")
                time.sleep(0.002)
    return (count - first) / max(time.perf_counter() - began, 1e-9)


def by_a_process(
    module: str, python: str, kind: str, address: str, topic: str, folder: Path, count: int
) -> tuple[float, int]:
    """Records a second, and the memory of a loop in a process of its own."""
    output = folder / f"{module}.jsonl"
    output.touch()
    env = os.environ | {"MODEL": "linear", "MODELS": str(folder), "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    command = [python, "-m", f"peers.{module}", kind, address, topic, str(output), str(count)]
    with (folder / f"{module}.log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    try:
        assert process.stdout
        if process.stdout.readline() != b"ready\n":
            said = (folder / f"{module}.log").read_text().strip().splitlines()
            raise Failed(said[-1][:200] if said else "it ended")
        found = rate(output, count, lambda: process.poll() is None)
        used = memory([process.pid]) if process.poll() is None else 0
    finally:
        end(process)
    return found, used


def by_workbench(api: Workbench, place: str, name: str, folder: Path, count: int) -> tuple[float, int]:
    """Records a second, and the memory of the stream's process."""
    output = folder / f"{name}.jsonl"
    output.touch()
    stream = api.stream("linear", place, output=str(output), name=name)
    found = rate(output, count, lambda: True)
    used = memory([stream.refresh().job.process.pid])
    api.stop(stream.name)
    return found, used


def row(kind: str, name: str, found: float, used: int, floor: float) -> None:
    print(
        f"| {kind} | {name} | {found:,.0f}/s | {found / floor:.2f} × | {used / 1e6:,.0f} |".replace(",", " "),
        flush=True,
    )


def loops_of(kind: str) -> Iterator[tuple[str, str, str]]:
    """What is measured beside Workbench: its name, its module and its Python."""
    yield "loop by hand", "stream_direct", sys.executable
    for peer in (peer for peer, kinds in PEERS.items() if kind in kinds):
        try:
            python = str(environment(peer))
        except NotInstalled as error:
            print(f"| {kind} | {peer} | not installed: {error} | | |", flush=True)
        else:
            yield installed(peer), f"stream_{peer.split()[0].lower()}", python


def measured(kind: str, server: Server | None, api: Workbench, folder: Path, count: int) -> None:
    """The rows of one broker."""
    topic = f"numbers-{kind}"
    place = server.place(topic) if server else f"queue:{topic}"
    filled(place, count)
    floor = 0.0
    address = place.partition("://")[2].partition("/")[0].rpartition("@")[2]
    for name, module, python in loops_of(kind) if server else ():
        try:
            found, used = by_a_process(module, python, kind, address, topic, folder, count)
        except Failed as error:
            print(f"| {kind} | {name} | failed: {error} | | |", flush=True)
            continue
        finally:
            if kind == "amqp":  # what was acknowledged is gone
                filled(place, count)
        floor = floor or found
        row(kind, name, found, used, floor)
    found, used = by_workbench(api, place, f"linear-{kind}", folder, count)
    row(kind, "Workbench", found, used, floor or found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--only", choices=["queue", *SERVERS], action="append")
    asked = parser.parse_args()
    warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["WORKBENCH_HOME"] = str(folder / "home")
        save({"linear": estimator}, folder)
        api = Workbench(folder / "home")
        api.model("linear", linear, example=X, session=session_of_script())
        print("| broker | who | records | of the loop by hand | MB |\n| --- | --- | --: | --: | --: |")
        try:
            for kind in asked.only or ["queue", *SERVERS]:
                server = SERVERS[kind]() if kind != "queue" else None
                try:
                    if server:
                        server.start()
                    measured(kind, server, api, folder, asked.records)
                finally:
                    if server:
                        server.end()
        finally:
            api.shutdown(all=True)


if __name__ == "__main__":
    main()
