"""The token of a deployment: made once, kept in its folder, read by its process and by whoever may see the folder."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from ..errors import NotFound

_FILE = "token"


def make(folder: Path) -> None:
    """Make it unless there is one: whole or not at all, since others may ask for the same deployment now."""
    if (folder / _FILE).exists():
        return
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=f"{_FILE}-") as new:
        new.write(secrets.token_urlsafe(32))
        new.flush()
        with suppress(FileExistsError):
            os.link(new.name, folder / _FILE)


def read(folder: Path, name: str) -> str:
    """The token of `name`, whose folder this is. NotFound where it is gone."""
    if token := found(folder):
        return token
    verb = {"app": "app", "schedule": "batch"}.get(name.partition("/")[0], "serve")
    raise NotFound(f"the token of {name} is gone", fix=f"%{verb} it again, which makes another")


def found(folder: Path) -> str:
    """The token that a folder holds; empty where it holds none."""
    file = folder / _FILE
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""
