"""A folder that `docker compose up` runs: a service, and a broker with the stream that reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..bundle.layout import REFERENCE
from ..bundle.storage import write_text
from . import image, manifests, places
from .guide import Asked, Guide, at, token
from .subject import PORT

if TYPE_CHECKING:
    from pathlib import Path

    from .subject import Subject

Json = dict[str, Any]
_BROKER, _HOST, _NEAR = "broker", "redis://broker:6379/0", ("localhost", "127.0.0.1", "::1")
_STREAM = "stream.json"
_QUEUE = "the embedded log is of one machine: `{was}` became the stream `{name}` of the Redis in `compose.yaml`"

_END = "`docker compose logs` is what it says; `docker compose down` ends it, and leaves its volumes."


def write(subject: Subject, folder: Path) -> Guide:
    """`compose.yaml` and what its image is built from: a stream as it is; a model as a service and as a stream."""
    stream, notes = _stream(subject)
    served = subject if subject.kind == "service" else None
    image.write(_together(subject, stream), folder / "image")
    write_text(folder / "image" / _STREAM, json.dumps(image.job(stream), indent=1) + "\n")
    manifests.write(folder / "compose.yaml", _compose(subject, served, stream))
    run = ("run it", f"{places.MAKE}\ndocker compose up --build --detach --wait")
    steps = (*token(subject), run, *_use(subject, stream))
    line = "docker compose run --rm --entrypoint workbench stream verify"
    lines = "\n".join(f"{line} {subject.model}@{version.version}" for version in subject.versions)
    proof = "" if served else f"This proves it in the image:\n\n```\n{lines}\n```"
    asked = (Asked(at(f"http://127.0.0.1:{PORT}", subject), "image/models"),) if served else ()
    return Guide(steps, asked, proof, (*notes, _END))


def _together(subject: Subject, stream: Subject) -> Subject:
    """One image has what both need."""
    places = {key: stream.spec[key] for key in ("input", "output")}
    return replace(subject, spec={**subject.spec, **places})


def _stream(subject: Subject) -> tuple[Subject, tuple[str, ...]]:
    """The stream: that which was named, over places that a container reaches; of a model one from topic to topic."""
    name = subject.name
    if subject.kind == "service":
        ways = {"input": f"{_HOST}?stream={name}", "output": f"{_HOST}?stream={name}-scores"}
        spec = {**ways, "group": name, "start": "start", "most": 1000, "fast": subject.spec["fast"]}
        return replace(subject, kind="stream", spec=spec), ()
    moved = {key: _moved(str(subject.spec[key])) for key in ("input", "output")}
    places = {key: place for key, (place, _) in moved.items()}
    return replace(subject, spec={**subject.spec, **places}), tuple(note for _, note in moved.values() if note)


def _moved(place: str) -> tuple[str, str]:
    """A place of this machine as the containers have it, and what to say of that."""
    if place.startswith("queue:"):
        name = place.removeprefix("queue:")
        return f"{_HOST}?stream={name}", _QUEUE.format(was=place, name=name)
    url = urlsplit(place)
    if url.scheme in ("redis", "rediss") and url.hostname in _NEAR:
        return f"{_HOST}?{url.query}", f"`{url.netloc}` became the Redis in `compose.yaml`"
    return places.mounted(place)


def _use(subject: Subject, stream: Subject) -> tuple[tuple[str, str], ...]:
    """How rows come to the broker here, and their answers from it: those that the folder carries are some."""
    rows = f"image/models/{subject.model}/{subject.live.version}/{REFERENCE}"
    file = rows if subject.live.manifest.has_reference else "ROWS.csv"
    put, tail = (_here(str(stream.spec[key])) for key in ("input", "output"))
    steps = (("put rows on the stream", f"workbench put '{put}' {file}"),) if put else ()
    return (*steps, *((("look at the answers", f"workbench tail '{tail}'"),) if tail else ()))


def _here(place: str) -> str:
    """A stream of the broker as this machine reaches it; empty for another place."""
    return place.replace("//broker:", "//127.0.0.1:").partition("&")[0] if place.startswith(_HOST) else ""


def _compose(subject: Subject, served: Subject | None, stream: Subject) -> Json:
    places = (stream.spec["input"], stream.spec["output"])
    broker = any(str(place).startswith(_HOST) for place in places)
    services = {"service": _service(served)} if served else {}
    services |= {_BROKER: _broker()} if broker else {}
    services["stream"] = _worker(subject, stream, broker=broker)
    volumes = ["state", *(["broker"] if broker else [])]
    return {"name": subject.label, "services": services, "volumes": {volume: {} for volume in volumes}}


def _image(subject: Subject) -> Json:
    return {"image": subject.image_of(subject.live), "build": "image", "init": True, "restart": "unless-stopped"}


def _service(subject: Subject) -> Json:
    ports = [f"{PORT}:{PORT}", *([f"{PORT + 1}:{PORT + 1}"] if subject.spec.get("grpc") else [])]
    return {**_image(subject), "ports": ports, **_environment(subject)}


def _broker() -> Json:
    check = {"test": ["CMD", "redis-cli", "ping"], "interval": "2s", "timeout": "2s", "retries": 30}
    return {
        "image": "redis:7-alpine",
        "command": ["redis-server", "--appendonly", "yes"],
        "restart": "unless-stopped",
        "ports": ["127.0.0.1:6379:6379"],
        "volumes": ["broker:/data"],
        "healthcheck": check,
    }


def _worker(subject: Subject, stream: Subject, *, broker: bool) -> Json:
    found = {**_image(subject), **_environment(stream, WORKBENCH_JOB=f"/app/{_STREAM}")}
    found["healthcheck"] = {"disable": True}  # it answers nobody; it ends where it fails
    found["volumes"] = ["state:/var/lib/workbench", "./data:/data"]
    return {**found, **({"depends_on": {_BROKER: {"condition": "service_healthy"}}} if broker else {})}


def _environment(subject: Subject, **fixed: str) -> Json:
    """The variables come from the shell that runs compose, and must be set there."""
    given = {name: f"${{{name}:?set it}}" for name in subject.variables}
    return {"environment": {**fixed, **given}} if fixed or given else {}
