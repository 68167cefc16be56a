"""What a proxy of this machine says of a request -> the path below which its client sees what is behind it."""

from __future__ import annotations

import re

LOOPBACK = ("127.0.0.1", "::1")
"""Whose word is taken for it."""
_PREFIX = re.compile(r"(/[\w.~%@:+-]+)*/?", re.ASCII)


def prefix(said: str) -> str:
    """The path in `X-Forwarded-Prefix`, without a slash at its end; empty for none, and for what is no path."""
    return said.rstrip("/") if _PREFIX.fullmatch(said) else ""
