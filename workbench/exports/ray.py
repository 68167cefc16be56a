"""A configuration of Ray Serve, and the image that the nodes of its cluster run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..bundle.storage import write_text
from . import image, manifests
from .guide import Asked, Guide, at, ready, token

if TYPE_CHECKING:
    from pathlib import Path

    from .subject import Subject

_RAY = "2.40.0"
_PORT = 8000
_IMPORT = "workbench.engines.ray_replica:application"
_HERE = "workbench-ray"
_LOCAL = (
    f"python -m venv {_HERE} && {_HERE}/bin/pip install 'ray[serve]>={_RAY}' -r image/requirements.txt\n"
    f"{_HERE}/bin/pip install --no-deps image/*.whl\n"
    f"WORKBENCH_REGISTRY=$PWD/image/models WORKBENCH_HOME=$PWD/state {_HERE}/bin/serve run serve_config.yaml &"
)
_CLUSTER = (
    "On a cluster the nodes run the image of `image/`, which is Ray's own with the model on top: then "
    "`serve deploy serve_config.yaml`, or the same under `serveConfigV2` of a RayService."
)
_SIZES = {"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 32}


def write(subject: Subject, folder: Path) -> Guide:
    """The configuration, and what a node needs."""
    image.write(subject, folder / "image")
    write_text(folder / "image" / "Dockerfile", _dockerfile(subject, folder / "image"))
    manifests.write(folder / "serve_config.yaml", config(subject))
    steps = (*token(subject), ("run it on this machine", _LOCAL), ready(_PORT))
    return Guide(steps, (Asked(at(f"http://127.0.0.1:{_PORT}", subject), "image/models"),), notes=(_CLUSTER,))


def config(subject: Subject) -> dict[str, Any]:
    """The one application, at the root, so that its paths are those of `serve`."""
    job = image.job(subject)
    ref = job.get("table") or f"{subject.model}@{subject.live.version}"
    spec = {key: subject.spec[key] for key in ("limits", "token", "open_metrics", "cors", "fast", "host")}
    waiting, least = spec["limits"]["max_queue"], subject.spec["workers"]
    most = subject.spec.get("max_workers") or max(least, _SIZES["max_replicas"])
    sizes = {**_SIZES, "min_replicas": least, "max_replicas": most}
    deployment = {"name": subject.name, "max_ongoing_requests": waiting, "autoscaling_config": sizes}
    deployment["logging_config"] = {"enable_access_log": False}
    application = {
        "name": subject.name,
        "route_prefix": "/",
        "import_path": _IMPORT,
        "args": {"name": f"service/{subject.name}", "ref": ref, "spec": spec},
        "deployments": [deployment],
    }
    return {"http_options": {"host": "127.0.0.1", "port": _PORT}, "applications": [application]}


def _dockerfile(subject: Subject, place: Path) -> str:
    """Ray's own image has the Python and the packages of Ray; ours come beside."""
    (wheel,) = place.glob("*.whl")
    python = "".join(subject.live.manifest.python.split(".")[:2])
    lines = [
        f"ARG RAY={_RAY}-py{python}",
        "FROM rayproject/ray:${RAY}",
        "COPY requirements.txt ./",
        "RUN pip install --no-cache-dir -r requirements.txt",
        f"COPY {wheel.name} ./",
        f"RUN pip install --no-cache-dir --no-deps ./{wheel.name}",
        "COPY models /app/models",
        "ENV WORKBENCH_REGISTRY=/app/models",
    ]
    return "\n".join(lines) + "\n"
