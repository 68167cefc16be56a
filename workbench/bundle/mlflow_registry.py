"""The models that an MLflow server or database keeps, as a registry: versions, aliases and tags are there, and what is
used is fetched into a folder once.

    <folder>/<name>/
      look.json                what was last seen of the model there, for when it cannot be reached
      listed/<version>/        the manifest of a version that nobody has used here
      fetched/<version>/       its bundle; of a model that others have registered, one that was made of it

A version is called `3-1732600000000` in these: MLflow gives a number again where a whole model was deleted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import NotFound, StorageError, UsageError
from . import loaded, mlflow_foreign, mlflow_publishing, storage
from .layout import MANIFEST, read_manifest
from .registry import _NAME, Registry, check_name
from .version import ModelVersion

_FRESH_SECONDS = 1.0
_LOOK = "look.json"
_LOGGED = "models:/m-"
"""Where MLflow 3 says that a model's files are, if it does not say the place itself: by the model's own id."""
_PAGE = 1000
_ADDED = "registered_model_meta"
"""What MLflow puts into a folder that it has fetched."""
_PASSWORD = re.compile(r"(?<=://)([^:/@?]*):([^@/]+)@")


@dataclass(frozen=True)
class Kept:
    """One version as MLflow has it."""

    number: int
    created: int
    tags: dict[str, str] = field(default_factory=dict)
    note: str = ""
    user: str = ""

    @property
    def folder(self) -> str:
        return f"{self.number}-{self.created}"


@dataclass(frozen=True)
class Look:
    """What was seen of one model."""

    versions: tuple[Kept, ...]
    aliases: dict[str, int]
    at: float = field(default=0.0, compare=False)


class MLflowRegistry(Registry):
    """The models of the MLflow at `address`. StorageError where it cannot be reached and nothing is known."""

    def __init__(self, address: str, folder: Path) -> None:
        super().__init__(folder)
        self._uri = address
        self.address = _PASSWORD.sub(r"\1:***@", address)
        self._looks: dict[str, Look] = {}

    @cached_property
    def client(self) -> Any:
        """MLflow's own client."""
        try:
            return mlflow_publishing.client_of(self._uri)
        except ImportError as error:
            what = f"WORKBENCH_REGISTRY names an MLflow, {self.address}; mlflow is not installed here"
            raise NotFound(what, fix="pip install 'deployment-workbench[mlflow]'") from error

    def names(self) -> list[str]:
        """The models there that have a version, and a name that can be written here."""
        with self._asked():
            found = list(_pages(self.client.search_registered_models))
        for model in found:
            self._expire(model.name)
        return sorted(model.name for model in found if _NAME.fullmatch(model.name) and self._numbers(model.name))

    def versions(self, name: str) -> list[ModelVersion]:
        """The versions of a model, oldest first; NotFound if there is no such model."""
        self._expire(name)
        return super().versions(name)

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases of a model and the versions that they point to."""
        return dict(sorted(self._look(name).aliases.items()))

    def resolve(self, ref: str) -> ModelVersion:
        """The version that `churn` (the newest), `churn@3` or `churn@live` means, fetched."""
        self._expire(ref.partition("@")[0])
        name, number = self._meant(ref)
        kept = self._kept(name, number)
        return ModelVersion(name, number, self._fetched(name, kept), self._own(self.aliases(name), number))

    def find(self, name: str, fingerprint: str) -> ModelVersion | None:
        """The newest version of `name` that was captured with this fingerprint, if any."""
        self._expire(name)
        tag = mlflow_publishing.FINGERPRINT
        kept = (one for one in reversed(self._look(name).versions) if one.tags.get(tag) == fingerprint)
        versions = (self.resolve(f"{name}@{one.number}") for one in kept)
        return next((version for version in versions if version.readable and version.whole), None)

    def publish(self, staged: Path, name: str) -> ModelVersion:
        """Makes a staged bundle the next version of `name` there."""
        check_name(name)
        with self._asked():
            made = mlflow_publishing.publish(self.client, staged, name)
        self._expire(name)
        target = self._place(name, self._kept(name, int(made.version)), "fetched")
        with storage.writing(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(staged, target)
        return ModelVersion(name, int(made.version), target)

    def set_alias(self, version: ModelVersion, alias: str) -> ModelVersion:
        """Points `alias` to a version there. UsageError for what MLflow keeps for itself."""
        check_name(alias, "alias")
        if alias == "latest":
            raise UsageError("MLflow keeps the alias `latest` for itself", fix="give it another name")
        with self._asked():
            self.client.set_registered_model_alias(version.name, alias, str(version.version))
        self._expire(version.name)
        return self._version(version.name, version.version, self.aliases(version.name))

    def remove_alias(self, name: str, alias: str) -> None:
        """Takes an alias away there; NotFound if there is none of that name."""
        self.resolve(f"{name}@{alias}")
        with self._asked():
            self.client.delete_registered_model_alias(name, alias)
        self._expire(name)

    def remove(self, version: ModelVersion) -> None:
        """Removes a version there for good; refused while an alias points to it."""
        self.check_removable(version)
        with self._asked():
            self.client.delete_model_version(version.name, str(version.version))
        self._expire(version.name)
        loaded.drop(version.folder)
        shutil.rmtree(version.folder, ignore_errors=True)

    def _numbers(self, name: str) -> list[int]:
        return [kept.number for kept in self._look(name).versions]

    def _kept(self, name: str, number: int) -> Kept:
        return next(kept for kept in self._look(name).versions if kept.number == number)

    def _place(self, name: str, kept: Kept, what: str) -> Path:
        return self.folder / name / what / kept.folder

    def _own(self, aliases: dict[str, int], number: int) -> tuple[str, ...]:
        return tuple(alias for alias, pointed in aliases.items() if pointed == number)

    def _version(self, name: str, number: int, aliases: dict[str, int]) -> ModelVersion:
        """With its manifest alone, unless it was fetched."""
        kept = self._kept(name, number)
        fetched = self._place(name, kept, "fetched")
        folder = fetched if fetched.exists() else self._listed(name, kept)
        return ModelVersion(name, number, folder, self._own(aliases, number))

    def _listed(self, name: str, kept: Kept) -> Path:
        place = self._place(name, kept, "listed")
        if not (place / MANIFEST).exists():
            with storage.writing(place):
                place.mkdir(parents=True, exist_ok=True)
                if mlflow_publishing.FINGERPRINT in kept.tags:
                    self._download(name, kept, MANIFEST, place)
                else:
                    mlflow_foreign.describe(place, name, kept.created, kept.note, kept.user)
        return place

    def _fetched(self, name: str, kept: Kept) -> Path:
        """Its bundle; of a model that others registered, one that is made of it here, and proven."""
        place = self._place(name, kept, "fetched")
        if not place.exists():
            with self.stage() as staging:
                found = self._download(name, kept, "", staging)
                (found / _ADDED).unlink(missing_ok=True)
                if not (found / MANIFEST).exists():
                    found = mlflow_foreign.bundle(found, name, f"{name}@{kept.number}", kept.note, staging)
                read_manifest(found, f"{name}@{kept.number}")
                place.parent.mkdir(parents=True, exist_ok=True)
                _renamed(found, place)
        return place

    def _download(self, name: str, kept: Kept, path: str, into: Path) -> Path:
        from mlflow.artifacts import download_artifacts

        with self._asked():
            uri = "/".join(filter(None, [self._source(name, kept).rstrip("/"), path]))
            given = {"tracking_uri": self._uri, "registry_uri": self._uri}
            return Path(download_artifacts(artifact_uri=uri, dst_path=str(into), **given))

    def _source(self, name: str, kept: Kept) -> str:
        """Where its files are. MLflow would look for `models:/…` in the registry of its own settings, not in ours."""
        found = str(self.client.get_model_version_download_uri(name, str(kept.number)))
        if not found.startswith(_LOGGED):
            return found
        return str(self.client.get_logged_model(found.removeprefix("models:/").strip("/")).artifact_location)

    def _expire(self, name: str) -> None:
        """What is asked from here on is as it is from here on: nobody who follows an alias goes back."""
        if known := self._looks.get(name):
            self._looks[name] = Look(known.versions, known.aliases)

    def _look(self, name: str) -> Look:
        """What is there now, or was a moment ago; where it cannot be reached, what was last seen."""
        known = self._looks.get(name)
        if known and time.monotonic() - known.at < _FRESH_SECONDS:
            return known
        file = self.folder / name / _LOOK
        try:
            seen = self._seen(name)
        except StorageError:
            if (kept := known or _read(file)) is None:
                raise
            seen = kept
        else:
            if seen != known and seen.versions:
                with storage.writing(file.parent):
                    file.parent.mkdir(parents=True, exist_ok=True)
                    storage.write_text(file, json.dumps(asdict(seen)))
        self._looks[name] = Look(seen.versions, seen.aliases, time.monotonic())
        return self._looks[name]

    def _seen(self, name: str) -> Look:
        if not _NAME.fullmatch(name):
            return Look((), {})
        with self._asked():
            try:
                model = self.client.get_registered_model(name)
            except Exception as error:
                if getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST":
                    return Look((), {})
                raise
            found = list(_pages(self.client.search_model_versions, filter_string=f"name='{name}'"))
        versions = (_kept(one) for one in found if one.status in ("READY", None))
        ordered = tuple(sorted(versions, key=lambda kept: kept.number))
        return Look(ordered, {alias: int(number) for alias, number in (model.aliases or {}).items()})

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """What MLflow raises, in words."""
        self.client  # noqa: B018 what is not installed is said as that
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            said = str(error).strip().split("\n")[0]
            fix = "look whether it runs, and whether the variables MLFLOW_TRACKING_… let this process in"
            raise StorageError(f"MLflow at {self.address} says: {said}", fix=fix) from error


def _kept(one: Any) -> Kept:
    return Kept(
        int(one.version), one.creation_timestamp, dict(one.tags or {}), one.description or "", one.user_id or ""
    )


def _pages(ask: Callable[..., Any], **how: Any) -> Iterator[Any]:
    token = None
    while True:
        page = ask(max_results=_PAGE, page_token=token, **how)
        yield from page
        if not (token := page.token):
            return


def _read(file: Path) -> Look | None:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        return None
    return Look(tuple(Kept(**one) for one in said["versions"]), said["aliases"])


def _renamed(found: Path, place: Path) -> None:
    """Two that fetch the same at once give the same."""
    try:
        os.rename(found, place)
    except OSError:
        if not place.exists():
            raise
