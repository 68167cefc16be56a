"""The files of a certificate -> what new connections are shown, also once the files were replaced."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ... import journal

_LOOK = 1.0


async def follow(shown: Any, files: Sequence[str]) -> None:
    """Show new connections what the files hold, for ever: a certificate is renewed every few weeks. `shown` is the
    context of TLS; files that do not fit each other are told of in the log, and what was shown is shown on until they
    do: they may have been half written."""
    seen, told = _written(files), list[int]()
    while True:
        await asyncio.sleep(_LOOK)
        if (now := _written(files)) == seen:
            continue
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)
            shown.load_cert_chain(*files)
            seen = now
        except (ssl.SSLError, OSError) as error:
            if now != told:
                journal.note(f"{files[0]} was replaced by what cannot be used: {error}")
            told = now


def read(files: Sequence[str]) -> tuple[bytes, bytes]:
    """The certificate and its key, of files that fit each other; ssl.SSLError or OSError for others."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)
    cert, key = (Path(file).read_bytes() for file in files)
    return cert, key


def _written(files: Sequence[str]) -> list[int]:
    """When the files were written; 0 for one that is not there just now."""
    return [Path(file).stat().st_mtime_ns if Path(file).exists() else 0 for file in files]
