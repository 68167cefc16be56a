"""How a bundle lies on disk.

<version folder>/
  MLmodel            what MLflow reads: flavor python_function, signature
  model.py           the model's source, readable
  state/*            objects that model.py is bound to: .pkl, .npy, .parquet, .onnx …, with .buffers beside a .pkl
  files/*            data files that the model reads, which `__data__(path)` finds
  code/wb_<id>/      a package that runs model.py: __init__.py, _wb/ (the inference path), local modules with their data
  requirements.txt, python_env.yaml, conda.yaml
  input_example.json five rows as MLflow writes them     (not with --no-reference)
  reference.parquet  up to 10 000 rows of the example    (not with --no-reference)
  answer.parquet     what the kernel answered to the first 1 000 of them (neither)
  notebook.py        the source that the notebook had executed
  manifest.json      the fields of `Manifest`, with the SHA-256 of every other file
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import BundleRefused
from . import storage

FORMAT = 1
MANIFEST = "manifest.json"
MODEL = "model.py"
STATE = "state"
FILES = "files"
CODE = "code"
REFERENCE = "reference.parquet"
ANSWER = "answer.parquet"
EXAMPLE = "input_example.json"
NOTEBOOK = "notebook.py"
REQUIREMENTS = "requirements.txt"
SAMPLE_ROWS = 1_000
REFERENCE_ROWS = 10_000

Json = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself: `manifest.json`, field by field.

    `schema` and `outputs` are schemas as JSON, `packages` maps distributions to versions, `modules` are the
    top-level names of the local modules, `taken` what came along, `outside` what the source reads of the world
    around it, `environment` the variables that must be set where it predicts, `installed` plain values of installed
    modules that it reads, `files` maps paths to SHA-256. `verdict` is `{rows, exact, seconds, row_wise_by}` once the
    bundle is proven. `origin` says where it comes from: `{notebook, cell, git_commit, created, note, target, user}`,
    and how the notebook's `page` differs.
    """

    capture_id: str
    name: str
    entry: str
    entry_kind: str
    schema: Json
    outputs: Json
    python: str
    packages: dict[str, str]
    modules: list[str] = field(default_factory=list)
    taken: list[Json] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    installed: dict[str, str] = field(default_factory=dict)
    origin: Json = field(default_factory=dict)
    threads: int = 1
    row_wise: bool = False
    bit_stable: bool = True
    verdict: Json | None = None
    fingerprint: str = ""
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def package(self) -> str:
        """The name under which its code is imported: `wb_1f2e…`."""
        return f"wb_{self.capture_id}"

    @property
    def has_reference(self) -> bool:
        return REFERENCE in self.files

    def to_json(self) -> Json:
        return asdict(self)


def read_manifest(folder: Path, name: str = "") -> Manifest:
    """The manifest of a bundle; BundleRefused if it is missing, damaged or of a newer format."""
    name = name or folder.name
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BundleRefused(
            f"{name} is no bundle: it has no {MANIFEST}", where=str(folder), fix="%workbench models lists what is there"
        ) from None
    except (ValueError, OSError) as error:
        raise damaged(f"{name}: {MANIFEST} cannot be read: {error}", folder) from None
    written = content.get("format") if isinstance(content, dict) else None
    if isinstance(written, int) and written > FORMAT:
        raise BundleRefused(
            f"{name} has bundle format {written}; this Workbench reads up to {FORMAT}",
            where=str(folder),
            fix="pip install --upgrade deployment-workbench",
        )
    known = {f.name for f in fields(Manifest)}
    try:
        return Manifest(**{key: value for key, value in content.items() if key in known})
    except (TypeError, AttributeError) as error:
        raise damaged(f"{name}: {MANIFEST} is damaged: {error}", folder) from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes `manifest.json`, whole or not at all."""
    with storage.writing(folder):
        storage.write_text(folder / MANIFEST, json.dumps(manifest.to_json(), indent=1, sort_keys=True) + "\n")


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def list_files(folder: Path) -> list[str]:
    """The paths of all files below `folder` but its manifest, sorted; what Python caches of them is left out."""
    return sorted(path for path in _walk(folder) if path != MANIFEST)


def _walk(folder: Path) -> Iterator[str]:
    for root, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f != "__pycache__"]
        links = [f for f in folders if os.path.islink(os.path.join(root, f))]
        for name in (*names, *links):
            yield Path(root, name).relative_to(folder).as_posix()


def hash_files(folder: Path, known: Mapping[str, str]) -> dict[str, str]:
    """The SHA-256 of every file of a bundle, by its path; that of a state file may be known already, by its name."""
    state = {f"{STATE}/{name}": found for name, found in known.items()}
    return {path: state.get(path) or digest(folder / path) for path in list_files(folder)}


def check_files(folder: Path, manifest: Manifest, name: str = "", *, state: bool = True) -> None:
    """BundleRefused names the first file that was changed, added or is missing since the bundle was written.

    Without `state`, the content of the state files is left to the bundle's package, which checks each as it reads it.
    """
    name = name or manifest.name
    there = set(list_files(folder))
    for path, expected in sorted(manifest.files.items()):
        if path not in there:
            raise damaged(f"{name} is refused: its file {path} is missing", folder)
        if (state or not path.startswith(f"{STATE}/")) and _digest(folder, path, name) != expected:
            raise damaged(f"{name} is refused: its file {path} was changed after it was captured", folder)
    if added := sorted(there - set(manifest.files)):
        raise damaged(f"{name} is refused: the file {added[0]} was added after it was captured", folder)


def _digest(folder: Path, path: str, name: str) -> str:
    try:
        return digest(folder / path)
    except OSError as error:
        raise damaged(f"{name} is refused: its file {path} cannot be read: {error.strerror}", folder) from None


def damaged(what: str, folder: Path) -> BundleRefused:
    """The refusal of a bundle that is not what was captured, with the way out."""
    return BundleRefused(what, where=str(folder), fix="capture it again, use another version, or bring back a copy")
