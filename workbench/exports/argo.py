"""A Workflow of Argo that proves the version in the cluster, then scores a store; a CronWorkflow for a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import image, manifests, places
from .guide import NO_ROWS, Guide

if TYPE_CHECKING:
    from pathlib import Path

    from .subject import Subject

Json = dict[str, Any]
_API = "argoproj.io/v1alpha1"
_OVERLAP = {"skip": "Forbid", "queue": "Allow", "replace": "Replace"}
_LATE_SECONDS = {"skip": 60, "latest": 7 * 86400, "all": 7 * 86400}
_QUEUE = "Argo has no queue for runs that are due while one runs: `queue` became `Allow`, they run side by side."
_ALL = "Of several runs that were missed Argo makes up for the latest alone."
_PROOF = (
    "Its first step, `prove`, does so in the cluster before each run: the reference rows are scored in the image, and "
    "compared with what the notebook's cell answered to them. A difference ends the workflow."
)


def write(subject: Subject, folder: Path) -> Guide:
    """The manifests and what the image is built from."""
    steps = (*manifests.images(subject, folder), *manifests.secret(subject))
    manifests.write(folder / "workflow.yaml", _workflow(subject))
    submit = "argo submit --watch workflow.yaml -p input=INPUT -p output=OUTPUT"
    known = subject.spec.get("input") and subject.spec.get("output")
    steps += ((f"run it once{' (without -p over what it was exported with)' * bool(known)}", submit),)
    notes = (*places.local(subject), places.drivers("images/*/"))
    if subject.cycle:
        manifests.write(folder / "cronworkflow.yaml", _cron(subject))
        steps += (("run it on its cycle", "argo cron create cronworkflow.yaml"),)
        notes += (_QUEUE,) * (subject.cycle.overlap == "queue") + (_ALL,) * (subject.cycle.catch_up == "all")
    return Guide(steps, proof=proof(subject, _PROOF), notes=notes)


def proof(subject: Subject, said: str) -> str:
    """How it is proven in each run; what keeps no rows cannot be."""
    return said if subject.live.manifest.has_reference else NO_ROWS


def _workflow(subject: Subject) -> Json:
    metadata = {**manifests.meta(subject, subject.live), "generateName": f"{subject.label}-"}
    del metadata["name"]
    return {"apiVersion": _API, "kind": "Workflow", "metadata": metadata, "spec": _spec(subject)}


def _cron(subject: Subject) -> Json:
    assert subject.cycle
    cycle = subject.cycle
    spec: Json = {"schedules": [cycle.cron], "concurrencyPolicy": _OVERLAP[cycle.overlap]}
    spec |= {"timezone": cycle.zone} if cycle.zone else {}
    spec |= {"startingDeadlineSeconds": _LATE_SECONDS[cycle.catch_up], "workflowSpec": _spec(subject)}
    metadata = manifests.meta(subject, subject.live)
    return {"apiVersion": _API, "kind": "CronWorkflow", "metadata": metadata, "spec": spec}


def _spec(subject: Subject) -> Json:
    proven = subject.live.manifest.has_reference
    return {
        "entrypoint": "main" if proven else "score",
        "arguments": {"parameters": [_parameter(subject, name) for name in ("input", "output")]},
        "templates": [*([_main(), _prove(subject)] if proven else []), _score(subject)],
    }


def _parameter(subject: Subject, name: str) -> Json:
    value = subject.spec.get(name)
    return {"name": name, "value": str(value)} if value else {"name": name}


def _main() -> Json:
    prove = {"name": "prove", "template": "prove"}
    return {"name": "main", "dag": {"tasks": [prove, {"name": "score", "template": "score", "depends": "prove"}]}}


def _prove(subject: Subject) -> Json:
    """In the image that scores."""
    container = manifests.container(subject, subject.live, "main", None)
    command = ["workbench", "verify", f"{subject.model}@{subject.live.version}"]
    return {"name": "prove", "container": {**container, "command": command}}


def _score(subject: Subject) -> Json:
    container = manifests.container(subject, subject.live, "main", None)
    places = [f"{{{{workflow.parameters.{name}}}}}" for name in ("input", "output")]
    return {
        "name": "score",
        "retryStrategy": {"limit": 3, "retryPolicy": "OnError"},
        "container": {**container, "command": image.ENTRY, "args": places},
    }
