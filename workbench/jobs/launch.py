"""A job that was claimed -> its process, which outlives whoever starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import NotFound, StorageError, UsageError, WorkbenchError
from ..spawn import detach
from . import identity, logs
from .identity import Identity
from .record import Job
from .store import Store

WORKER = "workbench.jobs.worker:main"


def launch(store: Store, home: Path, job: Job) -> Identity | None:
    """Start the process of a job that this process has claimed. None, with the job `failed`, where it cannot be."""
    from . import ahead

    environment = job.environment
    try:
        pid = ahead.take(store, home, job) or detach.detach(
            environment.get("target", WORKER),
            {"home": str(home), "name": job.name},
            env=environment["variables"] | variables(environment["env_file"]),
            cwd=Path(environment["folder"]),
            output=logs.path(store.job_folder(job.name)),
            preload=environment["preload"],
            python=environment["python"],
        )
    except (WorkbenchError, OSError) as error:
        store.refused(job.name, str(error))
        return None
    process = identity.of(pid) or Identity("", "", "", pid, "")
    store.started(job.name, process, job.generation)
    return process


def check(environment: dict[str, Any]) -> None:
    """Refuse what no process could be started in: a file of variables, a folder or an interpreter that is gone."""
    variables(environment["env_file"])
    detach.check(Path(environment["folder"]), environment["python"])


def variables(file: str | None) -> dict[str, str]:
    """The variables of a file of `NAME=VALUE` lines. NotFound, UsageError."""
    if not file:
        return {}
    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        fix = "name a file of NAME=VALUE lines after --env-file, or leave it out"
        raise NotFound(f"there is no file {file} of variables", fix=fix) from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text", fix="save it as UTF-8, one NAME=VALUE a line") from None
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}", fix="see to its owner and rights") from error
    return dict(_variable(file, i, line) for i, line in enumerate(lines, 1) if line.strip() and line.strip()[0] != "#")


def _variable(file: str, number: int, line: str) -> tuple[str, str]:
    name, equals, value = line.strip().removeprefix("export ").partition("=")
    if not equals or not name.strip().isidentifier():
        raise UsageError(f"{file}, line {number}: no NAME=VALUE", fix="one variable a line, as in TOKEN=abc")
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return name.strip(), value[1:-1] if quoted else value
