"""An app: a notebook, shown at an address of its own until it is stopped or followed by another."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import journal
from ..errors import NotFound
from . import addresses, handover, own_token

if TYPE_CHECKING:
    from .context import Context

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(context: Context) -> None:
    """The life of an app."""
    from ..patterns.app import server
    from ..patterns.app.gate import Gate

    spec = context.job.spec
    notebook = _notebook(spec["notebook"])
    token = own_token.read(context.folder, context.name) if spec["token"] else None
    shared = addresses.sockets(context)
    url = f"http://{addresses.shown(shared[0])}"
    gate = partial(Gate, context.name, token, local=spec["host"] in _LOOPBACK)
    port = addresses.port_of(addresses.shown(shared[0]))
    context.facts(url=url, host=spec["host"], port=port, door=os.getpid(), stage="starting Voila")
    server.run(notebook, shared, gate, Looking(context, shared), partial(_failed, context))


class Looking:
    """What an app does at each look: it says that it is there, who uses it, and gives its socket to who follows."""

    def __init__(self, context: Context, shared: list[Any]) -> None:
        self.context, self.shared = context, shared
        self.offer = handover.offer(shared, context.folder)
        self.told = (-1, -1)

    def __call__(self, using: int, came: int) -> bool:
        """Whether it is enough."""
        if self.context.job.state == "starting":
            self.context.facts(stage="")
            self.context.state("ready")
        if (using, came) != self.told:
            self.told = (using, came)
            self.context.facts(using=using, came=came)
        if self.offer:
            self.offer.give()
        self.context.tick()
        return self.context.stopping()


def _notebook(path: str) -> Path:
    if not Path(path).is_file():
        raise NotFound(f"there is no notebook {path} any more", fix="%workbench app with the notebook where it is now")
    return Path(path)


def _failed(context: Context, what: str) -> None:
    journal.note(f"a cell failed for a visitor: {what}")
    context.facts(failed=what, failed_at=time.time())
