"""What a process on another machine needs of this one: a version, as bytes and a folder again, and variables."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tempfile
import zipfile
from pathlib import Path

from ..bundle import packing
from ..bundle.storage import refused
from ..bundle.version import ModelVersion
from ..errors import StorageError
from ..spawn.environment import is_of_a_machine

_OURS = ("WORKBENCH_", "RAY_", "SPARK_", "PYTHON")


def packed(folder: Path) -> bytes:
    """A version's folder as bytes, the same for the same version."""
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        packing.pack(folder, file := Path(place) / "version.zip")
        return file.read_bytes()


def unpacked(data: bytes, ref: str) -> ModelVersion:
    """The version on this machine, unpacked once for all processes of this user. StorageError."""
    name, _, number = ref.partition("@")
    folder = _own() / hashlib.sha256(data).hexdigest()[:32]
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            new = Path(place) / "version"
            zipfile.ZipFile(io.BytesIO(data)).extractall(new)
            try:
                os.rename(new, folder)
            except OSError as error:  # another process was quicker
                if not folder.exists():
                    raise refused(folder, error) from error
    return ModelVersion(name, int(number), folder)


def _own() -> Path:
    """The folder of this user alone: what is loaded from it is code."""
    folder = Path(tempfile.gettempdir()) / f"workbench-versions-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    there = folder.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid() or there.st_mode & 0o077:
        raise StorageError(f"{folder} is not this user's alone", fix="remove it, or set TMPDIR to another folder")
    return folder


def variables() -> dict[str, str]:
    """Those of this process that mean the same on another machine."""
    return {
        name: value for name, value in os.environ.items() if not is_of_a_machine(name) and not name.startswith(_OURS)
    }
