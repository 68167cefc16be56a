"""A bundle in a folder of anybody's -> the next version of a model here, proven again, with where it came from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..capture.captured import CapturedModel, Taken
from ..errors import UsageError
from . import layout, packing, prove, storage
from .layout import Manifest
from .register import DryRun
from .registry import Registry, check_name
from .version import ModelVersion
from .write import Request


def is_bundle(thing: Any) -> bool:
    """Whether it names a folder that Workbench wrote, or a file that one was packed into."""
    folder = isinstance(thing, str | Path) and (Path(thing) / layout.MANIFEST).is_file()
    return folder or packing.is_packed(thing)


def adopt(
    source: Path, given: Mapping[str, Any], request: Request, registry: Registry, home: Path, *, dry_run: bool = False
) -> ModelVersion | DryRun:
    """Copy the bundle, a folder or a file that one was packed into, into the registry as the next version of
    `request.name`, once it is proven here again.

    What is there already gives that version, with nothing stored. Raises UsageError where something was `given` that
    a bundle brings itself, BundleRefused where a file was changed, NotProven, and StorageError; then nothing is left
    in the registry.
    """
    _refuse(source, given)
    check_name(request.name)
    if request.alias:
        check_name(request.alias, "alias")
    with packing.unpacked(source) if packing.is_packed(source) else nullcontext(source) as folder:
        return _adopt(folder, source, request, registry, home, dry_run=dry_run)


def _adopt(
    folder: Path, source: Path, request: Request, registry: Registry, home: Path, *, dry_run: bool
) -> ModelVersion | DryRun:
    manifest = layout.read_manifest(folder, str(source))
    if dry_run:
        return _dry_run(folder, source, manifest, request)
    if known := registry.find(request.name, manifest.fingerprint):
        version = known.as_unchanged(registry.resolve(request.name).version)
    else:
        version = _copied(folder, source, manifest, registry, request, home)
    return registry.set_alias(version, request.alias) if request.alias else version


def _refuse(folder: Path, given: Mapping[str, Any]) -> None:
    if named := [
        f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None and value is not False
    ]:
        what = f"{folder} is a bundle, which brings its own reference: {', '.join(named)} has no meaning here"
        raise UsageError(what, fix=f"leave {', '.join(named)} out")


def _copied(
    folder: Path, source: Path, manifest: Manifest, registry: Registry, request: Request, home: Path
) -> ModelVersion:
    with registry.stage() as staging:
        bundle = staging / "bundle"
        with storage.writing(staging):
            shutil.copytree(folder, bundle, ignore=shutil.ignore_patterns("__pycache__"))
        prove.again(bundle, manifest, home, str(source), request.timeout)
        layout.write_manifest(bundle, replace(manifest, name=request.name, origin=_origin(source, manifest, request)))
        return registry.publish(bundle, request.name)


def _origin(source: Path, manifest: Manifest, request: Request) -> dict[str, Any]:
    """Where it was captured, as before; and whence and when it was copied."""
    copied = {"copied_from": str(source.absolute()), "copied": datetime.now(UTC).isoformat(timespec="seconds")}
    note = {"note": request.note} if request.note else {}
    return {**manifest.origin, **note, **copied}


def _dry_run(folder: Path, source: Path, manifest: Manifest, request: Request) -> DryRun:
    """What would be copied."""
    layout.check_files(folder, manifest, str(source))
    taken = tuple(Taken(**thing) for thing in manifest.taken)
    text = (folder / layout.MODEL).read_text(encoding="utf-8")
    kind: Any = manifest.entry_kind
    return DryRun(request.name, CapturedModel(manifest.entry, kind, text, {}, {}, manifest.packages, taken))
