"""Staged parts -> a folder that appears, or grows, by one rename."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ...errors import UsageError

MANIFEST, REJECTS = "_manifest.json", "_rejects.jsonl"
_PART = re.compile(r"part-(\d{6,})\.parquet$")


def identity(place: Path | None) -> list[int] | None:
    """Which file or folder it is, under whatever name."""
    try:
        stat = os.stat(place or "")
    except OSError:
        return None
    return [stat.st_dev, stat.st_ino, stat.st_mtime_ns]


def next_number(folder: Path) -> int:
    """The number of the first part that is added to a folder."""
    found = [_PART.search(file.name) for file in folder.rglob("part-*")] if folder.is_dir() else []
    return max((int(match[1]) + 1 for match in found if match), default=0)


def clear(staging: Path, parts: Iterable[str]) -> None:
    """Leave nothing in it but these parts, with their folders."""
    keep = set(parts)
    for file in sorted(staging.rglob("*"), reverse=True):
        if file.is_dir() and not file.is_symlink():
            with suppress(OSError):
                file.rmdir()
        elif file.relative_to(staging).as_posix() not in keep:
            file.unlink()


def take_in(staging: Path, old: Path, label: str) -> list[str]:
    """The parts of the folder that is there, linked into the staged one. UsageError where a name is there twice."""
    taken = []
    for file in sorted(old.rglob("*")):
        name = file.relative_to(old)
        if file.is_dir() or name.as_posix() in (MANIFEST, REJECTS):
            continue
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        if (staging / name).exists():
            what = f"{label} got {name} from elsewhere since this run began"
            raise UsageError(what, fix="begin the run anew with %batch")
        _link(file, staging / name)
        taken.append(name.as_posix())
    return [name for name in taken if _PART.search(name)]


def _link(file: Path, to: Path) -> None:
    try:
        os.link(file, to, follow_symlinks=False)
    except OSError:  # a file system without links
        new = to.with_name(f".{to.name}.new")
        shutil.copy2(file, new)
        os.replace(new, to)


def write_manifest(staging: Path, parts: list[str], rejects: int) -> None:
    """What the folder holds; written last."""
    (staging / MANIFEST).write_text(json.dumps({"parts": sorted(parts), "rejects": rejects}, indent=1))


def restore(folder: Path) -> None:
    """Put back what was moved away, by an attempt that was killed before it could put the new one in its place."""
    if not folder.exists() and _old(folder).exists():
        os.replace(_old(folder), folder)


def swap(staging: Path, folder: Path) -> None:
    """Let the staged folder take the place of the one that is there."""
    old = _old(folder)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    os.replace(staging, folder)
    tidy(folder)


def tidy(folder: Path) -> None:
    """What was moved away is not needed any more, once the new one is in its place."""
    if folder.exists():
        shutil.rmtree(_old(folder), ignore_errors=True)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
