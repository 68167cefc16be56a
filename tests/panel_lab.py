"""The side panel, built as `pip install` builds it: once for each state of its sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "extensions" / "jupyterlab"
_LEFT = ("node_modules", "lib", "labextension", ".yarn", "__pycache__")


def built() -> Path:
    """The panel's wheel, unpacked: a folder for JUPYTER_PATH. CalledProcessError says why it cannot be built."""
    kept = ROOT / "build" / "panel" / _digest()
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as into:
            made = _build(Path(into))
            try:
                os.rename(made, kept)
            except OSError:  # another process was first
                if not kept.exists():
                    raise
    return kept


def _build(into: Path) -> Path:
    shutil.copytree(SOURCE, into / "source", ignore=shutil.ignore_patterns(*_LEFT))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(into)]
    subprocess.run([*command, str(into / "source")], check=True, capture_output=True, text=True)
    (wheel,) = into.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(into / "wheel")
    return next((into / "wheel").glob("*.data/data/share/jupyter"))


def _digest() -> str:
    told = hashlib.sha256()
    for file in sorted(SOURCE.rglob("*")):
        if file.is_file() and not set(file.relative_to(SOURCE).parts) & set(_LEFT):
            told.update(str(file.relative_to(SOURCE)).encode() + file.read_bytes())
    return told.hexdigest()[:16]
