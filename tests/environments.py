"""Environments of their own, for packages that do not go with ours, or that are asked in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def environment(folder: Path, *packages: str) -> Path:
    """The Python of a new environment with these packages; `--no-deps` beside one leaves out what it needs."""
    uv, python = Path(sys.executable).with_name("uv"), folder / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install(python, *packages)
    return python


def install(python: Path, *packages: str) -> None:
    """Put further packages into the environment of a Python."""
    uv = Path(sys.executable).with_name("uv")
    for package in packages:
        command = [uv, "pip", "install", "--quiet", "--python", python, *package.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
