"""What manifests for Kubernetes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from ..bundle.storage import write_text
from . import image
from .guide import Asked
from .subject import PORT, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from ..bundle.version import ModelVersion
    from .subject import Subject

Json = dict[str, Any]


def write(file: Path, *documents: Json) -> None:
    """Write manifests into one file."""
    write_text(file, yaml.safe_dump_all(documents, sort_keys=False, width=120, allow_unicode=True))


def images(subject: Subject, folder: Path) -> tuple[tuple[str, str], ...]:
    """Write what each version's image is built from; the steps that build and push them."""
    steps = []
    for version in subject.versions:
        image.write(subject.only(version), folder / "images" / str(version.version))
        name = subject.image_of(version)
        command = f"docker build -t {name} images/{version.version} && docker push {name}"
        steps.append((f"build the image of {version.ref}, and push it to where the cluster gets its images", command))
    return tuple(steps)


MODELS = "images/{version}/models"
"""Where the versions lie in such a folder, for the line that proves them."""


def secret(subject: Subject) -> tuple[tuple[str, str], ...]:
    """The step that gives the cluster the values of the variables, which stand in no manifest."""
    if not subject.variables:
        return ()
    values = " ".join(f'--from-literal={name}="${name}"' for name in subject.variables)
    make = f"export {TOKEN}=$(openssl rand -hex 32)\n" if TOKEN in subject.variables else ""
    what = f"give the cluster the values of {', '.join(subject.variables)}"
    create = f"kubectl create secret generic {subject.label} {values} --dry-run=client -o yaml"
    return ((what, f"{make}{create} | kubectl apply -f -"),)


def copied(subject: Subject) -> str:
    """The line that copies the folder `models` into the storage."""
    tool = "gcloud storage rsync --recursive" if subject.storage.startswith("gs://") else "aws s3 cp --recursive"
    return f"{tool} models {subject.storage.rstrip('/')}"


def answers_at(kind: str, subject: Subject, tags: str, names: tuple[str, str]) -> tuple[str, str]:
    """The step that sets URL to where a thing of this kind answers; where it shares what it is asked between two
    versions, LIVE and CANARY to where each of them does, which `tags` lists under these names."""
    look = f"kubectl get {kind} {subject.label} -o jsonpath="
    if not subject.beside:
        return "where it answers", f"URL=$({look}'{{.status.url}}') && echo $URL"
    each = zip(("LIVE", "CANARY"), names, strict=True)
    lines = [f"{key}=$({look}'{{{tags}[?(@.tag==\"{name}\")].url}}') && echo ${key}" for key, name in each]
    shared = f"{look}'{{.status.url}}'"
    what = f"where each version answers (what is shared between them is asked at `{shared}`)"
    return what, "\n".join(lines)


def ingress(subject: Subject, *, path: str = "", token: bool = True, models: str = MODELS) -> tuple[Asked, Asked]:
    """How what stands behind an ingress is asked: by its name, or at the ingress's own address."""

    def name(version: ModelVersion) -> str:
        return ("$LIVE" if version is subject.live else "$CANARY") if subject.beside else "$URL"

    def host(version: ModelVersion) -> str:
        return f"Host: ${{{name(version)[1:]}#*//}}"

    named = Asked(lambda version: f"{name(version)}{path}", models, token=token)
    return named, Asked(lambda _: f"http://$INGRESS{path}", models, host, token, _BY_ADDRESS)


_BY_ADDRESS = (
    "Where your DNS does not know that name, the same at the address of the cluster's ingress, which goes by the name "
    "in `Host`. `INGRESS` is its address: of Istio what `kubectl -n istio-system get svc istio-ingressgateway` says, "
    "or `localhost:8081` after `kubectl -n istio-system port-forward svc/istio-ingressgateway 8081:80`:"
)


def meta(subject: Subject, version: ModelVersion | None = None, *, name: str | None = None) -> Json:
    """The metadata of one thing."""
    number = {"app.kubernetes.io/version": str(version.version)} if version else {}
    labels = {"app.kubernetes.io/name": subject.label, **number, "app.kubernetes.io/managed-by": "workbench"}
    return {"name": name or subject.label, "labels": labels}


def container(subject: Subject, version: ModelVersion, name: str, port: int | None = PORT) -> Json:
    """A container of the version's image; with a port, one that is asked there."""
    found: Json = {"name": name, "image": subject.image_of(version), "securityContext": _SECURE}
    if subject.variables:
        found["envFrom"] = [{"secretRef": {"name": subject.label}}]
    if port is not None:
        found["env"] = [{"name": "PORT", "value": str(port)}] if port != PORT else []
        found["ports"] = [{"name": "http", "containerPort": port, "protocol": "TCP"}]
        found["readinessProbe"] = _probe("/v2/health/ready", port)
        found["livenessProbe"] = {**_probe("/v2/health/live", port), "initialDelaySeconds": 60}
    return {key: value for key, value in found.items() if value}


_SECURE = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def _probe(path: str, port: int) -> Json:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": 5, "failureThreshold": 3, "timeoutSeconds": 5}
