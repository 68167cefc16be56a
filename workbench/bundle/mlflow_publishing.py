"""A bundle -> a version in MLflow, with what its screens show: signature, example, tags, and what was proven."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .layout import read_manifest
from .version import proof

if TYPE_CHECKING:
    from .layout import Manifest

FINGERPRINT = "workbench.fingerprint"
EXPERIMENT = "workbench"
_SETTINGS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


def publish(client: Any, bundle: Path, name: str) -> Any:
    """Log the bundle as a model of MLflow, and register it as the next version of `name`; MLflow's own version."""
    manifest = read_manifest(bundle, name)
    experiment = experiment_of(client, EXPERIMENT)
    logged = client.create_logged_model(experiment, name=name, tags=_tags(manifest), params=_params(manifest))
    client.log_model_artifacts(logged.model_id, str(bundle))
    client.finalize_logged_model(logged.model_id, "READY")
    _register(client, name)
    with _meant(client.tracking_uri):
        return client.create_model_version(
            name,
            source=logged.artifact_location,
            tags=_tags(manifest),
            description=_description(manifest),
            model_id=logged.model_id,
        )


@contextmanager
def _meant(address: str) -> Iterator[None]:
    """A registry in a database looks for the model in the MLflow of the settings, which are that one meanwhile."""
    if address.startswith("http"):
        yield
        return
    import mlflow

    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(address)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def client_of(address: str) -> Any:
    """MLflow's own client, which asks a server that is not there for seconds, not minutes. ImportError without it."""
    from mlflow import MlflowClient

    os.environ.update({name: value for name, value in _SETTINGS.items() if name not in os.environ})
    return MlflowClient(tracking_uri=address, registry_uri=address)


def experiment_of(client: Any, name: str) -> str:
    """The id of the experiment of this name, made where there is none."""
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name))
        except Exception:
            if (found := client.get_experiment_by_name(name)) is None:  # somebody else has made it just now
                raise
    return str(found.experiment_id)


def _register(client: Any, name: str) -> None:
    try:
        client.create_registered_model(name)
    except Exception as error:
        if getattr(error, "error_code", "") != "RESOURCE_ALREADY_EXISTS":
            raise


def _tags(manifest: Manifest) -> dict[str, str]:
    origin = manifest.origin
    found = {
        FINGERPRINT: manifest.fingerprint,
        "workbench.proof": proof(manifest),
        "workbench.notebook": origin.get("notebook"),
        "workbench.cell": origin.get("cell"),
        "workbench.user": origin.get("user"),
        "mlflow.source.git.commit": origin.get("git_commit"),
    }
    return {name: str(value) for name, value in found.items() if value}


def _params(manifest: Manifest) -> dict[str, str]:
    return {"python": manifest.python, **manifest.packages}


def _description(manifest: Manifest) -> str:
    return "\n\n".join(filter(None, [str(manifest.origin.get("note") or ""), proof(manifest)]))
