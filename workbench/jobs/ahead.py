"""Environments in which notebooks are run again and again -> a process for the next run, started ahead with its kernel.

It waits behind a pipe that is named by its number, in a folder that is named by all that it was started with. Who
launches a run takes it by renaming the pipe, which one can do, and writes the run's name into it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..spawn import detach
from ..spawn.environment import installed
from . import identity, launch
from .record import Job
from .store import Store

SECONDS = 600.0
"""For so long after a run the next one is awaited."""
_TARGET = "workbench.jobs.worker_ahead:main"
_FOLDER, _TAKEN, GIVEN = "ahead", ".taken", ".given"
_PATIENCE = 2.0
_LOOK, _LAST, _MOST = 1.0, 20, 2


def take(store: Store, home: Path, job: Job) -> int | None:
    """Hand the job to a process that waits for such a one; its number. None where none does."""
    if not job.environment.get("ahead"):
        return None
    for pipe in _folder(store, job.environment).glob("*.pipe"):
        process, taken = identity.of(int(pipe.stem)), pipe.with_suffix(_TAKEN)
        if process is None or not process.alive():
            continue
        with suppress(OSError):  # somebody else has it, or it has gone
            pipe.rename(taken)
            writer = os.open(taken, os.O_WRONLY | os.O_NONBLOCK)
            os.write(writer, json.dumps({"home": str(home), "name": job.name}).encode())
            os.close(writer)
            if _answers(taken) and process.alive():  # what a dead one was given is tidied away as well
                return process.pid
            os.kill(process.pid, signal.SIGKILL)
    return None


def _answers(taken: Path) -> bool:
    """Whether it has read what it was given; one that dies just then has not."""
    end = time.monotonic() + _PATIENCE
    while taken.exists() and time.monotonic() < end:
        time.sleep(0.001)
    return not taken.exists()


def _folder(store: Store, environment: dict[str, Any]) -> Path:
    """Where those wait that were started like this; another one once a package was installed or a variable changed."""
    variables = environment["variables"] | launch.variables(environment["env_file"])
    here = installed([sysconfig.get_path("purelib")]) if environment["python"] == sys.executable else []
    told = [environment["python"], environment["folder"], environment["ahead"], variables, here]
    return store.folder / _FOLDER / hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


class Ahead:
    """Sees to it that a process waits where runs of the same notebook's folder follow each other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._started: dict[Path, identity.Identity] = {}
        self._looked = 0.0

    def look(self) -> None:
        """Start one where two runs of an environment were begun lately; end those that nobody will want."""
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked, wanted = time.monotonic(), self._wanted()
        for folder in [folder for folder in self._started if folder not in wanted]:
            del self._started[folder]
            _end(folder)
        for folder, job in wanted.items():
            process = self._started.get(folder)
            if process is None or not process.alive() or not _waits(folder, process.pid):
                self._start(folder, job)

    def end(self) -> None:
        """End all that wait."""
        for folder in (self.store.folder / _FOLDER).glob("[0-9a-f]*"):
            _end(folder)

    def _wanted(self) -> dict[Path, Job]:
        found: dict[Path, list[Job]] = {}
        for job in self.store.begun_since(time.time() - SECONDS, _LAST):
            if job.environment.get("ahead"):
                found.setdefault(_folder(self.store, job.environment), []).append(job)
        return dict([(folder, jobs[0]) for folder, jobs in found.items() if len(jobs) > 1][:_MOST])

    def _start(self, folder: Path, job: Job) -> None:
        _end(folder)  # what a supervisor before this one has left
        folder.mkdir(mode=0o700, parents=True)
        environment = job.environment
        pid = detach.detach(
            _TARGET,
            {"folder": str(folder), "of": environment["ahead"]},
            env=environment["variables"] | launch.variables(environment["env_file"]),
            cwd=Path(environment["folder"]),
            output=folder / "log.txt",
            python=environment["python"],
        )
        self._started[folder] = identity.of(pid) or identity.Identity("", "", "", pid, "")


def _waits(folder: Path, pid: int) -> bool:
    """Whether it begins to wait, or waits; it does not any more once it was given a run."""
    return not (folder / f"{pid}{_TAKEN}").exists() and not (folder / f"{pid}{GIVEN}").exists()


def _end(folder: Path) -> None:
    """End who waits in a folder: its pipe is taken, so that nobody hands it a run meanwhile."""
    for pipe in folder.glob("*.pipe"):
        with suppress(OSError):
            pipe.rename(pipe.with_suffix(_TAKEN))
            os.kill(int(pipe.stem), signal.SIGTERM)
    shutil.rmtree(folder, ignore_errors=True)
