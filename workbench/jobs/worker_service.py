"""A service: the door's side, which finds socket and version, and a worker's side, which answers requests."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..bundle import loaded, registries
from ..errors import NotFound, WorkbenchError
from ..monitoring.spool import UNLOGGED
from ..routing.table import Table
from . import addresses, handover, logs, own_token, rollout, worker_elsewhere
from .changeover import Epoch, short_turns
from .door import Door
from .store import Store
from .worker_requests import Compacting
from .worker_rollout import RollingOut

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..monitoring.metrics import Metrics
    from ..monitoring.rewards import Rewards
    from ..patterns.serving.access import Access
    from ..patterns.serving.deferring import Deferring
    from ..patterns.serving.endpoint import Endpoint
    from ..patterns.serving.grpc.server import Server
    from ..patterns.serving.handing import HandingOver
    from ..patterns.serving.live import Live, Route
    from ..patterns.serving.requests import RequestLog
    from ..patterns.serving.served import Served
    from .context import Context

_LOOK = 0.05
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(context: Context) -> None:
    """The life of a service: its door, until it is stopped or followed by another."""
    spec = context.job.spec
    if spec.get("engine"):
        worker_elsewhere.run(context)
        return
    registry = registries.of(context.home)
    shared = addresses.sockets(context)
    facts = {**_address(shared, spec["host"], tls=bool(spec.get("tls"))), "metrics": str(_metrics(context))}
    args = {"home": str(context.home), "name": context.name, "metrics": str(_metrics(context))}

    def wanted() -> str:
        return _wanted(context, registry)

    rolling, compacting = RollingOut(context.store, registry, spec["model"]), Compacting(context)

    def beside() -> None:
        rolling()
        if spec.get("log"):
            compacting()

    work, ref = f"{__name__}:work", wanted()
    Door(context, shared, work, args, ref=ref, count=spec["workers"], wanted=wanted, facts=facts, beside=beside).run()


def _wanted(context: Context, registry: Registry) -> str:
    """The version that should answer, or the table of a rollout."""
    version = registry.resolve(context.job.spec["model"])
    if not context.job.spec["model"].endswith(f"@{rollout.LIVE}"):
        return version.ref
    return str(rollout.wanted(rollout.last(context.store, version.name), version.ref))


def _address(shared: list[socket.socket], host: str, *, tls: bool) -> dict[str, Any]:
    http, *beside = map(addresses.shown, shared)
    grpc = beside[0] if beside else None
    return {"url": f"http{'s' * tls}://{http}", "host": host, "port": addresses.port_of(http), "grpc": grpc}


def _metrics(context: Context) -> Path:
    return context.folder / f"metrics-{os.getpid()}"


def work(args: dict[str, Any]) -> None:
    """The life of one worker: `args` as the door gives them. It ends when it has drained."""
    import uvloop

    worker = Worker(args)
    try:
        worker.load()
        uvloop.run(worker.serve())
    except WorkbenchError as error:
        worker.tell(failed=str(error))
        raise SystemExit(1) from error


class Worker:
    """One process that answers requests with the version that its door says."""

    live: Live
    rewards: Rewards
    token: str | None
    endpoint: Endpoint
    metrics: Metrics
    offer: handover.Offer | None = None

    def __init__(self, args: dict[str, Any]) -> None:
        self.args, self.home = args, Path(args["home"])
        self.channel = socket.socket(fileno=args["channel"])
        self.shared = [socket.socket(fileno=descriptor) for descriptor in args["sockets"]]
        self.store = Store(paths.state(self.home))
        self.job = self.store.get(args["name"])
        self.go, self.drain = asyncio.Event(), asyncio.Event()
        self.folders: dict[str, Path] = {}
        self.calls: list[Server] = []

    def tell(self, **message: Any) -> None:
        """Say something to the door, which may be gone."""
        with suppress(OSError):
            self.channel.sendall(json.dumps(message).encode() + b"\n")

    def load(self) -> None:
        """Load the version and let it answer its example; NotFound where its token is gone."""
        from ..monitoring.rewards import Rewards
        from ..patterns.serving.live import Live

        self.token = self._token()
        self.rewards = Rewards(self.store.job_folder(self.job.name))
        route = self._route(self.args["ref"])
        self.tell(stage="asking for its first answer")
        self.live = Live(route, Epoch(Path(self.args["epoch"])))

    def _route(self, said: str) -> Route:
        """The table that is written so, with its versions loaded."""
        from ..patterns.serving.live import Route

        table = Table.parse(said)
        return Route(table, tuple(map(self._served, table.refs)), self.rewards)

    def _served(self, ref: str) -> Served:
        from ..patterns.serving.served import Served

        version = registries.of(self.home).resolve(ref)
        self.folders[version.ref] = version.folder
        fast, own = self.job.spec.get("fast", False), self.job.spec.get("env") == "own"
        return Served.of(version, self.home, fast=fast, own=own)

    def _facts(self) -> dict[str, Any]:
        """What is told of the versions that answer."""
        route = self.live.route()
        return {"speed": route.served.speed, "own": {one.ref: one.needs for one in route.versions if one.needs}}

    async def serve(self) -> None:
        """Answer requests, once the door says that it may, until told to drain."""
        from ..monitoring import traces
        from ..monitoring.metrics import Metrics
        from ..patterns.serving.answering import Limits
        from ..patterns.serving.endpoint import Endpoint

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._leave)
        self.offer = handover.offer(self.shared, self.store.job_folder(self.job.name))
        if self.offer:
            loop.add_reader(self.offer.fileno(), self.offer.give)
        spec = self.job.spec
        self.metrics = metrics = Metrics(Path(self.args["metrics"]), self.args["slot"], spec["workers"])
        self.endpoint = endpoint = Endpoint(
            self.live,
            name=self.job.name,
            access=self._access(),
            limits=Limits(**spec["limits"]),
            metrics=metrics,
        )
        endpoint.log, (endpoint.traces, spans) = self._log(), traces.begin(self.job.name)
        endpoint.deferring = self._deferring()
        beside = [asyncio.create_task(self._listen()), asyncio.create_task(self._stay_in_touch())]
        self.tell(loaded=True, facts={**self._facts(), "spans": spans})
        await self.go.wait()
        if not self.drain.is_set():
            await self._answer(endpoint)
        for task in beside:
            task.cancel()
        if endpoint.traces:
            await asyncio.to_thread(endpoint.traces.end)

    async def _answer(self, endpoint: Endpoint) -> None:
        from ..patterns.serving.server import serve

        http, *others = self.shared
        beside = [await self._over_grpc(endpoint, other) for other in others]
        ready, tls = partial(self.tell, ready=True), self.job.spec.get("tls")
        await asyncio.gather(serve(http.dup(), endpoint, started=ready, drain=self.drain, tls=tls), *beside)

    async def _over_grpc(self, endpoint: Endpoint, kept: socket.socket) -> Coroutine[Any, Any, None]:
        """Listen for gRPC where the door keeps a port for it; what is to be awaited then. StorageError."""
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it is read at the import; what it says is for its developers
        from ..patterns.serving.grpc.server import Server

        server, endpoint.grpc = Server(endpoint, self.drain), addresses.shown(kept)
        self.calls.append(server)
        await server.start(endpoint.grpc, self.job.spec.get("tls"))
        return server.drained()

    def _leave(self) -> None:
        self.drain.set()
        self.go.set()
        if self.offer:
            asyncio.get_running_loop().remove_reader(self.offer.fileno())
            self.offer.close()
            self.offer = None
        for shared in self.shared:
            shared.close()

    async def _stay_in_touch(self) -> None:
        """The door knows from it that requests are answered, and how many could not be logged; it may have begun a
        new file of its log."""
        folder, told = self.store.job_folder(self.job.name), 0
        while True:
            await asyncio.sleep(1)
            if self.endpoint.ready or self.endpoint.draining:
                self.tell(alive=True)
            if self.endpoint.log and (lost := self.endpoint.log.spool.lost) > told:
                told = lost
                self.tell(facts={f"{UNLOGGED}{os.getpid()}": lost})
            self.endpoint.lanes.look()
            self.metrics.beat()
            self.rewards.refresh()
            logs.rotate(folder)

    def _log(self) -> RequestLog | None:
        from ..monitoring import spool
        from ..monitoring.veil import Veil
        from ..patterns.serving.requests import RequestLog

        if not (how := self.job.spec.get("log")):
            return None
        folder = self.store.job_folder(self.job.name) / "requests"
        into = spool.Spool(folder)
        veil = Veil(how["hide"], how["hash"], spool.key(folder) if how["hash"] else b"")
        return RequestLog(into, veil, f"{self.args['slot']}-{os.getpid()}")

    def _deferring(self) -> Deferring | HandingOver:
        if place := self.job.spec.get("async"):
            from ..patterns.serving.handing import HandingOver

            return HandingOver(self.endpoint, place)
        from ..patterns.serving.deferred import Deferred
        from ..patterns.serving.deferring import Deferring

        folder, most = self.store.job_folder(self.job.name), self.job.spec["limits"]["max_queue"]
        return Deferring(self.endpoint, Deferred(folder, most, f"{self.args['slot']}-{os.getpid()}"))

    def _access(self) -> Access:
        from ..patterns.serving.access import Access
        from ..patterns.serving.tokens import Tokens

        spec, tokens = self.job.spec, Tokens(self.store.job_folder(self.job.name))
        return Access(
            self.job.name,
            self.token,
            local=spec["host"] in _LOOPBACK,
            tokens=tokens,
            open_metrics=spec.get("open_metrics", False),
            origins=tuple(spec.get("cors") or ()),
        )

    def _token(self) -> str | None:
        """What to ask for; None where the spec says nothing is."""
        if not self.job.spec["token"]:
            return None
        return own_token.read(self.store.job_folder(self.job.name), self.job.name)

    async def _listen(self) -> None:
        """What the door says, until it is gone; then until another is ready in its place."""
        self.channel.setblocking(False)
        lines, _ = await asyncio.open_connection(sock=self.channel.dup())
        with suppress(ConnectionError):
            while line := await lines.readline():
                await self._do(json.loads(line))
        while self.go.is_set() and not self._followed():
            await asyncio.sleep(_LOOK)
        self._leave()

    def _followed(self) -> bool:
        """Whether nobody needs this worker, whose door is gone."""
        try:
            job = self.store.get(self.job.name)
        except NotFound:
            return True
        except WorkbenchError:
            return not paths.state(self.home).exists()  # else it is known at another look
        follower = job.process is not None and job.process.pid != self.args["door"] and job.state == "ready"
        return follower or job.over or job.desired == "stopped"

    async def _do(self, message: dict[str, Any]) -> None:
        if message["do"] == "go":
            self.go.set()
        elif message["do"] == "drain":
            self._leave()
        elif message["do"] == "listen":
            for server in self.calls:
                await server.listen_again()
        elif message["do"] == "flip":
            self.endpoint.lanes.look()
            self._let_go()
            self.tell(answer=message["id"], ok=True, text="", ref=message["ref"], facts=self._facts())
        else:
            refusal = await self._prepared(message["ref"], message["at"])
            self.tell(answer=message["id"], ok=not refusal, text=refusal, ref=message["ref"])

    async def _prepared(self, ref: str, at: int) -> str:
        """Load the versions of a table, which takes over at that epoch; why it could not be, in words."""
        try:
            with short_turns():
                route = await asyncio.to_thread(self._route, ref)
                await asyncio.to_thread(self.live.prepare, route, at)
        except WorkbenchError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 what a damaged version raises is for whoever asked for it
            return f"{ref} cannot be loaded: {type(error).__name__}: {error}"
        finally:
            self._let_go()
        return ""

    def _let_go(self) -> None:
        """Forget the versions that neither answer nor will."""
        held = {served.ref for served in self.live.held()}
        for ref in self.folders.keys() - held:
            loaded.drop(self.folders.pop(ref))
        gc.collect()
