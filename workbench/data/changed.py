"""A file and a time -> whether it was changed since."""

from __future__ import annotations

import os
from datetime import datetime

from ..errors import UsageError
from .files import FilePath, explained, filesystem
from .grammar import shown


def since(file: str, when: str) -> bool:
    """Whether a file, here or behind an fsspec URL, was changed at that time or later. UsageError for what is no time,
    and for a store that does not know."""
    return _changed(file) >= moment(when)


def moment(said: str) -> datetime:
    """`2026-11-01`, `2026-11-01 06:00`: in this machine's zone, unless one is named. UsageError."""
    try:
        return datetime.fromisoformat(said).astimezone()
    except ValueError:
        fix = "--since 2026-11-01, or '2026-11-01 06:00'; a value of a column needs --watermark COLUMN"
        raise UsageError(f"--since {said} is no time, which files have", fix=fix) from None


def _changed(file: str) -> datetime:
    if "://" not in file:
        return datetime.fromtimestamp(os.stat(file.partition("?")[0]).st_mtime).astimezone()
    fs, path = filesystem(FilePath(file.partition("?")[0], shown(file)))
    try:
        found: datetime = fs.modified(path)
        return found.astimezone()
    except OSError as error:
        raise explained(error, shown(file), "read") from error
    except NotImplementedError:
        what = f"the store of {shown(file)} does not say when its files were changed"
        raise UsageError(what, fix="leave --since out, or --watermark COLUMN") from None
