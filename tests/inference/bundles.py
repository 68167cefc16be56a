"""Bundle folders made by hand, as small as they can be."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import workbench
from workbench.bundle.write import inference

INIT = "from ._wb.inference import package as _package\n\n_package.run(globals())\n"


def make(
    folder: Path,
    model: str,
    *,
    modules: Mapping[str, str] | None = None,
    state: Mapping[str, bytes] | None = None,
    **manifest: Any,
) -> str:
    """Write a bundle; the name of its package."""
    package = f"wb_{uuid.uuid4().hex[:12]}"
    code = folder / "code" / package
    for path in inference():
        (code / "_wb" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(workbench.__file__).parent / path, code / "_wb" / path)
    (code / "_wb" / "__init__.py").write_text("")
    (code / "__init__.py").write_text(INIT)
    (folder / "model.py").write_text(model)
    for path, source in (modules or {}).items():
        (code / path).parent.mkdir(parents=True, exist_ok=True)
        (code / path).write_text(source)
    for file, content in (state or {}).items():
        (folder / "state").mkdir(exist_ok=True)
        (folder / "state" / file).write_bytes(content)
    roots = sorted({Path(path).parts[0].removesuffix(".py") for path in modules or {}})
    seal(folder, modules=roots, **manifest)
    return package


def seal(folder: Path, **manifest: Any) -> None:
    """Write the manifest, with the hash of every file."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}
    hashes = {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in files.items() if name != "manifest.json"}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": hashes}))
