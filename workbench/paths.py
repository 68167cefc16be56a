"""Where state lives: under WORKBENCH_HOME, else in the user's data folder."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import UsageError


def home() -> Path:
    """The folder of everything that Workbench keeps for this user."""
    if set_to := os.environ.get("WORKBENCH_HOME"):
        return Path(set_to).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("workbench")


def state(home: Path) -> Path:
    """The folder of what runs: WORKBENCH_STATE (local, where `home` is on a network), else `state` in `home`."""
    if set_to := os.environ.get("WORKBENCH_STATE"):
        return Path(set_to).expanduser().absolute()
    return home / "state"


def registry(home: Path) -> Path:
    """The folder of the models: WORKBENCH_REGISTRY (a shared folder, say), else `models` under `home`."""
    set_to = os.environ.get("WORKBENCH_REGISTRY")
    if not set_to:
        return home / "models"
    if "://" in set_to:
        raise UsageError(
            f"WORKBENCH_REGISTRY is {set_to!r}; a registry is a folder",
            fix="name a folder, a mounted shared one for a team",
        )
    return Path(set_to).expanduser().absolute()
