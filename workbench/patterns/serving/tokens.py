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
    """The tokens of the service whose folder this is. Whether they were changed is looked at each time one is
    asked for: once it is taken back nobody is let in by it, whichever process takes it back."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._seen: tuple[int, ...] = ()
        self._kept: dict[str, dict[str, object]] = {}
        self._refresh()

    def _refresh(self) -> None:
        """Read them again if they were changed."""
        try:
            seen = self._stamp()
            if seen != self._seen:
                self._seen, self._kept = seen, json.loads(self._file.read_text())
        except FileNotFoundError:
            self._seen, self._kept = (), {}

    def _stamp(self) -> tuple[int, ...]:
        """Another one for each file that takes the place of one before."""
        found = self._file.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def name_of(self, given: bytes) -> str | None:
        """Whose token this is; None where it is nobody's. It takes as long for each."""
        self._refresh()
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
        self._seen = self._stamp()
