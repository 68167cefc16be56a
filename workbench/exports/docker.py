"""A folder that `docker build` makes an image of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import image, places
from .guide import Asked, Guide, Steps, at, ready, token
from .subject import PORT

if TYPE_CHECKING:
    from pathlib import Path

    from .subject import Subject

_QUEUE = (
    "`{place}` is the embedded log in the container's own volume: `docker exec {name} workbench put {place} FILE` "
    "writes to it; `--to compose` brings a broker instead."
)
_STATE = "What it keeps (the embedded log, dead letters, up to where it has read) is in the volume `{name}`."
_END = "`docker logs {name}` is what it says; `docker rm --force {name}` ends it."
_CLOCK = "Docker has no clock: let cron, or what starts things where it runs, score at `{cron}`{zone}."
_OURS = "This scores the reference rows in the image, and compares with what the notebook's cell answered to them:"


def write(subject: Subject, folder: Path) -> Guide:
    """The folder of the image, and how it is run."""
    subject, notes = places.moved(subject)
    image.write(subject, folder)
    build = ("build the image", f"docker build -t {subject.image_of(subject.live)} .")
    ways = {"service": _service, "stream": _stream, "run": _run}
    steps, more = ways[subject.kind](subject, files=bool(notes))
    if subject.kind != "service":
        return Guide((build, *steps), proof=_in_the_image(subject), notes=(*notes, *more))
    return Guide((build, *steps), (Asked(at(f"http://127.0.0.1:{PORT}", subject)),), notes=more)


def _service(subject: Subject, *, files: bool) -> tuple[Steps, tuple[str, ...]]:
    return (*token(subject), ("run it", _line(subject, files=files)), ready(PORT)), (_END.format(name=subject.label),)


def _stream(subject: Subject, *, files: bool) -> tuple[Steps, tuple[str, ...]]:
    queues = [str(subject.spec[key]) for key in ("input", "output")]
    notes = [_QUEUE.format(place=place, name=subject.label) for place in queues if place.startswith("queue:")]
    told = _END.format(name=subject.label), _STATE.format(name=subject.label)
    return (("run it", _line(subject, files=files)),), (*notes, *told)


def _run(subject: Subject, *, files: bool) -> tuple[Steps, tuple[str, ...]]:
    way = " ".join(str(subject.spec[key]) for key in ("input", "output"))
    step = ("score, over these places or others (what is read lies in `data`)", f"{_line(subject, files=files)} {way}")
    cycle = subject.cycle
    clock = (_CLOCK.format(cron=cycle.cron, zone=f" of {cycle.zone}" * bool(cycle.zone)),) if cycle else ()
    return (step,), (*clock, places.drivers())


def _line(subject: Subject, *, files: bool) -> str:
    ports = [f"-p {PORT}:{PORT}"] if subject.kind == "service" else []
    ports += [f"-p {PORT + 1}:{PORT + 1}"] if subject.spec.get("grpc") else []
    volumes = [f"-v {subject.label}:/var/lib/workbench"] if subject.kind == "stream" else []
    volumes += [f'-v "$PWD/data:{places.MOUNTED}"'] if files else []
    way = "--rm" if subject.kind == "run" else f"--detach --name {subject.label}"
    words = (way, "--init", *ports, *volumes, *_given(subject), subject.image_of(subject.live))
    return f"{places.MAKE}\n" * files + f"docker run {' '.join(words)}"


def _given(subject: Subject) -> list[str]:
    return [f"-e {name}" for name in subject.variables]


def _in_the_image(subject: Subject) -> str:
    """What answers nobody is proven where it runs."""
    name = subject.image_of(subject.live)
    run = " ".join(("docker run --rm --entrypoint workbench", *_given(subject), name))
    lines = [f"{run} verify {subject.model}@{v.version}" for v in subject.versions]
    return "\n".join([_OURS, "", "```", *lines, "```"])
