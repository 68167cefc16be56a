"""A service: the door's side, which finds socket and version, and a worker's side, which answers requests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..bundle import loaded
from ..bundle.registry import Registry
from ..errors import NotFound, StorageError, WorkbenchError
from . import handover
from .door import Door, Epoch
from .store import Store

if TYPE_CHECKING:
    from ..patterns.serving.live import Live
    from ..patterns.serving.served import Served
    from .context import Context

_BACKLOG = 2048
_LOOK = 0.05
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(context: Context) -> None:
    """The life of a service: its door, until it is stopped or followed by another."""
    spec = context.job.spec
    shared = handover.take(_relatives(context)) or _own_socket(context)
    version = Registry(paths.registry(context.home)).resolve(spec["model"])
    host, port = shared.getsockname()[:2]
    context.facts(url=f"http://{host}:{port}", port=port, version=version.ref, metrics=str(_metrics(context)))
    args = {"home": str(context.home), "name": context.name, "metrics": str(_metrics(context))}
    Door(context, shared, f"{__name__}:work", args, ref=version.ref, count=spec["workers"]).run()


def _metrics(context: Context) -> Path:
    return context.folder / f"metrics-{os.getpid()}"


def _relatives(context: Context) -> list[int]:
    return [pid for pid in context.job.facts.get("workers", ()) if pid != os.getpid()]


def _own_socket(context: Context) -> socket.socket:
    """A socket at the port that was asked for; else at the one that it had, or at a free one."""
    host, port = context.job.spec["host"], context.job.spec["port"]
    if not port and (before := context.job.facts.get("port")):
        with suppress(StorageError):
            return listen(host, before, context.name)
    return listen(host, port, context.name)


def listen(host: str, port: int, name: str) -> socket.socket:
    """A socket that listens at this address. StorageError, which names it, where it is taken."""
    try:
        return socket.create_server((host, port), backlog=_BACKLOG, reuse_port=False)
    except OSError as error:
        raise StorageError(
            f"{name}: port {port} of {host} cannot be had: {error.strerror}",
            fix="--port with another number, or leave --port out to get a free one",
        ) from error


def work(args: dict[str, Any]) -> None:
    """The life of one worker: `args` as the door gives them. It ends when it has drained."""
    import uvloop

    worker = Worker(args)
    try:
        worker.load()
    except WorkbenchError as error:
        worker.tell(failed=str(error))
        raise SystemExit(1) from error
    uvloop.run(worker.serve())


class Worker:
    """One process that answers requests with the version that its door says."""

    live: Live
    served: Served

    def __init__(self, args: dict[str, Any]) -> None:
        self.args, self.home = args, Path(args["home"])
        self.channel = socket.socket(fileno=args["channel"])
        self.shared = socket.socket(fileno=args["socket"])
        self.store = Store(paths.state(self.home))
        self.job = self.store.get(args["name"])
        self.drain = asyncio.Event()
        self.folders: dict[str, Path] = {}

    def tell(self, **message: Any) -> None:
        """Say something to the door, which may be gone."""
        with suppress(OSError):
            self.channel.sendall(json.dumps(message).encode() + b"\n")

    def load(self) -> None:
        """Load the version and let it answer its example."""
        from ..patterns.serving.live import Live

        self.served = self._served(self.args["ref"])
        self.live = Live(self.served, Epoch(Path(self.args["epoch"])))

    def _served(self, ref: str) -> Served:
        from ..patterns.serving.served import Served

        version = Registry(paths.registry(self.home)).resolve(ref)
        self.folders[version.ref] = version.folder
        return Served.of(version, self.home)

    async def serve(self) -> None:
        """Answer requests until told to drain."""
        from ..monitoring.metrics import Metrics
        from ..patterns.serving.endpoint import Endpoint, Limits
        from ..patterns.serving.server import serve

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.drain.set)
        offer = handover.offer(self.shared)
        if offer:
            loop.add_reader(offer.fileno(), offer.give)
        spec = self.job.spec
        metrics = Metrics(Path(self.args["metrics"]), self.args["slot"], spec["workers"])
        endpoint = Endpoint(
            self.live,
            name=self.job.name,
            token=self._token(),
            limits=Limits(**spec["limits"]),
            metrics=metrics,
            local=spec["host"] in _LOOPBACK,
        )
        listening = asyncio.create_task(self._listen())
        await serve(self.shared.dup(), endpoint, started=lambda: self.tell(ready=True), drain=self.drain)
        listening.cancel()

    def _token(self) -> str | None:
        file = self.store.job_folder(self.job.name) / "token"
        return file.read_text().strip() if self.job.spec["token"] else None

    async def _listen(self) -> None:
        """What the door says, until it is gone; then until another is ready in its place."""
        self.channel.setblocking(False)
        lines, _ = await asyncio.open_connection(sock=self.channel.dup())
        while line := await lines.readline():
            await self._do(json.loads(line))
        while not self._followed():
            await asyncio.sleep(_LOOK)
        self.drain.set()

    def _followed(self) -> bool:
        """Whether nobody needs this worker, whose door is gone."""
        try:
            job = self.store.get(self.job.name)
        except NotFound:
            return True
        follower = job.process is not None and job.process.pid != self.args["door"] and job.state == "ready"
        return follower or job.desired == "stopped"

    async def _do(self, message: dict[str, Any]) -> None:
        if message["do"] == "drain":
            self.drain.set()
            return
        try:
            await (self._prepare(message["ref"]) if message["do"] == "prepare" else self._flip())
        except WorkbenchError as error:
            self.tell(answer=message["id"], ok=False, text=str(error))
        else:
            self.tell(answer=message["id"], ok=True, text="")

    async def _prepare(self, ref: str) -> None:
        served = await asyncio.to_thread(self._served, ref)
        await asyncio.to_thread(self.live.prepare, served)

    async def _flip(self) -> None:
        """Change over, if no batch has done so yet, and let go of the version before."""
        now = self.live.current()
        if now is not self.served:
            loaded.drop(self.folders.pop(self.served.ref))
            self.served = now
