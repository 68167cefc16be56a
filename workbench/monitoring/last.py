"""What was found last of something that runs -> a small file beside it, which everybody may read at once."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


def keep(folder: Path, what: str, found: dict[str, Any]) -> None:
    """Write down what was found of it now, in the place of what was there."""
    part = folder / f".{what}.json.{os.getpid()}"
    part.write_text(json.dumps(found | {"at": time.time()}, default=str), encoding="utf-8")
    os.chmod(part, 0o600)
    os.replace(part, folder / f"{what}.json")


def kept(folder: Path, what: str) -> dict[str, Any]:
    """What was found last, `at` what moment; nothing where nobody has looked yet."""
    try:
        found: dict[str, Any] = json.loads((folder / f"{what}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found
