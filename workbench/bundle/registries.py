"""A home -> the registry that it uses: a folder, or MLflow."""

from __future__ import annotations

from pathlib import Path

from .. import paths
from .registry import Registry


def of(home: Path) -> Registry:
    """The registry of a home, as WORKBENCH_REGISTRY says. UsageError for what is none."""
    folder = paths.registry(home)
    if address := paths.mlflow():
        from .mlflow_registry import MLflowRegistry

        return MLflowRegistry(address, folder)
    return Registry(folder)
