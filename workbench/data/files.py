"""Files, local or behind an fsspec URL: opened with errors in words, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import BadInput, NotFound, StorageError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_ATOMIC_PUT = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "memory", "oss", "hf"}
"""Stores where an object appears only once it is whole."""


@dataclass(frozen=True)
class FilePath:
    """A file: an absolute local path, or an fsspec URL. `label` is what people are shown: never a secret."""

    path: str
    label: str
    compressed: bool = False

    @property
    def local(self) -> bool:
        return "://" not in self.path

    def to_read_as(self, option: str, value: str) -> str:
        """How a person says how this is to be read."""
        return f"say so: {self.label}?{option}={value}"


@dataclass(frozen=True)
class Held(FilePath):
    """Bytes that are here already, such as those of a request; `advice` is what to do where they are read wrongly."""

    content: bytes = b""
    advice: str = ""

    def to_read_as(self, option: str, value: str) -> str:
        return self.advice


def filesystem(file: FilePath) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path within it."""
    import fsspec

    try:
        fs, path = fsspec.core.url_to_fs(file.path)
    except ImportError as error:
        raise UsageError(f"{file.label} cannot be reached: {error}", fix=f"{text_of_missing(error)}") from error
    except ValueError as error:
        raise UsageError(
            f"{file.label} cannot be reached: {error}", fix="check the URL, as in s3://bucket/key"
        ) from error
    return fs, str(path)


def text_of_missing(error: ImportError) -> str:
    """The pip line for a package that a store needs."""
    words = str(error).replace("'", "").split()
    package = error.name or next((words[i + 1] for i, w in enumerate(words[:-1]) if w.lower() == "install"), "")
    return f"pip install {package}" if package else "install the package that it names"


def exists(file: FilePath) -> bool:
    """Whether a remote file is there."""
    fs, path = filesystem(file)
    with in_words(file, "read"):
        return bool(fs.exists(path))


@contextmanager
def reading(file: FilePath) -> Iterator[tuple[pa.NativeFile, pa.NativeFile, int | None]]:
    """The file's bytes (decompressed), the stream below (its `tell` is the bytes really read) and its size.

    Raises NotFound with the closest name, StorageError, UsageError.
    """
    import pyarrow as pa

    with in_words(file, "read"):
        raw, size = _open(file)
    with raw:
        yield (pa.CompressedInputStream(raw, "gzip") if file.compressed else raw), raw, size


def _open(file: FilePath) -> tuple[pa.NativeFile, int | None]:
    import pyarrow as pa

    if isinstance(file, Held):
        return pa.BufferReader(file.content), len(file.content)
    return _open_local(file) if file.local else _open_remote(file)


def _open_local(file: FilePath) -> tuple[pa.NativeFile, int | None]:
    import pyarrow as pa

    refuse_missing(file)
    return pa.OSFile(file.path, "rb"), os.stat(file.path).st_size


def refuse_missing(file: FilePath) -> None:
    """NotFound, with the closest name, for a local file that is not there; UsageError for a folder."""
    path = Path(file.path)
    if path.is_dir():
        raise UsageError(f"{file.label} is a folder", fix="name one file of it")
    if not path.exists():
        raise _missing(file, str(path.parent), _names_in(path.parent))


def _names_in(folder: Path) -> list[str] | None:
    with suppress(OSError):
        return sorted(file.name for file in folder.iterdir())
    return None


def _open_remote(file: FilePath) -> tuple[pa.NativeFile, int | None]:
    import pyarrow as pa

    fs, path = filesystem(file)
    try:
        stream = fs.open(path, "rb")
    except FileNotFoundError as error:
        folder = fs._parent(path)
        names = None
        with suppress(Exception):  # some stores cannot list: then no name is suggested
            names = [name.rstrip("/").rsplit("/", 1)[-1] for name in fs.ls(folder, detail=False)]
        raise _missing(file, file.label.rsplit("/", 1)[0], names) from error
    return pa.PythonFile(stream, mode="r"), getattr(stream, "size", None)


def _missing(file: FilePath, folder: str, names: list[str] | None) -> NotFound:
    name = file.label.rsplit("/", 1)[-1]
    if names is None and file.local:
        return NotFound(f"there is no file {file.label}: its folder does not exist", fix="check the path")
    close = text.closest(name, names or ())
    return NotFound(f"there is no file {file.label}", fix=f"{folder}/{close} is there" if close else "check the path")


class WholeFile:
    """An output file: written beside its place (a remote one: in the temporary folder), then moved there."""

    def __init__(self, file: FilePath) -> None:
        self.file = file
        self._target = Path(file.path).resolve() if file.local else None
        folder = self._target.parent if self._target else Path(tempfile.gettempdir())
        self.part = folder / f".{Path(file.path).name}.{secrets.token_hex(4)}.part"
        self._opened: list[pa.NativeFile] = []
        if self._target and self._target.is_dir():
            raise UsageError(f"{file.label} is a folder", fix=f"name a file in it: {file.label}/scored.csv")
        with in_words(file, "write"):
            if not folder.is_dir():
                what = f"{file.label} cannot be written: there is no folder {folder}"
                raise StorageError(what, fix=f"mkdir -p {folder}")
            if not self._target:
                filesystem(file)

    def stream(self) -> pa.NativeFile:
        """Where the bytes go; compressed where the file is."""
        import pyarrow as pa

        with in_words(self.file, "write"):
            # it must not be there yet: ext4 writes a file that was cut to nothing out to the disk when it is closed
            self._opened = [pa.OSFile(str(self.part), "wb")]
            if self.file.compressed:
                self._opened.insert(0, pa.CompressedOutputStream(self._opened[0], "gzip"))
        return self._opened[0]

    def publish(self) -> str:
        """Make the file appear under its name."""
        with in_words(self.file, "write"):
            for stream in self._opened:
                stream.close()
            if self._target:
                self.part.replace(self._target)
            else:
                self._upload()
                self.part.unlink()
        return self.file.label

    def _upload(self) -> None:
        fs, path = filesystem(self.file)
        protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
        if protocol in _ATOMIC_PUT:
            fs.put_file(str(self.part), path)
            return
        beside = f"{fs._parent(path)}/{self.part.name}"
        try:
            fs.put_file(str(self.part), beside)
            fs.mv(beside, path)
        except NotImplementedError as error:
            raise UsageError(
                f"{self.file.label} cannot be written there", fix="write to a file, then copy it"
            ) from error
        except BaseException:
            with suppress(Exception):
                fs.rm_file(beside)
            raise

    def discard(self) -> None:
        """Leave nothing behind."""
        for stream in self._opened:
            with suppress(OSError):  # a full disk refuses the rest of the buffer as well
                stream.close()
        with suppress(OSError):
            self.part.unlink(missing_ok=True)


def copy_text(file: FilePath, stream: pa.NativeFile) -> None:
    """Write all lines of a file; the last one is ended where it was not."""
    last = b"\n"
    with in_words(file, "read"), reading(file) as (text, _, _):
        while block := text.read(1 << 20):
            stream.write(block)
            last = block[-1:]
    if last != b"\n":
        stream.write(b"\n")


@contextmanager
def in_words(file: FilePath, doing: str) -> Iterator[None]:
    """Turn what the system says about this file into an error that names the file and the next step."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise explained(error, file.label, doing) from error


def explained(error: Exception, label: str, doing: str) -> Exception:
    """The error in words; itself where there is nothing to add."""
    number = getattr(error, "errno", None)
    said = str(error)
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in said:
        return StorageError(f"the disk is full: {label} was not written", fix="free some space, or write elsewhere")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        where = str(Path(label).parent) if doing == "write" else label
        verb = "written" if doing == "write" else "read"
        return StorageError(f"{label} cannot be {verb}: {os.strerror(number)}", fix=f"check the rights of {where}")
    if "compressed" in said.lower() or "zlib" in said.lower() or "crc" in said.lower():
        return BadInput(f"{label} is truncated or damaged: {said}", where=label, fix="copy or write it again")
    if doing == "write":
        return StorageError(f"{label} cannot be written: {said}", fix="try again, or write elsewhere")
    return StorageError(f"{label} cannot be read: {said}", fix="check that it can be opened, then try again")
