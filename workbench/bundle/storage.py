"""Writing to disk: what the system refuses is said in words, with the next step."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import text
from ..errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns the OSErrors of writing below `folder` into StorageError: a full disk, a folder that cannot be written."""
    try:
        yield
    except OSError as error:
        raise refused(folder, error) from error


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Turns only the OSErrors of a full disk into StorageError: what else a model's code raises is its own."""
    try:
        yield
    except OSError as error:
        if not _is_full(error):
            raise
        raise refused(folder, error) from error


def refused(folder: Path, error: OSError) -> StorageError:
    """The StorageError that says what an OSError below `folder` means."""
    place = _existing(folder)
    if _is_full(error):
        free = text.size(shutil.disk_usage(place).free)
        return StorageError(
            f"the disk of {folder} is full ({free} free)",
            fix="free some space there, or set WORKBENCH_HOME or WORKBENCH_REGISTRY to a folder on another disk",
        )
    if error.errno in _DENIED:
        return StorageError(
            f"{folder} cannot be written by this user: {error.strerror}",
            where=str(error.filename or place),
            fix="get write access to it, or set WORKBENCH_HOME or WORKBENCH_REGISTRY to one of your own",
        )
    return StorageError(
        f"writing to {folder} failed: {error.strerror or error}",
        where=str(error.filename) if error.filename else None,
        fix="look at that folder, then do it again: nothing half written was left",
    )


def _is_full(error: OSError) -> bool:
    """numpy says `500000 requested and 111600 written`, without a number of its own."""
    return error.errno in _FULL or (error.errno is None and "requested and" in str(error))


def _existing(folder: Path) -> Path:
    return next(p for p in (folder, *folder.absolute().parents) if p.exists())


def write_text(file: Path, content: str) -> None:
    """Writes `file` whole or not at all: under another name first, then renamed."""
    new = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        new.write_text(content, encoding="utf-8")
        os.replace(new, file)
    finally:
        new.unlink(missing_ok=True)
