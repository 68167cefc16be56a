"""Where state lives: under WORKBENCH_HOME, else in the user's data folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .errors import UsageError

_MLFLOW = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")


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


def mlflow() -> str | None:
    """The address of MLflow where WORKBENCH_REGISTRY names its server or database; None where it names a folder."""
    set_to = os.environ.get("WORKBENCH_REGISTRY", "")
    if "://" not in set_to:
        return None
    if set_to.partition("://")[0].partition("+")[0] not in _MLFLOW:
        raise UsageError(
            f"WORKBENCH_REGISTRY is {set_to!r}, which is no registry",
            fix="name a folder, or MLflow: http://HOST:PORT of its server, or its database, sqlite:///FILE",
        )
    return set_to


def registry(home: Path) -> Path:
    """The folder of the models: WORKBENCH_REGISTRY (a shared folder, say), else `models` under `home`; where that names
    MLflow, the folder under `home` of what was fetched from there."""
    if address := mlflow():
        return home / "mlflow" / hashlib.sha256(address.encode()).hexdigest()[:16]
    set_to = os.environ.get("WORKBENCH_REGISTRY")
    return Path(set_to).expanduser().absolute() if set_to else home / "models"
