"""What Seldon Core applies: version 1 from images, with canary and shadow; version 2 from storage, by MLServer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import image, manifests
from .guide import Guide

if TYPE_CHECKING:
    from pathlib import Path

    from ..bundle.version import ModelVersion
    from .subject import Subject

Json = dict[str, Any]
_PORT = 9000
_WITHOUT_STORAGE = (
    "Seldon Core 2 loads models from storage: with `--storage s3://BUCKET/models` there is `v2.yaml` as well, with "
    "Model, Server and Experiment."
)
_V2 = (
    "Seldon Core 2 serves the versions by MLServer, in that server's own environment: prove them, since its packages "
    "may be others than those of `requirements.txt` of the version. Its agents reach the storage by their own Secret."
)
_STICKY = "Seldon splits the traffic at random: that the same {header} meets the same version does not hold there"
_MEMORY = 1_000_000


def write(subject: Subject, folder: Path) -> Guide:
    """The manifests, what the images are built from, and what the storage is filled with."""
    subject = subject.under_a_label()
    steps = (*manifests.images(subject, folder), *manifests.secret(subject))
    manifests.write(folder / "v1.yaml", _deployment(subject))
    notes: tuple[str, ...] = (_STICKY.format(header=subject.table.sticky),) if subject.table.sticky else ()
    steps += (("apply it (Seldon Core 1)", f"kubectl apply -f v1.yaml && {_wait(subject)}"),)
    if subject.storage:
        image.registry(subject, folder / "models")
        manifests.write(folder / "v2.yaml", *_version_2(subject))
        steps += (("or with Seldon Core 2", f"{manifests.copied(subject)}\nkubectl apply -f v2.yaml"),)
    notes += (_V2,) if subject.storage else (_WITHOUT_STORAGE,)
    where = f"URL=https://INGRESS/seldon/NAMESPACE/{subject.label}"
    return Guide((*steps, ("where it answers", where)), url="$URL", models=manifests.MODELS, notes=notes, of=subject)


def _deployment(subject: Subject) -> Json:
    predictors = [_predictor(subject, version, percent) for version, percent in subject.percents]
    if subject.table.shadow:
        predictors[1] |= {"shadow": True, "traffic": 100}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": manifests.meta(subject),
        "spec": {"name": subject.label, "protocol": "v2", "predictors": predictors},
    }


def _predictor(subject: Subject, version: ModelVersion, traffic: int) -> Json:
    graph = {
        "name": subject.model,
        "type": "MODEL",
        "endpoint": {"type": "REST", "httpPort": _PORT},
        "children": [],
    }
    container = manifests.container(subject, version, subject.model, _PORT)
    return {
        "name": f"v{version.version}",
        "replicas": 1,
        "traffic": traffic,
        "graph": graph,
        "componentSpecs": [{"spec": {"containers": [container]}}],
    }


def _version_2(subject: Subject) -> list[Json]:
    kind = {"apiVersion": "mlops.seldon.io/v1alpha1"}
    server = {**kind, "kind": "Server", "metadata": manifests.meta(subject)}
    server["spec"] = {"serverConfig": "mlserver", "replicas": 1}
    models = [
        {
            **kind,
            "kind": "Model",
            "metadata": manifests.meta(subject, version, name=subject.named(version)),
            "spec": {
                "storageUri": subject.storage_of(version),
                "requirements": ["mlflow"],
                "server": subject.label,
                "memory": _memory(version),
            },
        }
        for version in subject.versions
    ]
    if not subject.beside:
        return [server, *models]
    shares = _experiment(subject, subject.beside)
    return [server, *models, {**kind, "kind": "Experiment", "metadata": manifests.meta(subject), "spec": shares}]


def _experiment(subject: Subject, beside: ModelVersion) -> Json:
    candidates = [{"name": subject.named(version), "weight": percent} for version, percent in subject.percents]
    found: Json = {"default": subject.named(subject.live), "candidates": candidates}
    if subject.table.shadow:
        found |= {"candidates": candidates[:1], "mirror": {"name": subject.named(beside), "percent": 100}}
    return found


def _memory(version: ModelVersion) -> str:
    """What its state weighs on disk is a first guess; it is rarely less in memory."""
    weight = sum(file.stat().st_size for file in (version.folder / "state").rglob("*") if file.is_file())
    return f"{max(1, round(2 * weight / _MEMORY))}M"


def _wait(subject: Subject) -> str:
    return f"kubectl wait --for=condition=Ready sdep/{subject.label} --timeout=10m"
