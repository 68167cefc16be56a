"""--every, --on-file, --after, …: what starts runs, checked before anything is kept."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import text
from ..data import folders
from ..data.grammar import expand, is_database
from ..data.remote_files import is_fsspec
from ..errors import NotFound, UsageError
from . import triggers
from .running import Running

SETTLE = 2.0
FILE = "file"
"""The parameter of a notebook, and the key of a run's cause, that is the file which has arrived."""


@dataclass(frozen=True)
class Cycle:
    """What starts the runs of a schedule: times (`every`), or what `starts` names; `zone`, `catch_up` and `overlap` are
    for the former. `there` are the keys of the files that start nothing, since they are there already; `keep` says how
    many of the runs stay, or for how long."""

    every: str | None
    zone: str | None = None
    catch_up: str = "latest"
    overlap: str = "skip"
    starts: dict[str, Any] | None = None
    there: tuple[str, ...] = ()
    keep: str | None = None

    @property
    def file(self) -> str | None:
        """The glob of the files that it waits for."""
        return self.starts.get(FILE) if self.starts else None


@dataclass(frozen=True)
class Triggers:
    """What starts runs beside a clock, as a verb's options have it."""

    on_file: str | None = None
    settle: float | None = None
    after: str | None = None
    on_message: str | None = None
    on_webhook: int | bool | None = None
    host: str | None = None
    on_drift: str | None = None

    @property
    def starts(self) -> dict[str, Any]:
        """As a schedule keeps it, by the option that said it; what must be looked up is put right by `known`."""
        found: dict[str, Any] = {}
        if self.on_file is not None:
            found["--on-file"] = {FILE: _pattern(self.on_file), "settle": self.settle or SETTLE}
        if self.after is not None:
            found["--after"] = {"after": self.after}
        if self.on_message is not None:
            found["--on-message"] = triggers.message(self.on_message)
        if self.on_webhook is not None:
            found["--on-webhook"] = triggers.webhook(self.on_webhook, self.host)
        if self.on_drift is not None:
            found["--on-drift"] = {"drift": self.on_drift}
        return found


def cycle(
    every: str | None,
    zone: str | None,
    catch_up: str | None,
    overlap: str | None,
    beside: Triggers,
    keep: str | None = None,
) -> Cycle | None:
    """What starts runs, as a verb's options have it; None for what runs once. UsageError for options of two kinds."""
    refuse_idle("a cycle, --every", every is not None, zone=zone, catch_up=catch_up, overlap=overlap)
    refuse_idle("arriving files, --on-file", beside.on_file is not None, settle=beside.settle)
    refuse_idle("a webhook, --on-webhook", beside.on_webhook is not None, host=beside.host)
    starts = beside.starts
    if len(given := ["--every"] * (every is not None) + list(starts)) > 1:
        raise UsageError(f"{given[0]} and {given[1]} both say what starts runs", fix=f"leave {given[1]} out")
    refuse_idle("a schedule, whose runs are many", bool(given), keep_runs=keep)
    if keep is not None:
        from ..jobs import keeping

        keeping.check(keep)
    if starts:
        return Cycle(None, overlap="queue", starts=starts[given[0]], keep=keep)
    return Cycle(every, zone, catch_up or "latest", overlap or "skip", keep=keep) if every is not None else None


def _pattern(said: str) -> str:
    """The glob as it reads from every folder; a folder stands for the files in it."""
    place = expand(folders.local(said))
    if "://" in place:
        if not is_fsspec(place) or is_database(place):
            raise UsageError(
                f"{said}: files are waited for in a folder or a store", fix="'inbox/*.csv', 's3://…/*.csv'"
            )
        return f"{place}*" if place.endswith("/") else place
    path = os.path.abspath(os.path.expanduser(place))
    if os.path.isdir(path):
        return os.path.join(path, "*")
    base = folders.base(path)
    if not os.path.isdir(base):
        raise NotFound(f"there is no folder {base} in which files could arrive", fix=f"mkdir -p {base}")
    return path


def known(cycle: Cycle, running: Running, own: str, env_file: str | None) -> Cycle:
    """The cycle with what it must know of what is there: the files already, its group or address, or what the schedule
    `own` follows."""
    starts = cycle.starts or {}
    if cycle.file:
        return replace(cycle, there=tuple(_keys(cycle.file, env_file)))
    if "after" in starts:
        return replace(cycle, starts={"after": _followed(running, starts["after"], own)})
    with variables(env_file):
        return replace(cycle, starts=triggers.known(starts, running, own)) if starts else cycle


def _followed(running: Running, name: str, own: str) -> str:
    """The full name of what is followed. NotFound; UsageError for what never is done, and where it would follow
    itself."""
    schedules = {schedule.name: schedule for schedule in running.schedules()}
    found = f"schedule/{name}" if f"schedule/{name}" in schedules else name
    if found in schedules or found == own:
        _refuse_round(schedules, found, own)
        return found
    job = running.find(name)
    if not job.name.startswith("run/"):
        raise UsageError(f"{job.name} is never done", fix="--after SCHEDULE or --after run/17")
    return str(job.name)


def _refuse_round(schedules: dict[str, Any], found: str, own: str) -> None:
    way = [own, found]
    while way[-1] != own and way[-1] in schedules:
        way.append((schedules[way[-1]].starts or {}).get("after", ""))
    if way[-1] == own:
        raise UsageError(f"it would follow itself: {' after '.join(way)}", fix="name what begins: --every or --on-file")


def _keys(pattern: str, env_file: str | None) -> Iterable[str]:
    from ..data.remote_files import marks as remote
    from ..jobs import watched_files

    with variables(env_file):
        found = remote(pattern) if "://" in pattern else watched_files.marks(pattern)
    return [watched_files.key(file, mark) for file, mark in found.items()]


@contextmanager
def variables(env_file: str | None) -> Iterator[None]:
    """Look as the schedule will: with its variables."""
    from ..jobs import launch

    before = dict(os.environ)
    os.environ.update(launch.variables(env_file))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def left_alone(cycle: Cycle) -> str:
    """What to say of the files that are there already."""
    return f"{text.count(len(cycle.there), 'file')} there already, left alone" if cycle.there else ""


def check_parameter(notebook: Path, given: dict[str, Any]) -> None:
    """UsageError where a notebook has no parameter that takes the file, or it is said already."""
    from ..patterns.batch.given_frames import Frame
    from ..patterns.batch.parameters import read

    known = (read(notebook) or {}).get(FILE)
    if known is None or known.type not in (str, Path, Frame, None):
        what = f"{notebook.name} has no parameter `{FILE}`, which would be the file that has arrived"
        raise UsageError(what, fix=f'write {FILE} = "" into its cell tagged `parameters`')
    if FILE in given:
        raise UsageError(f"-p {FILE}: it is the file that has arrived", fix="leave it out")


def input_of(model: str, input: str | None, cycle: Cycle | None) -> str | None:
    """What a model scores: the files that arrive are the input. UsageError where another one is named beside them."""
    if cycle is None or cycle.file is None:
        return input
    if input is not None:
        fix = f"%batch {model} --on-file '{cycle.file}' -o FOLDER"
        raise UsageError(f"{input}: with --on-file the files that arrive are the input", fix=fix)
    return cycle.file


def for_each(pattern: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The spec of runs that score one file each: into a folder under the file's name, or added to a table or a file.
    UsageError where each would take the place of the last, or would be waited for itself."""
    output, said = spec["output"], spec["mode"] or re.search(r"[?&](mode|key)=", spec["output"])
    if folders.is_folder(output):
        _refuse_circle(pattern, str(Path(output) / f"x{os.path.splitext(pattern)[1]}"))
        return {**spec, "mode": spec["mode"] or "replace", "partition": []}
    if "://" not in output:
        if spec["mode"] != "append":
            raise UsageError(f"{output} is one file, for each that arrives", fix="-o FOLDER/, or --mode append")
        _refuse_circle(pattern, output)
    return spec if said else {**spec, "mode": "append"}


def _refuse_circle(pattern: str, file: str) -> None:
    if "://" not in pattern and fnmatch.fnmatch(file, pattern):
        raise UsageError(f"{file} would be waited for by {pattern}, too", fix="name another folder for the output")


def refuse_idle(what: str, holds: bool, **options: Any) -> None:
    """UsageError for an option that is given and would do nothing, since it is for something else."""
    for name, value in options.items():
        if value is not None and value is not False and not holds:
            raise UsageError(f"--{name.replace('_', '-')} is for {what}", fix="leave it out")
