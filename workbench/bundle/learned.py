"""A loaded model that has learned -> the next version of it: the bundle that it was loaded from, with its state as it
is now and how far it has read. One rename publishes both, so that neither is ever there without the other."""

from __future__ import annotations

import inspect
import os
import pickle
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import ModelFailed
from ..inference.package import LEARNED
from ..inference.schema import Schema
from . import layout, mlmodel, prove, storage
from .layout import SAMPLE_ROWS, Manifest
from .tables import n_rows, take, write_table
from .witness import Witness, one_thread
from .write import fingerprint, write_package

if TYPE_CHECKING:
    from ..inference.predictor import Predictor
    from .registry import Registry
    from .version import ModelVersion

_ANEW = ("MLmodel", layout.ANSWER, layout.EXAMPLE, layout.REQUIREMENTS, "python_env.yaml", "conda.yaml")
"""What is written again."""


@dataclass(frozen=True)
class Learned:
    """How far a version has learned: `reader` has read `queue` (which `identity` tells from others of its name) up to
    `offset`, and so many `examples` since `begun`, a version that was captured."""

    reader: str
    queue: str
    identity: str
    offset: int
    examples: int
    begun: str

    @classmethod
    def of(cls, manifest: Manifest) -> Learned | None:
        """What the manifest says of it; None for a version that was captured as it is."""
        said = manifest.origin.get("learned")
        return cls(**said) if said else None


def publish(base: ModelVersion, predictor: Predictor, learned: Learned, registry: Registry) -> ModelVersion:
    """Keep what `predictor`, loaded from the version `base`, is by now, prove it in a clean process, and publish it.
    ModelFailed for state that cannot be kept; NotProven, StorageError; then nothing is left in the registry."""
    with registry.stage() as staging:
        bundle = staging / "bundle"
        with storage.writing(staging):
            seen = _witness(base, predictor)
            manifest = _described(base.manifest, seen, learned)
            _copy(base, bundle, manifest.package)
            _write_state(bundle / layout.STATE / LEARNED, base.manifest, predictor)
            _write(bundle, manifest, seen)
        prove.prove(bundle, seen, row_wise=manifest.row_wise)
        _keep_verdict(bundle, base.manifest)
        return registry.publish(bundle, base.name)


def _witness(base: ModelVersion, predictor: Predictor) -> Witness:
    """What the model answers now to the rows that the version was proven on."""
    reference = base.reference()
    count = min(n_rows(reference), SAMPLE_ROWS)
    with one_thread():
        answer = predictor.predict(take(reference, range(count)))
    outputs = Schema.infer_table(answer)
    kept = outputs.decode(outputs.encode(answer))
    return Witness(predictor.schema, outputs, reference, kept, count, base.manifest.bit_stable, predictor)


def _described(manifest: Manifest, seen: Witness, learned: Learned) -> Manifest:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    origin = {**manifest.origin, "created": now, "note": f"learned from {learned.queue}", "learned": vars(learned)}
    return replace(manifest, capture_id=secrets.token_hex(8), outputs=seen.outputs.to_json(), origin=origin)


def _copy(base: ModelVersion, bundle: Path, package: str) -> None:
    """The files that stay as they are, as links to them where the file system has such."""
    own, new = f"{layout.CODE}/{base.manifest.package}/", f"{layout.CODE}/{package}/"
    anew = (*_ANEW, f"{layout.STATE}/{LEARNED}", f"{own}__init__.py")
    for path in base.manifest.files:
        if path not in anew and not path.startswith(f"{own}_wb/"):
            target = bundle / (new + path.removeprefix(own) if path.startswith(own) else path)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(base.folder / path, target)
            except OSError:
                shutil.copyfile(base.folder / path, target)


def _write(bundle: Path, manifest: Manifest, seen: Witness) -> None:
    write_package(bundle / layout.CODE / manifest.package, {})
    write_table(bundle / layout.ANSWER, seen.answer, seen.outputs)
    rows = take(seen.reference, range(min(seen.rows, mlmodel.EXAMPLE_ROWS)))
    mlmodel.write_files(bundle, manifest, seen.schema, seen.outputs, rows)
    manifest = replace(manifest, files=layout.hash_files(bundle, {}), verdict=None)
    layout.write_manifest(bundle, replace(manifest, fingerprint=fingerprint(manifest)))


def _keep_verdict(bundle: Path, before: Manifest) -> None:
    """It is row-wise as the version was that it began from, by the same evidence."""
    manifest, said = layout.read_manifest(bundle), before.verdict or {}
    kept = {key: value for key, value in said.items() if key.startswith("row_wise")}
    layout.write_manifest(bundle, replace(manifest, verdict={**(manifest.verdict or {}), **kept}))


def _write_state(file: Path, manifest: Manifest, predictor: Predictor) -> None:
    """The globals that state files gave, and what the object that answers holds, in one pickle: what they share stays
    one."""
    module = sys.modules[manifest.package]
    names = [thing["name"] for thing in manifest.taken if thing["kind"] == "state"]
    held = {name: vars(module)[name] for name in names if name in vars(module)}
    owner = getattr(inspect.unwrap(predictor.function), "__self__", None) if manifest.entry_kind == "class" else None
    file.parent.mkdir(exist_ok=True)
    try:
        with file.open("wb") as stream:
            _Pickler(stream, module).dump({"globals": held, "entry": None if owner is None else vars(owner)})
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        what = f"what {manifest.name} has learned cannot be kept: {error}"
        raise ModelFailed(what, fix="hold connections, locks and files outside of what learns") from error


class _Pickler(pickle.Pickler):
    """Says the classes and functions of a bundle by the names that the next bundle has them under."""

    def __init__(self, stream: Any, module: ModuleType) -> None:
        super().__init__(stream, protocol=5)
        package, self.own = module.__name__, dict[int, str | tuple[str, str]]()
        for path, found in list(sys.modules.items()):
            if path == package or path.startswith(f"{package}."):
                self.own |= _defined(vars(found), package, path.removeprefix(package).removeprefix("."))

    def persistent_id(self, obj: Any) -> str | tuple[str, str] | None:
        return self.own.get(id(obj)) if isinstance(obj, type | FunctionType) else None


def _defined(namespace: Mapping[str, Any], package: str, path: str) -> dict[int, str | tuple[str, str]]:
    return {
        id(value): (path, name) if path else name
        for name, value in namespace.items()
        if isinstance(value, type | FunctionType) and str(value.__module__).split(".")[0] in (package, "__main__")
    }
