"""Ports for servers that must be told theirs."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

from waiting import until


def free_port() -> int:
    """A port that nobody has, and that no connection of another test is given before it is taken: systems give those
    from 32768 on, Ray gives its workers those below 20000."""
    return int(until(lambda: _free(20_000 + secrets.randbelow(12_000))))


def _free(port: int) -> int:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return port
    return 0
