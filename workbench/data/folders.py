"""A file, a glob or a folder -> the files in it, in an order that depends on their names alone."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from ..errors import NotFound, UsageError
from .grammar import FORMATS, absolute, expand

_MANY = set("*?[")


def is_folder(place: str) -> bool:
    """Whether an output is a folder of parts: it has no ending, or option, that tells a format."""
    path, _, options = place.partition("?")
    if "://" in place or place.startswith("queue:") or "format=" in options:
        return False
    return path.endswith(("/", os.sep)) or not os.path.splitext(path)[1] or os.path.isdir(path)


def absolute_output(place: str) -> str:
    """An output as it reads from every folder."""
    if not is_folder(place):
        return absolute(place)
    whole = os.path.abspath(os.path.expanduser(place))
    return whole if is_folder(whole) else os.path.join(whole, "")  # of scored.v2/ only the slash tells


def absolute_input(place: str) -> str:
    """An input as it reads from every folder: globs and folders too."""
    local = "://" not in place and not place.startswith("queue:")
    if local and (_MANY & set(place) or os.path.isdir(os.path.expanduser(place))):
        return os.path.abspath(os.path.expanduser(place))
    return absolute(place)


def inputs(place: str) -> list[str]:
    """The places to read: those of a glob, those in a folder that have a known ending, or the place. NotFound."""
    if "://" in place:
        return [place]
    place = expand(place)
    path = Path(place)
    if path.is_dir():
        found = [p for p in sorted(path.rglob("*")) if p.is_file() and _readable(p, path)]
        nothing = f"the folder {place} holds no file that can be read"
    elif _MANY & set(place) and not path.exists():
        found = [Path(p) for p in sorted(glob.glob(place, recursive=True)) if Path(p).is_file()]
        nothing = f"no file matches {place}"
    else:
        return [place]
    if not found:
        raise NotFound(nothing, fix=f"files end in {', '.join(FORMATS)}")
    kinds = {p.suffix.lower() for p in found}
    if len(kinds) > 1:
        raise UsageError(
            f"{place} holds files of several kinds: {', '.join(sorted(kinds))}", fix=f"{place}/*{found[0].suffix}"
        )
    return [str(p) for p in found]


def _readable(file: Path, folder: Path) -> bool:
    """Not what is hidden, or begins with an underscore as notes beside data do."""
    parts = file.relative_to(folder).parts
    return file.suffix.lower() in FORMATS and not any(part.startswith((".", "_")) for part in parts)
