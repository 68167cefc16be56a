"""A captured model and what the kernel answered -> the folder of a bundle, not proven yet."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..capture.captured import CapturedModel
from . import layout, mlmodel, storage
from .hanging import PATIENCE
from .layout import Json, Manifest
from .tables import take, write_table
from .witness import Witness

_NEEDED = ("numpy", "pandas", "pyarrow")
_INIT = "from ._wb.inference import package as _package\n\n_package.run(globals())\n"


@dataclass(frozen=True)
class Request:
    """What is asked of a capture beside the entry and the example; names as in `specs`."""

    name: str
    note: str = ""
    target: str | None = None
    alias: str | None = None
    row_wise: bool | None = None
    keep_reference: bool = True
    cell: str = ""
    timeout: float = PATIENCE


def write(folder: Path, captured: CapturedModel, seen: Witness, request: Request) -> Manifest:
    """Write the bundle of a captured model into the new folder `folder`.

    State files are moved out of the place where capture put them. A full disk or a folder that cannot be
    written raises StorageError, and nothing is left.
    """
    manifest = _describe(captured, seen, request)
    try:
        with storage.writing(folder):
            folder.mkdir(parents=True)
            _write_model(folder, captured)
            write_package(folder / layout.CODE / manifest.package, {**captured.beside, **captured.modules})
            _write_rows(folder, seen, keep=request.keep_reference)
            rows = take(seen.reference, range(min(seen.rows, mlmodel.EXAMPLE_ROWS)))
            example = rows if request.keep_reference else None
            mlmodel.write_files(folder, manifest, seen.schema, seen.outputs, example)
            manifest = replace(manifest, files=layout.hash_files(folder, captured.hashes))
            manifest = replace(manifest, fingerprint=fingerprint(manifest, request.row_wise))
            layout.write_manifest(folder, manifest)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def _describe(captured: CapturedModel, seen: Witness, request: Request) -> Manifest:
    needed = {name: version(name) for name in _NEEDED if name not in captured.requirements}
    return Manifest(
        capture_id=secrets.token_hex(8),
        name=request.name,
        entry=captured.entry,
        entry_kind=captured.entry_kind,
        schema=seen.schema.to_json(),
        outputs=seen.outputs.to_json(),
        python=platform.python_version(),
        packages=dict(sorted({**captured.requirements, **needed}.items())),
        modules=sorted({Path(path).parts[0].removesuffix(".py") for path in captured.modules}),
        taken=[asdict(thing) for thing in captured.taken],
        outside=list(captured.outside),
        environment=list(captured.environment),
        installed=dict(captured.installed),
        origin=_origin(captured, request),
        bit_stable=seen.bit_stable,
    )


def _origin(captured: CapturedModel, request: Request) -> Json:
    return {
        "notebook": captured.notebook,
        "cell": request.cell or captured.cell,
        "git_commit": _git_commit(Path(captured.notebook).parent if captured.notebook else Path.cwd()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": request.note,
        "target": request.target,
        "user": _user(),
        "workbench": _own_version(),
        "page": list(captured.page),
    }


def _git_commit(folder: Path) -> str | None:
    """The commit that is checked out where the notebook lies, if it lies in a repository."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


def _own_version() -> str | None:
    try:
        return version("deployment-workbench")
    except PackageNotFoundError:
        return None


def _write_model(folder: Path, captured: CapturedModel) -> None:
    (folder / layout.MODEL).write_text(captured.source, encoding="utf-8")
    (folder / layout.NOTEBOOK).write_text(captured.cells, encoding="utf-8")
    (folder / layout.STATE).mkdir()
    for name, file in captured.state.items():
        _move(file, folder / layout.STATE / name)
    for name, file in captured.files.items():
        (folder / layout.FILES / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / layout.FILES / name)


def _move(file: Path, target: Path) -> None:
    """By renaming where both lie on one file system, so that large state is written once."""
    try:
        os.replace(file, target)
    except OSError:
        shutil.move(file, target)


def write_package(package: Path, modules: Mapping[str, Path]) -> None:
    """The package that runs model.py: the inference path, as this Workbench has it, and the local modules."""
    ours = Path(__file__).parent.parent
    (package / "_wb" / "inference").mkdir(parents=True)
    (package / "_wb" / "__init__.py").write_text("")
    for path in inference():
        shutil.copyfile(ours / path, package / "_wb" / path)
    for name, file in modules.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, package / name)
    (package / "__init__.py").write_text(_INIT, encoding="utf-8")


def inference() -> list[str]:
    """The files of Workbench that a bundle carries to predict without it."""
    ours = Path(__file__).parent.parent
    return ["errors.py", *sorted(f"inference/{file.name}" for file in (ours / "inference").glob("*.py"))]


def _write_rows(folder: Path, seen: Witness, *, keep: bool) -> None:
    if keep:
        write_table(folder / layout.REFERENCE, seen.reference, seen.schema)
        write_table(folder / layout.ANSWER, seen.answer, seen.outputs)


def fingerprint(manifest: Manifest, row_wise: bool | None = None) -> str:
    """What makes two captures the same: model, state, files, local modules, schema, packages, reference, and what was
    said of its rows; no ids, dates, cell numbers or notes."""
    package = f"{layout.CODE}/{manifest.package}/"
    files = {
        path.removeprefix(package): digest
        for path, digest in manifest.files.items()
        if path in (layout.MODEL, layout.REFERENCE)
        or path.startswith((f"{layout.STATE}/", f"{layout.FILES}/"))
        or (path.startswith(package) and not path.startswith(f"{package}_wb/"))
    }
    parts = [manifest.entry, manifest.entry_kind, manifest.schema, manifest.outputs, manifest.packages, files, row_wise]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
