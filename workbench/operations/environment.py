"""Where and under which variables something will run: recorded when it is asked for, the same after a reboot."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import NotFound
from ..spawn.environment import clean

_OURS = ("WORKBENCH_REGISTRY", "WORKBENCH_SMTP_URL", "WORKBENCH_MAIL_FROM")


@dataclass(frozen=True)
class Common:
    """What all that runs can be given: its own name, a file of variables, whom to tell, and whether only to show it."""

    name: str | None = None
    env_file: str | None = None
    notify: str | None = None
    dry_run: bool = False


def record(
    home: Path, preload: tuple[str, ...] = (), env_file: str | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """This interpreter, the few variables that programs need, the file that holds the others, and the folder.

    preload: installed modules that it will import. NotFound where there is no such file.
    """
    ours = {name: os.environ[name] for name in _OURS if name in os.environ}
    places = {"WORKBENCH_HOME": str(home), "WORKBENCH_STATE": str(paths.state(home))}
    return {
        "python": sys.executable,
        "variables": clean(threads=1) | ours | places,
        "env_file": str(_file(env_file)) if env_file else None,
        "folder": str(folder or Path.cwd()),
        "preload": sorted(preload),
    }


def _file(given: str) -> Path:
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise NotFound(f"there is no file {path}", fix="name a file of NAME=VALUE lines after --env-file")
    return path
