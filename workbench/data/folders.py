"""A file, a glob or a folder -> the files in it, in an order that depends on their names alone."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from urllib.parse import unquote

from . import places
from .grammar import FORMATS, absolute, expand
from .hive import Partitioned, Values, columns_of
from .pieces import Source
from .remote_files import GLOB, as_listed, is_fsspec, of_one_kind, remote_inputs

_MANY = set("*?[")


def is_folder(place: str) -> bool:
    """Whether an output is a folder of parts: it has no ending, or option, that tells a format."""
    path, _, options = local(place).partition("?")
    if "://" in path or place.startswith("queue:") or "format=" in options:
        return False
    return path.endswith(("/", os.sep)) or not os.path.splitext(path)[1] or os.path.isdir(path)


def absolute_output(place: str) -> str:
    """An output as it reads from every folder."""
    if not is_folder(place):
        return absolute(place)
    whole = os.path.abspath(os.path.expanduser(local(place)))
    return whole if is_folder(whole) else os.path.join(whole, "")  # of scored.v2/ only the slash tells


def absolute_input(place: str) -> str:
    """An input as it reads from every folder: globs and folders too."""
    place = local(place)
    if place.startswith("${"):  # which may be anything
        return place
    if is_fsspec(place) and (GLOB & set(place) or place.endswith("/")):
        return place
    here = "://" not in place and not place.startswith("queue:")
    if here and (_MANY & set(place) or os.path.isdir(os.path.expanduser(place))):
        return os.path.abspath(os.path.expanduser(place))
    return absolute(place)


def inputs(place: str) -> list[str]:
    """The places to read: those of a glob, those in a folder that have a known ending, or the place. NotFound."""
    place = local(expand(place))
    if "://" in place:
        return remote_inputs(place)
    path = Path(place)
    if path.is_dir():
        found = [p for p in sorted(path.rglob("*")) if p.is_file() and _readable(p, path)]
        nothing = f"the folder {place} holds no file that can be read"
    elif _MANY & set(place) and not path.exists():
        found = [Path(p) for p in sorted(glob.glob(place, recursive=True)) if Path(p).is_file()]
        nothing = f"no file matches {place}"
    else:
        return [place]
    return of_one_kind([str(p) for p in found], place, nothing)


def sources(place: str, files: list[str]) -> dict[str, Source]:
    """What is read from each of the files of an input: with the columns of folders `month=7/` below it."""
    columns = columns_of(files, base(local(expand(place)))) if files and files != [place] else {}
    return {file: _source(file, columns.get(file, {})) for file in files}


def _source(file: str, columns: Values) -> Source:
    source = places.source(file)
    return Partitioned(source, columns) if columns else source


def base(place: str) -> str:
    """The folder of an input whose own name tells no column: a glob's up to where it begins to match."""
    path = place.partition("?")[0] if "://" in place else place
    fixed = re.split(r"[*?\[]", path, maxsplit=1)[0]
    folder = path if fixed == path else fixed.rpartition("/")[0] + "/"
    return (as_listed(folder) if "://" in folder else folder).rstrip("/") + "/"


def local(place: str) -> str:
    """`file:///data/in` -> `/data/in`."""
    return unquote(place.removeprefix("file://")) if place.startswith("file:///") else place


def _readable(file: Path, folder: Path) -> bool:
    """Not what is hidden, or begins with an underscore as notes beside data do."""
    parts = file.relative_to(folder).parts
    return file.suffix.lower() in FORMATS and not any(part.startswith((".", "_")) for part in parts)
