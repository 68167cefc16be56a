"""A job in this very process, which is what a container runs: its engine starts it again, and keeps what it writes.

`python -m workbench.operations.foreground [INPUT OUTPUT]` runs what the file WORKBENCH_JOB says, as `export` writes it:
`{"name": "service/churn", "spec": …}`, and the table of a rollout. A service answers at PORT where that is set, and
asks for the token in WORKBENCH_TOKEN. It ends with 0 where what ran has ended as it should, else with another status.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import journal, paths
from ..bundle import registries
from ..bundle.storage import write_text
from ..errors import NotFound, UsageError, WorkbenchError
from ..jobs import identity, rollout, worker
from ..spawn.environment import clean
from ..spawn.owner import NO_THREADS
from .running import Running

if TYPE_CHECKING:
    from ..bundle.registry import Registry

_ADDRESS = "0.0.0.0"  # noqa: S104 a container's own network; who reaches it is said by its engine
_TOKEN = "WORKBENCH_TOKEN"  # noqa: S105 the name of the variable


def main(words: list[str]) -> int:
    """Run the job; the status that the process ends with."""
    os.environ.update({name: value for name, value in (clean() | NO_THREADS).items() if name not in os.environ})
    try:
        said = _said(os.environ.get("WORKBENCH_JOB"))
        return Foreground(paths.home()).run(said, words)
    except WorkbenchError as error:
        journal.note(error)
        return error.exit_code


def _said(file: str | None) -> dict[str, Any]:
    if not file or not Path(file).is_file():
        what = f"there is no file {file}" if file else "nothing says what to run"
        raise UsageError(what, fix="set WORKBENCH_JOB to the job.json that workbench export wrote")
    said: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    return said


@dataclass(frozen=True)
class Foreground:
    """What runs a job under a home, whose state outlives it where its folder does."""

    home: Path

    def run(self, said: dict[str, Any], words: list[str]) -> int:
        """Until it has ended, or this process is told to end."""
        running = Running(self.home)
        name, store = said["name"], running.store
        spec = _spec(said["name"], said["spec"], words, registries.of(self.home), running)
        deaths = _deaths_before(running, name)
        job, _ = store.put(name, spec, _environment(), restart="never")
        if spec.get("token"):
            _keep_token(store.job_folder(name) / "token")
        if said.get("table"):
            told = f"as it was exported: {said['table']}"
            store.event(rollout.story(spec["model"].partition("@")[0]), told, table=said["table"], by="export")
        process = identity.own()
        store.started(name, process, job.generation)
        if deaths:
            store.failed_start(name, deaths, None)
        signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        store.database.close()  # what is open here is open in forks of this process too
        worker.main({"home": str(self.home), "name": name})
        ended = store.get(name)
        done = ended.state == "done" if ended.kind == "run" else ended.state != "failed"
        if not ended.over:
            store.ended(name, process, "stopped")
        return 0 if done else 1


def _spec(name: str, spec: dict[str, Any], words: list[str], registry: Registry, running: Running) -> dict[str, Any]:
    """What to run, here: a service at the container's own address, a batch over the places that were named."""
    kind = name.partition("/")[0]
    if kind != "run":
        if words:
            raise UsageError(f"{name} takes no words: {' '.join(words)}", fix="leave them out")
        port = {"host": _ADDRESS, "port": _port(spec["port"])} if kind == "service" else {}
        return {**spec, **port}
    from .deploy import Deploying
    from .scoring import Scoring

    given = dict(zip(("input", "output"), words, strict=False))
    way = {key: given.get(key) or spec.get(key) for key in ("input", "output")}
    deploying = Deploying(registry, running)
    return deploying.scoring(spec["model"], way["input"], way["output"], Scoring.of(spec), cycle=None).spec


def _environment() -> dict[str, Any]:
    """That of this process, of which nothing is written down."""
    return {"python": sys.executable, "variables": {}, "env_file": None, "folder": os.getcwd(), "preload": []}


def _port(usual: int) -> int:
    said = os.environ.get("PORT", "")
    if said and not said.isdecimal():
        raise UsageError(f"PORT is {said!r}, which is no number", fix=f"PORT={usual}, or leave it out")
    return int(said or usual)


def _keep_token(file: Path) -> None:
    if not (token := os.environ.get(_TOKEN)):
        fix = f"set {_TOKEN}, or export it again with --no-token"
        raise UsageError("the service asks for a token, and nothing says which", fix=fix)
    write_text(file, f"{token}\n")
    file.chmod(0o600)


def _deaths_before(running: Running, name: str) -> int:
    """How often it ended without a word before, where its state outlived that; the job is then made anew."""
    try:
        before = running.store.get(name)
    except NotFound:
        return 0
    if before.process and before.process.alive():
        raise UsageError(f"{name} runs already under {running.home}", fix="give each its own WORKBENCH_HOME")
    running.store.remove(name)
    if before.state == "done":  # else a batch goes on where it was
        shutil.rmtree(running.store.job_folder(name))
    return before.restarts + 1 if before.lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
