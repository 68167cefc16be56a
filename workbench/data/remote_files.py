"""An fsspec URL with a glob, or of a folder -> the URLs of the files."""

from __future__ import annotations

import os
import re
from typing import Any

from ..errors import NotFound, UsageError
from .files import FilePath, explained, filesystem
from .grammar import FORMATS, is_database, shown

GLOB = set("*[")
"""What makes a URL a glob; a question mark begins its options."""

_WRITTEN = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "updated", "created")
"""How stores call what tells one content of a file from another."""


def is_fsspec(place: str) -> bool:
    """Whether files can be listed there."""
    return bool(re.match(r"^[a-z][a-z0-9+.-]+://", place)) and not (
        place.startswith(("http://", "https://")) or is_database(place)
    )


def remote_inputs(place: str) -> list[str]:
    """The files of a glob, or in a folder whose URL ends in a slash, in the order of their names; else the place.
    NotFound, UsageError for several kinds."""
    url, mark, options = place.partition("?")
    if not is_fsspec(place) or not (GLOB & set(url) or url.endswith("/")):
        return [place]
    found = of_one_kind(sorted(_listed(url)), shown(url), f"no file matches {shown(url)}")
    return [f"{file}{mark}{options}" for file in found]


def of_one_kind(found: list[str], place: str, nothing: str) -> list[str]:
    """The files that were found. NotFound where there are none, UsageError for several kinds."""
    if not found:
        raise NotFound(nothing, fix=f"files end in {', '.join(FORMATS)}")
    kinds = {os.path.splitext(file)[1].lower() for file in found}
    if len(kinds) > 1:
        fix = f"{place.rstrip('/')}/*{os.path.splitext(found[0])[1]}"
        raise UsageError(f"{place} holds files of several kinds: {', '.join(sorted(kinds))}", fix=fix)
    return found


def _listed(url: str) -> list[str]:
    fs, path = filesystem(FilePath(url, shown(url)))
    try:
        if GLOB & set(url):
            names = [name for name, info in fs.glob(path, detail=True).items() if info["type"] == "file"]
        else:
            below = str(path).rstrip("/")
            names = [name for name in fs.find(path) if _readable(name.removeprefix(below))]
        return [str(fs.unstrip_protocol(name)) for name in names]
    except OSError as error:
        raise explained(error, shown(url), "read") from error


def marks(url: str) -> dict[str, str]:
    """The files of a glob as their store lists them now; what tells of each whether it was written since."""
    fs, path = filesystem(FilePath(url, shown(url)))
    try:
        fs.invalidate_cache()
        found = fs.glob(path, detail=True).items()
        return {str(fs.unstrip_protocol(name)): _mark(info) for name, info in found if info["type"] == "file"}
    except OSError as error:
        raise explained(error, shown(url), "read") from error


def _mark(info: dict[str, Any]) -> str:
    written = next((info[key] for key in _WRITTEN if info.get(key)), "")
    return f"{info.get('size')} {written}"


def as_listed(url: str) -> str:
    """The URL of a folder as those of its files begin."""
    fs, path = filesystem(FilePath(url, shown(url)))
    return str(fs.unstrip_protocol(path))


def _readable(name: str) -> bool:
    hidden = any(part.startswith((".", "_")) for part in name.split("/"))
    return os.path.splitext(name)[1].lower() in FORMATS and not hidden


def fingerprint(url: str) -> list[Any]:
    """The size of a remote file, and what its store says of its version; nothing where neither is known."""
    if not is_fsspec(url):
        return []
    fs, path = filesystem(FilePath(url.partition("?")[0], shown(url)))
    try:
        return [fs.size(path), str(fs.ukey(path))]
    except (OSError, NotImplementedError):
        return []
