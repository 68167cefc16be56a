"""An InferenceService of KServe: from an image, or from storage by KServe's runtime for MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import image, manifests
from .guide import Asked, Guide

if TYPE_CHECKING:
    from pathlib import Path

    from ..bundle.version import ModelVersion
    from .subject import Subject

_SHARES = (
    "KServe splits the traffic between the last two things that were applied, in its serverless mode (on Knative) "
    "alone: apply `1-live.yaml`, wait until it is ready, then `2-canary.yaml`. `canaryTrafficPercent: 100` there "
    "finishes it, `1-live.yaml` takes it back."
)
_TAGS = ".status.components.predictor.traffic"
_STORAGE = (
    "KServe's own runtime (`kserve-mlserver`) serves the version, in the runtime's own environment: prove it, since "
    "its packages may be others than those of `requirements.txt` of the version. It asks for no token."
)


def write(subject: Subject, folder: Path) -> Guide:
    """The manifests, and what the image is built from or the storage is filled with."""
    subject = subject.under_a_label().without_shadow("KServe")
    notes = (_SHARES,) * bool(subject.beside) + (_STORAGE,) * bool(subject.storage)
    if subject.storage:
        image.registry(subject, folder / "models")
        before: tuple[tuple[str, str], ...] = (("copy the versions into the storage", manifests.copied(subject)),)
    else:
        before = (*manifests.images(subject, folder), *manifests.secret(subject))
    files = _files(subject)
    for name, document in files.items():
        manifests.write(folder / name, document)
    apply = "\n".join(f"kubectl apply -f {name} && {_wait(subject)}" for name in files)
    look = manifests.answers_at("inferenceservice", subject, _TAGS, ("prev", "latest"))
    return Guide((*before, ("apply it", apply), look), _asked(subject), notes=notes, of=subject)


def _asked(subject: Subject) -> tuple[Asked, ...]:
    """KServe's own runtime calls the model as the service is called, and knows no version of it."""
    if not subject.storage:
        return manifests.ingress(subject)
    return manifests.ingress(subject, path=f"/v2/models/{subject.label}", token=False, models="models")


def _files(subject: Subject) -> dict[str, dict[str, Any]]:
    if not subject.beside:
        return {"inferenceservice.yaml": _service(subject, subject.live)}
    canary = _service(subject, subject.beside, round(subject.table.share))
    return {"1-live.yaml": _service(subject, subject.live), "2-canary.yaml": canary}


def _service(subject: Subject, version: ModelVersion, share: int | None = None) -> dict[str, Any]:
    predictor: dict[str, Any] = {"minReplicas": 1}
    if share is not None:
        predictor["canaryTrafficPercent"] = share
    if subject.storage:
        predictor["model"] = _model(subject, version)
    else:
        predictor["containers"] = [manifests.container(subject, version, "kserve-container")]
    metadata = manifests.meta(subject, version)
    if subject.beside:  # each of the two has an address of its own as well, at which it is proven
        metadata["annotations"] = {"serving.kserve.io/enable-tag-routing": "true"}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata,
        "spec": {"predictor": predictor},
    }


def _model(subject: Subject, version: ModelVersion) -> dict[str, Any]:
    return {
        "modelFormat": {"name": "mlflow"},
        "protocolVersion": "v2",
        "runtime": "kserve-mlserver",
        "storageUri": subject.storage_of(version),
    }


def _wait(subject: Subject) -> str:
    return f"kubectl wait --for=condition=Ready inferenceservice/{subject.label} --timeout=10m"
