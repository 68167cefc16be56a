"""Workbench beside an echo, a FastAPI by hand, and MLServer, BentoML, LitServe and MLflow, on the same models and rows.

    python benchmarks/serving.py                      all of it: about 25 minutes, and two more for the environments
    python benchmarks/serving.py --quick              one model, one row, half a second each: three minutes
    python benchmarks/serving.py --only Workbench --model linear --rows 1

Each server has one worker, and its own way to share calls where it has one. It is asked in its own protocol's JSON: in
a closed loop over 1 to 256 connections, and in an open one at a fixed rate, where each time counts from when the
request was due. Times are the client's, in milliseconds; CPU is what all processes of the server were charged for a
request at 64 connections, beside the echo's; MB what they have, where what is shared is divided among those that share
it. The client works in this process: where it was busy more than nine tenths of the time a figure has a *, since then
it was the limit and not the server; the echo says what it can ask at the most.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from measure.processes import cpu, memory
from models import NAMES, as_json, fit, prepare, save, table
from peers import contenders
from peers.contenders import ALL, Contender, Failed, Running
from peers.environments import NotInstalled, environment, installed
from peers.results import Result, own_call, shown

from workbench.api import Workbench
from workbench.faces.session import session_of_script
from workbench.operations.load import load, request
from workbench.spawn.client import warm

CONNECTIONS, ROWS, SECONDS, MANY = (1, 16, 64, 256), (1, 32), 4.0, 64
RATES = {"linear": 400.0, "frame": 200.0, "forest": 50.0}
BODIES = 16

line, trees, customers = (fit(name) for name in NAMES)


def linear(rows: Any) -> Any:
    return line.predict_proba(rows)[:, 1]


def forest(rows: Any) -> Any:
    return trees.predict_proba(rows)[:, 1]


def frame(df: Any) -> Any:
    return customers.predict_proba(prepare(df))[:, 1]


FUNCTIONS = {"linear": linear, "forest": forest, "frame": frame}


class Contest:
    """One run: the folder that everything is in, the home of Workbench, and what was asked for."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options = folder, options
        self.api = Workbench(folder / "home")
        save(dict(zip(NAMES, (line, trees, customers), strict=True)), folder)

    def run(self) -> Iterator[str]:
        """The tables, as they are done."""
        for model in self.options.model:
            if any(c.command is None for c in self.chosen):
                self.api.model(model, FUNCTIONS[model], example=table(model), session=session_of_script())
            found: dict[int, list[Result | str]] = {rows: [] for rows in self.options.rows}
            for contender in self.chosen:
                for rows, result in self._results(contender, model):
                    found[rows].append(result)
            for rows, results in found.items():
                own = own_call(FUNCTIONS[model], table(model)[:rows])
                yield shown(model, rows, own, RATES[model], self.options.connections, results)

    @property
    def chosen(self) -> list[Contender]:
        return [c for c in ALL if not self.options.only or c.name in self.options.only]

    def _results(self, contender: Contender, model: str) -> Iterator[tuple[int, Result | str]]:
        """Of each number of rows; why there is none, where the server does not answer."""
        print(f"{model}: {contender.name} …", file=sys.stderr, flush=True)
        done = []
        try:
            with self._started(contender, model) as server:
                for rows in self.options.rows:
                    yield rows, self._measured(contender, server, model, rows)
                    done.append(rows)
        except (Failed, NotInstalled) as why:
            for rows in set(self.options.rows) - set(done):
                yield rows, f"| {contender.name} | {'not installed: ' * isinstance(why, NotInstalled)}{why} |"

    @contextmanager
    def _started(self, contender: Contender, model: str) -> Iterator[Running]:
        some = as_json(model, 1)
        asked = contender.asked(model, some, FUNCTIONS[model](table(model)[:1]).tolist())
        if contender.command:
            with (
                tempfile.TemporaryDirectory(dir=self.folder) as own,
                contenders.running(contender, model, self.folder, Path(own), asked) as server,
            ):
                yield server
            return
        began = time.perf_counter()
        service = self.api.serve(model, fast=contender.fast)
        url = service.url + contender.path.format(name=model)
        contenders.until_right(url, asked, lambda: True, token=service.token)
        yield Running(url, service.job.process.pid, time.perf_counter() - began, service.token)
        service.stop()
        self.api.remove(service.name)

    def _measured(self, contender: Contender, server: Running, model: str, rows: int) -> Result:
        function, expected = FUNCTIONS[model], []
        messages = []
        for start in range(0, BODIES * rows, rows):
            expected = function(table(model)[start : start + rows]).tolist()
            asked = contender.asked(model, as_json(model, rows, start), expected)
            messages.append(request(server.url, asked.body, server.token))
        contenders.until_right(server.url, asked, lambda: True, token=server.token)
        seconds, closed, spent = self.options.seconds, {}, 0.0
        load(server.url, messages, connections=4, seconds=seconds / 4)
        for count in self.options.connections:
            before = cpu(server.pids)
            closed[count] = load(server.url, messages, connections=count, seconds=seconds)
            if count == MANY:
                spent = (cpu(server.pids) - before) / max(1, len(closed[count].times))
        steady = load(server.url, messages, connections=MANY, seconds=seconds, rate=RATES[model])
        return Result(contender.name, closed, steady, spent, memory(server.pids), server.started)


def chosen() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one model, one row, 1 and 64 connections, half a second")
    parser.add_argument("--only", nargs="+", metavar="SERVER", choices=[c.name for c in ALL], help="these servers")
    parser.add_argument("--model", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS)
    parser.add_argument("--connections", nargs="+", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each figure (4)")
    options = parser.parse_args()
    if options.quick:
        options.model, options.rows, options.connections, options.seconds = NAMES[:1], ROWS[:1], (1, MANY), 0.5
    return options


def _peers(options: argparse.Namespace) -> Iterator[str]:
    """Their versions; what is not there is installed before anything is measured."""
    for contender in ALL:
        if contender.peer and (not options.only or contender.name in options.only):
            with suppress(NotInstalled):
                environment(contender.name)
                yield f"· {installed(contender.name)}"


def main() -> None:
    options = chosen()
    warm()
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}, {date.today():%d %B %Y}", *_peers(options))
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(Path(folder), options)
        try:
            for shown_table in contest.run():
                print(shown_table, flush=True)
        finally:
            contest.api.shutdown(all=True)


if __name__ == "__main__":
    main()
