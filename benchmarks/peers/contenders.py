"""Each server by its name: how it is started, where and in which words it is asked, and what its answer says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from measure.processes import end, family, free_port

from .environments import environment

HERE = Path(__file__).parents[1]
PATIENCE = 120.0
V2_TYPES = {"age": "INT64", "amount": "FP64", "city": "BYTES", "joined": "BYTES"}


class Failed(Exception):
    """Why a server does not answer."""


@dataclass(frozen=True)
class Running:
    """A server that answers: its address, its token, the processes that it is, and the seconds until it answered."""

    url: str
    pid: int
    started: float
    token: str = ""

    @property
    def pids(self) -> list[int]:
        return family(self.pid)


@dataclass(frozen=True)
class Asked:
    """A body, and how to see whether an answer to it is right; any is where nothing is expected."""

    body: bytes
    read: Callable[[Any], list[float]]
    expected: list[float] | None

    def right(self, answer: Any) -> bool:
        return self.expected is None or np.allclose(self.read(answer), self.expected, rtol=1e-9, atol=0)


@dataclass(frozen=True)
class Contender:
    """`command` makes the words that start it, from its Python, a port and a folder; the others are of its protocol."""

    name: str
    path: str
    body: Callable[[str, list[Any]], Any]
    read: Callable[[Any], list[float]]
    command: Callable[[str, int, Path], list[list[str]]] | None = None
    peer: bool = False
    echoes: bool = False
    fast: bool = False

    def asked(self, model: str, some: list[Any], expected: list[float]) -> Asked:
        """A request of these rows, to be answered so."""
        return Asked(json.dumps(self.body(model, some)).encode(), self.read, None if self.echoes else expected)


def plain(name: str, rows: list[Any]) -> Any:
    return rows


def in_rows(name: str, rows: list[Any]) -> Any:
    return {"rows": rows}


def mlflow(name: str, rows: list[Any]) -> Any:
    return {"dataframe_records": rows} if name == "frame" else {"inputs": rows}


def v2(name: str, rows: list[Any]) -> Any:
    """A tensor of numbers, or one for each column of a frame."""
    if name != "frame":
        return {"inputs": [{"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": rows}]}
    tensors = [
        {"name": column, "shape": [len(rows)], "datatype": kind, "data": [row[column] for row in rows]}
        for column, kind in V2_TYPES.items()
    ]
    return {"parameters": {"content_type": "pd"}, "inputs": tensors}


def numbers(answer: Any) -> list[float]:
    """The one list of numbers in an answer, whatever is around it."""
    if isinstance(answer, dict):
        found = next((answer[key] for key in ("predictions", "outputs", "data", "prediction") if key in answer), answer)
        return [found] if isinstance(found, float) else numbers(found)
    return [value for part in answer for value in ([part] if isinstance(part, float) else numbers(part))]


def _module(name: str) -> Callable[[str, int, Path], list[list[str]]]:
    return lambda python, port, folder: [[python, "-m", name, str(port)]]


def _bentoml(python: str, port: int, folder: Path) -> list[list[str]]:
    words = ["serve", "peers.serve_bentoml:Model", "--host", "127.0.0.1", "--port", str(port)]
    return [[str(Path(python).parent / "bentoml"), *words]]


def _mlserver(python: str, port: int, folder: Path) -> list[list[str]]:
    settings = [python, "-m", "peers.serve_mlserver", str(port), str(folder)]
    return [settings, [str(Path(python).parent / "mlserver"), "start", str(folder)]]


def _mlflow(python: str, port: int, folder: Path) -> list[list[str]]:
    model = str(folder / "model")
    words = ["models", "serve", "-m", model, "--env-manager", "local", "-p", str(port), "--workers", "1"]
    return [[python, "-m", "peers.serve_mlflow", model], [str(Path(python).parent / "mlflow"), *words]]


ECHO = Contender("echo", "/", plain, numbers, _module("measure.echo"), echoes=True)
WORKBENCH = Contender("Workbench", "/predict", plain, numbers)
WORKBENCH_FAST = Contender("Workbench --fast", "/predict", plain, numbers, fast=True)
WORKBENCH_V2 = Contender("Workbench, V2", "/v2/models/{name}/infer", v2, numbers)
OTHERS = (
    Contender("FastAPI by hand", "/predict", plain, numbers, _module("peers.serve_fastapi")),
    Contender("MLServer", "/v2/models/model/infer", v2, numbers, _mlserver, peer=True),
    Contender("BentoML", "/predict", in_rows, numbers, _bentoml, peer=True),
    Contender("LitServe", "/predict", in_rows, numbers, _module("peers.serve_litserve"), peer=True),
    Contender("MLflow", "/invocations", mlflow, numbers, _mlflow, peer=True),
)
ALL = (ECHO, WORKBENCH, WORKBENCH_FAST, WORKBENCH_V2, *OTHERS)


@contextmanager
def running(contender: Contender, model: str, models: Path, folder: Path, asked: Asked) -> Iterator[Running]:
    """A server in processes of its own, from its first right answer until the end of the block. Failed where none
    comes."""
    assert contender.command
    python = str(environment(contender.name)) if contender.peer else sys.executable
    port, env, log = free_port(), _environment(python, model, models, folder), folder / "log"
    *before, command = contender.command(python, port, folder)
    for words in before:
        done = subprocess.run(words, env=env, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(_last(done.stderr))
    began = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=out, stderr=out, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}{contender.path}"
        until_right(url, asked, lambda: process.poll() is None, log)
        yield Running(url, process.pid, time.perf_counter() - began)
    finally:
        end(process)


def _environment(python: str, model: str, models: Path, folder: Path) -> dict[str, str]:
    """One thread for numbers, as Workbench has it; nothing is told to anybody."""
    quiet = dict.fromkeys(("DO_NOT_TRACK", "BENTOML_DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY"), "true")
    homes = {"HOME": str(folder), "BENTOML_HOME": str(folder)}
    path = {"PYTHONPATH": str(HERE), "PATH": os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])}
    return {"MODEL": model, "MODELS": str(models), "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"} | quiet | homes | path


def until_right(url: str, asked: Asked, lives: Callable[[], bool], log: Path | None = None, token: str = "") -> None:
    """Ask until the answer is right. Failed with what was said last, or written."""
    until, said = time.monotonic() + PATIENCE, "it did not listen"
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    with httpx.Client(timeout=PATIENCE, headers=headers) as client:
        while time.monotonic() < until and lives():
            try:
                answer = client.post(url, content=asked.body)
            except httpx.TransportError:
                time.sleep(0.01)
                continue
            said = f"it answers {answer.status_code} {answer.text[:100]}"
            if answer.status_code == 200 and asked.right(answer.json()):
                return
            time.sleep(0.05)
            if answer.status_code == 200:
                raise Failed(f"it answers otherwise than the model: {answer.text[:100]}")
    raise Failed(f"{said}; {_last(log.read_text())}" if log else said)


def _last(written: str) -> str:
    return next((line.strip() for line in reversed(written.splitlines()) if line.strip()), "nothing was written")[:200]
