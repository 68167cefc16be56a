"""A notebook and sockets -> Voila's server on them, behind the gate, with a template that asks no other host."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from traitlets.config import Config
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from .gate import Gate, seen_below

_TEMPLATE = Path(__file__).parent / "template"
_LOOK = 0.1
_IDLE = 3600
_FAILED = re.compile(r"^([A-Za-z_.]+(?:Error|Exception|Interrupt|Exit)?): (.*)$", re.M)


class App(Voila):  # type: ignore[misc]
    """Voila, which begins and ends as we say: each visitor has a kernel of their own, which ends with the page, or an
    hour after nobody looks any more."""

    def open_on(self, shared: list[socket], gate: Callable[..., Gate]) -> None:
        """Answer on these sockets. RuntimeError where Voila cannot read the notebook."""
        self.initialize([])
        self.template_paths.insert(0, str(_TEMPLATE))
        self.connection_dir = tempfile.mkdtemp(prefix="voila_")
        settings = self.init_settings()
        self.app = gate(**settings)
        self.app.add_handlers(".*$", [_at_its_place(*handler) for handler in self.init_handlers()])
        for one in shared:
            one.setblocking(False)
        HTTPServer(self.app).add_sockets(shared)

    def _handle_signal_stop(self, *_: object) -> None:
        self.ioloop.add_callback_from_signal(self.ioloop.stop)


class Shown(TornadoVoilaHandler):  # type: ignore[misc]
    """The page, whose own addresses lead through the proxy that it was asked for through."""

    @property
    def base_url(self) -> str:
        return f"{seen_below(self.request)}/"


def _at_its_place(pattern: str, handler: Any, *more: Any) -> tuple[Any, ...]:
    return pattern, Shown if handler is TornadoVoilaHandler else handler, *more


def run(
    notebook: Path,
    shared: list[socket],
    gate: Callable[..., Gate],
    look: Callable[[int, int], bool],
    failed: Callable[[str], None],
) -> None:
    """Show a notebook until `look`, which is told how many use it and how many came, says that it is enough; `failed`
    is told what a cell of it raised."""
    port = shared[0].getsockname()[1]
    config = Config(
        VoilaConfiguration={"template": "lab", "allow_template_override": "NO", "preheat_kernel": False},
        IdentityProvider={"cookie_name": f"workbench-app-{port}"},  # a Jupyter server in front has the usual one
        MappingKernelManager={"cull_idle_timeout": _IDLE, "cull_interval": 60, "cull_connected": False},
    )
    app = App.instance(notebook_path=str(notebook), open_browser=False, config=config)
    app.ioloop = IOLoop.current()
    app.open_on(shared, gate)
    app.log.addHandler(_Told(failed))
    came: set[str] = set()

    def seen() -> None:
        now = set(app.kernel_manager.list_kernel_ids())
        came.update(now)
        if look(len(now), len(came)):
            app.ioloop.stop()

    PeriodicCallback(seen, _LOOK * 1000).start()
    app.ioloop.call_later(0, seen)
    try:
        app.ioloop.start()
    finally:
        with suppress(OSError):
            app.stop()


class _Told(logging.Handler):
    """What Voila writes of a cell that failed, in one line."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self.failed = failed

    def emit(self, record: logging.LogRecord) -> None:
        error: Any = record.exc_info[1] if record.exc_info else record.msg
        name, value = getattr(error, "ename", ""), getattr(error, "evalue", "")
        self.failed(f"{name}: {value}" if name else record.getMessage().strip().rpartition("\n")[2])
