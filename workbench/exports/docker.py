"""A folder that `docker build` makes an image of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import image
from .guide import Guide
from .subject import PORT, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from .subject import Subject


def write(subject: Subject, folder: Path) -> Guide:
    """The folder of the image, and how it is run."""
    image.write(subject, folder)
    name = subject.image_of(subject.live)
    build = ("build the image", f"docker build -t {name} .")
    run = f"docker run --rm --init {_options(subject)}{name}"
    if subject.kind == "run":
        return Guide((build, ("score", f"{run} INPUT OUTPUT")), proof=_in_the_image(subject, name), notes=_NOTE_PLACES)
    if subject.kind == "stream":
        return Guide((build, ("run it", run)), proof=_in_the_image(subject, name), notes=_NOTE_STATE)
    token = [("make a token", f"export {TOKEN}=$(openssl rand -hex 32)")] if subject.spec["token"] else []
    return Guide((build, *token, ("run it", run)), url=f"http://127.0.0.1:{PORT}")


_NOTE_PLACES = (
    "INPUT and OUTPUT are places as `batch` takes them; a folder of this machine is mounted: "
    "`-v $PWD/data:/data`, then `/data/customers.csv /data/scored/`.",
)
_NOTE_STATE = (
    "What it keeps (the embedded log, dead letters, up to where it has read) is in `/var/lib/workbench`: mount a "
    "volume there, so that it outlives the container.",
)


def _options(subject: Subject) -> str:
    ports = [f"-p {PORT}:{PORT}"] if subject.kind == "service" else []
    ports += [f"-p {PORT + 1}:{PORT + 1}"] if subject.spec.get("grpc") else []
    state = [f"-v {subject.label}:/var/lib/workbench"] if subject.kind == "stream" else []
    return "".join(f"{word} " for word in (*ports, *state, *(f"-e {name}" for name in subject.variables)))


def _in_the_image(subject: Subject, name: str) -> str:
    """What answers nobody is proven where it runs."""
    lines = [
        f"docker run --rm --entrypoint workbench {name} verify {subject.model}@{v.version}" for v in subject.versions
    ]
    said = "This scores the reference rows in the image, and compares with what the notebook's cell answered to them:"
    return "\n".join([said, "", "```", *lines, "```"])
