"""Where and under which variables something will run: recorded when it is asked for, the same after a reboot."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import NotFound, UsageError
from ..spawn.environment import clean

_OURS = ("WORKBENCH_REGISTRY",)


_LONGEST = 100
_NAME = re.compile(rf"\w[\w.-]{{0,{_LONGEST - 1}}}")


@dataclass(frozen=True)
class Common:
    """What all that runs can be given: its own name, a file of variables, whom to tell (of failures, or of what `on`
    says; late is what is not over `late` after it was due), and whether only to show it."""

    name: str | None = None
    env_file: str | None = None
    notify: str | None = None
    dry_run: bool = False
    on: str | None = None
    late: str | None = None

    def __post_init__(self) -> None:
        """UsageError for a name that no line, folder or address could hold."""
        if self.name and not _NAME.fullmatch(self.name):
            hint = re.sub(r"[^\w.-]+", "-", self.name.rpartition("/")[2]).strip("._-")[:_LONGEST] or "another"
            what = f"{self.name!r} cannot name what runs: letters, digits, '_', '.' and '-', {_LONGEST} at most"
            raise UsageError(what, fix=f"--name {hint}")

    @property
    def told(self) -> str | None:
        """Whom to tell of what, as a job keeps it. UsageError."""
        from ..jobs.wishes import ON, Wish
        from ..moments import seconds

        if self.notify is None:
            if self.on or self.late:
                raise UsageError("nobody is to be told", fix="--notify name@example.org, a URL or module:function")
            return None
        on = [part.strip() for part in (self.on or "failed").split(",")] + ["late"] * bool(self.late)
        if bad := next((part for part in on if part not in ON), None):
            raise UsageError(f"--notify-on {bad}", fix=f"some of {', '.join(ON)}")
        if "late" in on and not self.late:
            raise UsageError("when is it late?", fix="--late 30m")
        return str(Wish(self.notify, tuple(dict.fromkeys(on)), seconds(self.late) if self.late else 0.0))

    def check(self) -> None:
        """Refuse a file of variables that cannot be read, and whom nobody could tell. NotFound, UsageError."""
        from .. import notify
        from ..jobs import launch

        own = launch.variables(self.env_file)
        if self.notify and notify.is_function(self.notify):
            _check_function(self.notify)
        elif self.notify:
            notify.check_place(self.notify, os.environ | own)


def _check_function(where: str) -> None:
    """NotFound where no module of that name could be imported here."""
    from importlib.util import find_spec

    module = where.partition(":")[0]
    beside = (Path.cwd() / f"{module.replace('.', '/')}.py").is_file()
    try:
        found = beside or find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise NotFound(f"{where}: there is no module {module}", fix=f"write it into {module}.py here")


def record(
    home: Path,
    preload: tuple[str, ...] = (),
    env_file: str | None = None,
    *,
    reads: tuple[str, ...] = (),
    engine: str | None = None,
) -> dict[str, Any]:
    """This interpreter, the few variables that programs need, the file that holds the others, and the folder.

    preload: installed modules that it will import. NotFound where there is no such file. Of the variables in it only
    is kept when they were written, so that another value is a change. reads: variables that the model reads;
    UsageError where nothing sets one of them. engine: its variables say where its cluster is.
    """
    from ..engines import known
    from ..jobs import launch

    file = Path(env_file).expanduser().absolute() if env_file else None
    named = (*_OURS, *known.variables(engine))
    ours = {name: value for name, value in os.environ.items() if name in named or name.startswith("OTEL_")}
    places = {"WORKBENCH_HOME": str(home), "WORKBENCH_STATE": str(paths.state(home))}
    given = clean(threads=1) | ours | places | (launch.variables(str(file)) if file and reads else {})
    if missing := [name for name in reads if name not in given]:
        raise UsageError(
            f"the model reads the environment variable {missing[0]}, which it would not have there",
            fix=f"write {' and '.join(f'{name}=…' for name in missing)} into a file, and give it: --env-file FILE",
        )
    return {
        "python": sys.executable,
        "variables": clean(threads=1) | ours | places,
        "env_file": str(file) if file else None,
        "env_file_written": file.stat().st_mtime_ns if file else None,
        "folder": str(Path.cwd()),
        "preload": sorted(preload),
    }
