"""Where bundles are kept by name and version.

    <registry>/
      .staging-<random>/      a bundle that is being written or proven
      <name>/
        1/ 2/ …               versions, each published by one rename
        aliases/<alias>       a file that holds the number of a version
        removed/<number>      an empty file per removed version, so that no number is used twice

Nothing is locked: each step is one rename or the making of one file, so a folder shared by a team will do.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import text
from ..errors import NotFound, StorageError, UsageError
from . import loaded, storage
from .layout import MANIFEST
from .version import ModelVersion

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_STALE_SECONDS = 24 * 3600


class Registry:
    """The models below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.address = str(self.folder)

    def names(self) -> list[str]:
        """The models that have a version, sorted."""
        return sorted(n for n in _listed(self.folder) if _NAME.fullmatch(n) and self._numbers(n))

    def versions(self, name: str) -> list[ModelVersion]:
        """The versions of a model, oldest first; NotFound if there is no such model."""
        numbers = self._known(name)
        aliases = self.aliases(name)
        return [self._version(name, number, aliases) for number in numbers]

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases of a model and the versions that they point to."""
        folder = self.folder / name / "aliases"
        found = {alias: _number_in(folder / alias) for alias in _listed(folder) if _NAME.fullmatch(alias)}
        return {alias: number for alias, number in sorted(found.items()) if number is not None}

    def resolve(self, ref: str) -> ModelVersion:
        """The version that `churn` (the newest), `churn@3` or `churn@live` means; NotFound names what there is."""
        name, number = self._meant(ref)
        return self._version(name, number, self.aliases(name))

    def find(self, name: str, fingerprint: str) -> ModelVersion | None:
        """The newest version of `name` that was captured with this fingerprint and can be used as it was, if any."""
        aliases = self.aliases(name)
        candidates = (self._version(name, n, aliases) for n in reversed(self._numbers(name)))
        return next((v for v in candidates if v.readable and v.manifest.fingerprint == fingerprint and v.whole), None)

    @contextmanager
    def stage(self) -> Iterator[Path]:
        """A folder on the registry's file system to write a bundle in; what is left of it at the end is removed."""
        self._sweep()
        folder = self.folder / f".staging-{secrets.token_hex(6)}"
        with storage.writing(self.folder):
            folder.mkdir(parents=True, mode=0o700)
        try:
            with storage.full_disk(self.folder):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staged: Path, name: str) -> ModelVersion:
        """Makes a staged bundle the next version of `name`, by one rename; safe for several processes at once."""
        check_name(name)
        place = self.folder / name
        with storage.writing(place):
            place.mkdir(parents=True, exist_ok=True)
            number = max(self._used(name), default=0) + 1
            while not _renamed(staged, place / str(number)):
                number += 1
        return self._version(name, number, self.aliases(name))

    def set_alias(self, version: ModelVersion, alias: str) -> ModelVersion:
        """Points `alias` to a version, from wherever it pointed before; NotFound if the version is gone."""
        check_name(alias, "alias")
        file = self.folder / version.name / "aliases" / alias
        with storage.writing(file.parent):
            file.parent.mkdir(exist_ok=True)
            before = _number_in(file)
            storage.write_text(file, f"{version.version}\n")
            numbers = self._numbers(version.name)  # asked now: who removes a version looks for aliases after its grave
            if version.version not in numbers:
                if before in numbers:
                    storage.write_text(file, f"{before}\n")
                else:
                    file.unlink(missing_ok=True)
                raise _removed(version)
        return self._version(version.name, version.version, self.aliases(version.name))

    def remove_alias(self, name: str, alias: str) -> None:
        """Takes an alias away; NotFound if there is none of that name."""
        aliases = self.aliases(name)
        if alias not in aliases:
            raise _no_version(name, alias, self._known(name), aliases)
        with storage.writing(self.folder / name):
            (self.folder / name / "aliases" / alias).unlink(missing_ok=True)

    def remove(self, version: ModelVersion) -> None:
        """Removes a version for good; refused while an alias points to it. Its number is never used again."""
        self.check_removable(version)
        grave = self.folder / version.name / "removed" / str(version.version)
        trash = self.folder / f".staging-{secrets.token_hex(6)}"
        with storage.writing(version.folder):
            grave.parent.mkdir(exist_ok=True)
            grave.touch()
            try:
                self.check_removable(version)
                os.rename(version.folder, trash)
            except BaseException:
                if not version.folder.exists():  # somebody else was quicker
                    raise _removed(version) from None
                grave.unlink(missing_ok=True)
                raise
        loaded.drop(version.folder)
        shutil.rmtree(trash, ignore_errors=True)

    def check_removable(self, version: ModelVersion) -> None:
        """UsageError while an alias points to the version."""
        pointing = [a for a, number in self.aliases(version.name).items() if number == version.version]
        if pointing:
            raise UsageError(
                f"{version.ref} is {version.name}@{pointing[0]}: an alias points to it",
                fix=f"%workbench alias {version.name} {pointing[0]} --remove, or point it to another version",
            )

    def _meant(self, ref: str) -> tuple[str, int]:
        name, at, which = ref.partition("@")
        numbers, aliases = self._known(name), self.aliases(name)
        number = numbers[-1] if not at else int(which) if which.isdecimal() else aliases.get(which, 0)
        if number not in numbers:
            raise _no_version(name, which, numbers, aliases)
        return name, number

    def _version(self, name: str, number: int, aliases: dict[str, int]) -> ModelVersion:
        own = tuple(alias for alias, pointed in aliases.items() if pointed == number)
        return ModelVersion(name, number, self.folder / name / str(number), own)

    def _numbers(self, name: str) -> list[int]:
        gone = set(_listed(self.folder / name / "removed"))
        there = (n for n in _listed(self.folder / name) if n.isdecimal() and n not in gone)
        return sorted(int(n) for n in there if (self.folder / name / n / MANIFEST).exists())

    def _used(self, name: str) -> set[int]:
        place = self.folder / name
        return {int(n) for n in (*_listed(place), *_listed(place / "removed")) if n.isdecimal()}

    def _known(self, name: str) -> list[int]:
        numbers = self._numbers(name) if _NAME.fullmatch(name) else []
        if numbers:
            return numbers
        names = self.names()
        raise NotFound(f"there is no model {name!r}{_meant(name, names)}", fix=_or_first(names))

    def _sweep(self) -> None:
        """Removes what processes that were killed left here a day ago or more."""
        for entry in _listed(self.folder):
            folder = self.folder / entry
            if entry.startswith(".staging-") and time.time() - _changed(folder) > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def check_name(name: str, what: str = "model") -> None:
    """UsageError unless `name` can name a model or an alias."""
    if not _NAME.fullmatch(name) or len(name) > 100:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("._-")
        hint = plain if _NAME.fullmatch(plain) else f"{what}_{plain}" if plain else "churn"
        raise UsageError(
            f"{name!r} cannot name {'an' if what == 'alias' else 'a'} {what}: a name begins with a letter, "
            "then come letters, digits, '_', '.' and '-'",
            fix=f"{hint[:100]!r} would do",
        )


def _renamed(staged: Path, target: Path) -> bool:
    """False when another process has taken the target."""
    if (target.parent / "removed" / target.name).exists():
        return False
    try:
        os.rename(staged, target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR) or isinstance(error, FileExistsError):
            return False
        if error.errno == errno.EXDEV:
            raise StorageError(f"{staged} is not on the file system of the registry {target.parent}") from error
        raise
    return True


def _removed(version: ModelVersion) -> NotFound:
    return NotFound(f"{version.ref} was removed just now", fix=f"%workbench models {version.name}")


def _no_version(name: str, which: str, numbers: list[int], aliases: dict[str, int]) -> NotFound:
    there = ", ".join([*(f"@{n}" for n in numbers), *(f"@{a} (now {n})" for a, n in aliases.items())])
    if which in aliases:
        to = f"{name}@{numbers[-1]}"
        move = f"%workbench promote {to}" if which == "live" else f"%workbench alias {to} {which}"
        return NotFound(
            f"{name}@{which} is {name}@{aliases[which]}, whose folder is gone", fix=f"{move}, or bring it back"
        )
    kind = "version" if which.isdecimal() else "alias"
    return NotFound(
        f"{name} has no {kind} {which!r}{_meant(which, aliases)}",
        fix=f"there are {there}" if there else f"%workbench models {name}",
    )


def _meant(word: str, known: Iterable[str]) -> str:
    close = text.closest(word, known)
    return f"; did you mean {close!r}?" if close else ""


def _or_first(names: list[str]) -> str:
    if not names:
        return "capture a first one: %%model NAME --example FRAME"
    shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    return f"there are {shown} (%workbench models)" if len(names) > 1 else f"there is {shown} (%workbench models)"


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise StorageError(
            f"{folder} cannot be read by this user", fix="get access to it, or set WORKBENCH_HOME"
        ) from error


def _number_in(file: Path) -> int | None:
    try:
        content = file.read_text().strip()
    except OSError:
        return None
    return int(content) if content.isdecimal() else None


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()
