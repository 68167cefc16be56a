"""What an image is built from: the versions, Workbench, pinned requirements, and what it runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bundle.storage import write_text
from . import requirements, wheel
from .subject import PORT

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from .subject import Subject

JOB = "job.json"
ENTRY = ["python", "-m", "workbench.operations.foreground"]
_URL = f"'http://127.0.0.1:' + os.environ.get('PORT', '{PORT}') + '/v2/health/ready'"
_HEALTH = f"import os, urllib.request as u; u.urlopen({_URL})"


def write(subject: Subject, folder: Path) -> None:
    """Write the folder that `docker build` takes: one image for all versions of the subject."""
    folder.mkdir(parents=True, exist_ok=True)
    pins = requirements.pins(subject)
    write_text(folder / "requirements.txt", "".join(f"{name}=={number}\n" for name, number in pins.items()))
    write_text(folder / JOB, json.dumps(job(subject), indent=1) + "\n")
    registry(subject, folder / "models")
    write_text(folder / "Dockerfile", _dockerfile(subject, wheel.write(folder), requirements.system(pins)))
    write_text(folder / ".dockerignore", "README.md\n*.yaml\n")


def registry(subject: Subject, folder: Path) -> None:
    """The versions as a registry has them, under the name and numbers that they answer to."""
    aliases = folder / subject.model / "aliases"
    aliases.mkdir(parents=True)
    (aliases / "live").write_text(f"{subject.live.version}\n")
    for version in subject.versions:
        _copy(version, folder / subject.model / str(version.version))


def _copy(version: ModelVersion, folder: Path) -> None:
    shutil.copytree(version.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))


def job(subject: Subject) -> dict[str, Any]:
    """What the container runs, as `operations.foreground` reads it."""
    renamed = str(subject.table).replace(f"{subject.live.name}@", f"{subject.model}@")
    model = f"{subject.model}@live" if subject.beside else f"{subject.model}@{subject.live.version}"
    table = {"table": renamed} if subject.beside else {}
    return {"name": f"{subject.kind}/{subject.name}", "spec": {**subject.spec, "model": model}, **table}


def _dockerfile(subject: Subject, own: str, packages: list[str]) -> str:
    python = ".".join(subject.live.manifest.python.split(".")[:2])
    install = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    lines = [
        f"FROM python:{python}-slim",
        *([f"RUN {install} && rm -rf /var/lib/apt/lists/*"] if packages else []),
        "RUN useradd --create-home --uid 1000 workbench && install -d -o 1000 /var/lib/workbench",
        "WORKDIR /app",
        "COPY requirements.txt ./",
        "RUN pip install --no-cache-dir -r requirements.txt",
        f"COPY {own} ./",
        f"RUN pip install --no-cache-dir --no-deps ./{own} && rm {own}",
        "COPY models models",
        "COPY *.json ./",
        "ENV WORKBENCH_HOME=/var/lib/workbench WORKBENCH_REGISTRY=/app/models",
        f"ENV WORKBENCH_JOB=/app/{JOB} PYTHONUNBUFFERED=1",
        "USER 1000",
        *(_asked() if subject.kind == "service" else []),
        f"ENTRYPOINT {json.dumps(ENTRY)}",
    ]
    return "\n".join(lines) + "\n"


def _asked() -> list[str]:
    check = json.dumps(["python", "-c", _HEALTH])
    return [f"EXPOSE {PORT}", f"HEALTHCHECK --interval=10s --timeout=5s --start-period=120s CMD {check}"]
