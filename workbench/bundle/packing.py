"""A bundle <-> one file that can be sent: a zip of its folder."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import storage
from .layout import MANIFEST, damaged, list_files

_ENDING = ".zip"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20


def pack(folder: Path, file: Path) -> None:
    """Write the file, the same bytes for the same bundle. StorageError."""
    with storage.writing(file.parent), zipfile.ZipFile(file, "w") as archive:
        for path in [*list_files(folder), MANIFEST]:
            entry = zipfile.ZipInfo(path, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with (folder / path).open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while block := source.read(_BLOCK):
                    target.write(block)


def is_packed(thing: Any) -> bool:
    """Whether it names a file that a bundle was packed into."""
    if not isinstance(thing, str | Path) or not str(thing).endswith(_ENDING) or not zipfile.is_zipfile(thing):
        return False
    with zipfile.ZipFile(thing) as archive:
        return MANIFEST in archive.namelist()


@contextmanager
def unpacked(file: Path) -> Iterator[Path]:
    """The folder of a packed bundle, which is there until the end. BundleRefused where the file is damaged."""
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder, zipfile.ZipFile(file) as archive:
        try:
            archive.extractall(folder)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise damaged(f"{file} is damaged: {error}", file) from None
        except OSError as error:
            raise storage.refused(Path(folder), error) from error
        yield Path(folder)
