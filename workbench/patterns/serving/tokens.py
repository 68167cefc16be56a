"""The further tokens of a service, by name: kept as hashes, so that whoever reads the file has none of them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
import time
from pathlib import Path

from ...errors import NotFound, UsageError

_FILE = "tokens.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Tokens:
    """The tokens of the service whose folder this is; who serves reads them again once they were changed."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._written = 0
        self._kept: dict[str, dict[str, object]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read them again if they were changed."""
        try:
            written = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            self._written, self._kept = 0, {}
            return
        if written != self._written:
            self._written, self._kept = written, json.loads(self._file.read_text())

    def name_of(self, given: bytes) -> str | None:
        """Whose token this is; None where it is nobody's. It takes as long for each."""
        found, asked = None, hashlib.sha256(given).hexdigest()
        for name, one in self._kept.items():
            if hmac.compare_digest(str(one["sha256"]), asked):
                found = name
        return found

    def names(self) -> dict[str, float]:
        """Each name, and when its token was made, in seconds since 1970."""
        return {name: float(str(one["made"])) for name, one in self._kept.items()}

    def add(self, name: str) -> str:
        """Make a token under a name, in place of the one that it had; it is told this once. UsageError for no name."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a token", fix="letters, digits, . _ and -, up to 64")
        token = secrets.token_urlsafe(32)
        self._kept[name] = {"sha256": hashlib.sha256(token.encode()).hexdigest(), "made": time.time()}
        self._write()
        return token

    def remove(self, name: str) -> None:
        """Take it back. NotFound where there is none of the name."""
        if name not in self._kept:
            known = ", ".join(self._kept) or "none"
            raise NotFound(f"there is no token {name}", fix=f"one of those that have a name: {known}")
        del self._kept[name]
        self._write()

    def _write(self) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self._file.parent, prefix=f"{_FILE}-", delete=False) as new:
            json.dump(self._kept, new)
        os.replace(new.name, self._file)
        self._written = self._file.stat().st_mtime_ns
