"""Places of this machine -> what a container has in their stead, and what to say of that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .subject import Subject

MOUNTED = "/data"
MAKE = "mkdir -p -m 777 data"
"""The folder beside what is run, which the container's own user writes to."""
_FILE = "`{was}` became `./data/{name}` in this folder, which the container has as `/data`"
_DRIVERS = (
    "The image has the drivers of the places that it was exported with. For others add theirs to `{folder}"
    "requirements.txt` before it is built: `s3fs` for `s3://`, `gcsfs` for `gs://`, `adlfs` for `abfs://`, `psycopg` "
    "for `postgresql://`."
)


def is_local(place: Any) -> bool:
    """Whether a place is a path."""
    return bool(place) and "://" not in str(place) and not str(place).startswith("queue:")


def mounted(place: str) -> tuple[str, str]:
    """A place as a container has it that has `data` as `/data`, and what to say of that."""
    if not is_local(place):
        return place, ""
    name = PurePosixPath(place).name
    return f"{MOUNTED}/{name}{'/' * place.endswith('/')}", _FILE.format(was=place, name=name)


def moved(subject: Subject) -> tuple[Subject, tuple[str, ...]]:
    """The same over places that a container with that folder has."""
    found = {key: mounted(str(subject.spec[key])) for key in ("input", "output") if subject.spec.get(key)}
    spec = {**subject.spec, **{key: place for key, (place, _) in found.items()}}
    return replace(subject, spec=spec), tuple(note for _, note in found.values() if note)


def local(subject: Subject) -> tuple[str, ...]:
    """What to say of places that only this machine has, where no folder of it is mounted."""
    mine = [place for place in (subject.spec.get("input"), subject.spec.get("output")) if is_local(place)]
    if not mine:
        return ()
    said = " and ".join(f"`{place}`" for place in mine)
    are = "are" if len(mine) > 1 else "is"
    return (f"{said} {are} of this machine: give places that the cluster reaches (`s3://…`, a database), or a volume.",)


def drivers(folder: str = "") -> str:
    """What to say of places that a person names later."""
    return _DRIVERS.format(folder=folder)
