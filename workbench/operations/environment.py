"""Where and under which variables something will run: recorded when it is asked for, the same after a reboot."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import UsageError
from ..spawn.environment import clean

_OURS = ("WORKBENCH_REGISTRY",)


@dataclass(frozen=True)
class Common:
    """What all that runs can be given: its own name, a file of variables, whom to tell, and whether only to show it."""

    name: str | None = None
    env_file: str | None = None
    notify: str | None = None
    dry_run: bool = False

    def check(self) -> None:
        """Refuse a file of variables that cannot be read, and whom nobody could tell. NotFound, UsageError."""
        from .. import notify
        from ..jobs import launch

        own = launch.variables(self.env_file)
        if self.notify:
            notify.check_place(self.notify, os.environ | own)


def record(
    home: Path,
    preload: tuple[str, ...] = (),
    env_file: str | None = None,
    *,
    reads: tuple[str, ...] = (),
) -> dict[str, Any]:
    """This interpreter, the few variables that programs need, the file that holds the others, and the folder.

    preload: installed modules that it will import. NotFound where there is no such file. Of the variables in it only
    is kept when they were written, so that another value is a change. reads: variables that the model reads;
    UsageError where nothing sets one of them.
    """
    from ..jobs import launch

    file = Path(env_file).expanduser().absolute() if env_file else None
    ours = {name: value for name, value in os.environ.items() if name in _OURS or name.startswith("OTEL_")}
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
