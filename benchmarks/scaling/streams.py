"""Records of 30 numbers as JSON, answered into files that are on the disk: records a second, from when they all lie
there to the last answer, of a stream that has answered one before. Spark reads files that arrive, the others a log in
SQLite: whoever reads it is stopped (SIGSTOP) until all are in it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from measure.growing import Growing
from models import table

from workbench.data import places

from .jobs import Run, by_hand, ended, on, until

SCRIPTS = {"ray": "stream_ray", "spark": "stream_spark"}
_FILES = 8
_VALUES = [orjson.dumps(x.tolist()) for x in table("linear").round(6)]
Put = Callable[[list[bytes]], None]


def prepare(run: Run) -> None:
    """Nothing is needed but the model."""


def ours(run: Run, engine: str, workers: int) -> float:
    folder = _folder(run)
    spark, name = engine == "spark", folder.name
    if spark:
        os.environ["SPARK_MASTER"] = f"local[{workers}]"
    put, place = (_files(folder), str(folder / "inbox")) if spark else (_queue(name), f"queue:{name}")
    how = on(engine) | ({} if spark else {"workers": workers})
    put(_VALUES[:1])
    try:
        stream: Any = run.api.stream("linear", place, output=str(folder / "out.jsonl"), name=name, **how)
        pid = stream.refresh().job.process.pid
        counting = _noted if spark else _grown
        with counting(folder / "out.jsonl") as count:
            return _measured(run, count, put, 0 if spark else pid)
    finally:
        ended(run, f"stream/{name}")
        os.environ.pop("SPARK_MASTER", None)


def hand(run: Run, engine: str, workers: int) -> float:
    folder = _folder(run)
    spark = engine == "spark"
    put, given = (_files(folder), folder / "inbox") if spark else (_log(folder / "log.db"), folder / "log.db")
    out = folder / ("out" if spark else "out.jsonl")
    put(_VALUES[:1])
    with by_hand(run, SCRIPTS[engine], given, out, workers) as process:
        counting = _written(out) if spark else _grown(out)
        with counting as count:
            return _measured(run, lambda: count() if process.poll() is None else run.records * 9, put, 0)


def _folder(run: Run) -> Path:
    folder = run.folder / f"stream-{time.monotonic_ns()}"
    (folder / "inbox").mkdir(parents=True)
    return folder


def _measured(run: Run, count: Callable[[], int], put: Put, pid: int) -> float:
    """The best of the rounds; `pid` reads what is put while it is put."""
    done, best = 1, 0.0
    until(lambda: count() >= 1, "the first record was not answered")
    values = (_VALUES * (run.records // len(_VALUES) + 1))[: run.records]
    for _ in range(run.rounds):
        with _stopped(pid):
            put(values)
        start, done = time.perf_counter(), done + run.records
        until(partial(_reached, count, done), f"{done} were not answered")
        best = max(best, run.records / (time.perf_counter() - start))
    return best


def _reached(count: Callable[[], int], wanted: int) -> bool:
    return count() >= wanted


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    if not pid:
        yield
        return
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _queue(name: str) -> Put:
    def put(values: list[bytes]) -> None:
        places.log(f"queue:{name}").append(values)

    return put


def _log(file: Path) -> Put:
    """A table as a person would make it, written in one transaction."""

    def put(values: list[bytes]) -> None:
        with closing(sqlite3.connect(file, timeout=60)) as log, log:
            log.execute("pragma journal_mode=wal")
            log.execute("create table if not exists records (offset integer primary key, value blob)")
            log.executemany("insert into records (value) values (?)", ((value,) for value in values))

    return put


def _files(folder: Path) -> Put:
    """Several files at once, each whole when it is seen."""

    def put(values: list[bytes]) -> None:
        parts = [part for number in range(_FILES) if (part := values[number::_FILES])]
        for number, part in enumerate(parts):
            new = folder / f"{time.monotonic_ns()}-{number}.jsonl"
            new.write_bytes(b"\n".join(part) + b"\n")
            new.rename(folder / "inbox" / new.name)

    return put


@contextmanager
def _grown(file: Path) -> Iterator[Callable[[], int]]:
    """How many lines a file has."""
    with closing(Growing(file, lambda: True)) as answers:

        def count() -> int:
            while new := answers.file.read(1 << 24):
                answers.lines += new.count(b"\n")
            return answers.lines

        yield count


@contextmanager
def _noted(file: Path) -> Iterator[Callable[[], int]]:
    """How many lines of a file count, as the note beside it says: those that are on the disk."""
    note = file.with_name(f".{file.name}.offset")
    yield lambda: orjson.loads(note.read_bytes())["rows"] if note.exists() else 0


@contextmanager
def _written(folder: Path) -> Iterator[Callable[[], int]]:
    """How many lines there are in the files that Spark says are written."""
    seen: dict[str, int] = {}

    def count() -> int:
        for said in (folder / "_spark_metadata").glob("[0-9]*"):
            if said.name not in seen:
                added = [orjson.loads(line)["path"] for line in said.read_text().splitlines()[1:]]
                seen[said.name] = sum(Path(one.removeprefix("file://")).read_bytes().count(b"\n") for one in added)
        return sum(seen.values())

    yield count
