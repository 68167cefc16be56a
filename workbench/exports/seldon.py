"""What Seldon Core applies: version 1 from images, with canary and shadow; version 2 from storage, by MLServer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import image, manifests
from .guide import Asked, Guide

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
_OF_TWO = (
    "And by Seldon Core 2, whose mesh goes by the header `Seldon-Model` (`MESH` is its address; `localhost:9000` after "
    "`kubectl port-forward svc/seldon-mesh 9000:80`):"
)
_OWN_PORT = 9001
_MEMORY = 1_000_000


def write(subject: Subject, folder: Path) -> Guide:
    """The manifests, what the images are built from, and what the storage is filled with."""
    subject = subject.under_a_label()
    steps = (*manifests.images(subject, folder), *manifests.secret(subject))
    manifests.write(folder / "v1.yaml", _deployment(subject))
    notes: tuple[str, ...] = (_STICKY.format(header=subject.table.sticky),) if subject.table.sticky else ()
    steps += (("apply it (Seldon Core 1)", f"kubectl apply -f v1.yaml && {_wait(subject)}"), _where(subject))
    if subject.storage:
        image.registry(subject, folder / "models")
        manifests.write(folder / "v2.yaml", *_version_2(subject))
        apply = f"{manifests.copied(subject)}\nkubectl apply -f v2.yaml\n{_mesh(subject)}"
        steps += (("or with Seldon Core 2", apply),)
    notes += (_V2,) if subject.storage else (_WITHOUT_STORAGE,)
    asked = (_by_one(subject), *((_by_two(subject),) if subject.storage else ()))
    return Guide(steps, asked, notes=(*notes, *_shared(subject)), of=subject)


def _by_one(subject: Subject) -> Asked:
    """Seldon's executor knows a model by its name alone; a version of several is asked past the split."""
    path = f"/v2/models/{subject.model}"
    if not subject.beside:
        return Asked(lambda _: f"$URL{path}", manifests.MODELS)
    ports = {version.ref: _OWN_PORT + place for place, version in enumerate(subject.versions)}
    return Asked(lambda version: f"http://127.0.0.1:{ports[version.ref]}{path}", manifests.MODELS)


def _where(subject: Subject) -> tuple[str, str]:
    """The step that says where Seldon Core 1 answers, or each of several versions."""
    if not subject.beside:
        return "where it answers (INGRESS is the address of the cluster's ingress)", f"URL={_url(subject)}"
    each = enumerate(subject.versions)
    lines = [f"kubectl port-forward svc/{subject.label}-v{v.version} {_OWN_PORT + place}:8000 &" for place, v in each]
    return f"where each version answers (what is shared between them is asked at `{_url(subject)}`)", "\n".join(lines)


def _url(subject: Subject) -> str:
    name = subject.label
    return f"http://$INGRESS/seldon/$(kubectl get sdep {name} -o jsonpath='{{.metadata.namespace}}')/{name}"


def _by_two(subject: Subject) -> Asked:
    """The mesh of Seldon Core 2 goes by a header."""
    return Asked(
        lambda version: f"http://$MESH/v2/models/{subject.named(version)}",
        header=lambda version: f"Seldon-Model: {subject.named(version)}",
        token=False,
        said=_OF_TWO,
    )


def _shared(subject: Subject) -> tuple[str, ...]:
    if not subject.beside or not subject.storage:
        return ()
    return (f"With Seldon Core 2 what is shared is asked with the header `Seldon-Model: {subject.label}.experiment`.",)


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
    found: Json = {"candidates": candidates}  # without a default: each model goes on answering by its own name
    if subject.table.shadow:
        found |= {"candidates": candidates[:1], "mirror": {"name": subject.named(beside), "percent": 100}}
    return found


def _memory(version: ModelVersion) -> str:
    """What its state weighs on disk is a first guess; it is rarely less in memory."""
    weight = sum(file.stat().st_size for file in (version.folder / "state").rglob("*") if file.is_file())
    return f"{max(1, round(2 * weight / _MEMORY))}M"


def _mesh(subject: Subject) -> str:
    models = " ".join(f"models.mlops.seldon.io/{subject.named(version)}" for version in subject.versions)
    address = "kubectl get svc seldon-mesh -o jsonpath='{.status.loadBalancer.ingress[0].ip}'"
    return f"kubectl wait --for=condition=Ready {models} --timeout=10m\nMESH=$({address}) && echo $MESH"


def _wait(subject: Subject) -> str:
    return f"kubectl wait --for=condition=Ready sdep/{subject.label} --timeout=10m"
