"""A replica of a service on Ray Serve: the same ASGI application as a worker of this machine has, with the version that
the board of the service says."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..bundle import registries
from ..errors import UsageError, WorkbenchError
from ..routing.table import Table
from . import carried, ray_cluster
from .ray_board import heard

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from ..monitoring.metrics import Metrics
    from ..patterns.serving.endpoint import Endpoint
    from ..patterns.serving.live import Live, Route

_AGAIN, _FIGURES = 0.1, 0.9
_TOKEN = "WORKBENCH_TOKEN"  # noqa: S105 the name of the variable
_HERE: dict[str, Endpoint] = {}
"""What answers in this process, which has one replica."""


class Front:
    """What Ray Serve asks; a function would be called to make what it asks. The path is that of the service, whatever
    it lies under."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        under = scope.get("root_path", "")
        if under and scope["path"].startswith(under):
            scope = {**scope, "path": scope["path"].removeprefix(under) or "/"}
        await _HERE["endpoint"](scope, receive, send)


class Replica:
    """Answers with the version, or the table of several, that `said` has as `ref`; `spec` is as `serve` has it."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
        self.versions: dict[str, ModelVersion] = {}
        self.live, self.metrics = self._live(), self._metrics()
        _HERE["endpoint"] = self._endpoint()

    def _live(self) -> Live:
        from ..patterns.serving.live import Live

        return Live(self._route(self.said["ref"]), lambda: int(self.said["epoch"]))

    def _route(self, said: str) -> Route:
        """The table that is written so, with its versions loaded."""
        from ..patterns.serving.live import Route
        from ..patterns.serving.served import Served

        table, fast = Table.parse(said), bool(self.said["spec"]["fast"])
        versions = [Served.of(self._version(ref), Path(tempfile.gettempdir()), fast=fast) for ref in table.refs]
        return Route(table, tuple(versions))

    def _version(self, ref: str) -> ModelVersion:
        """That of the registry which this machine has."""
        return registries.of(paths.home()).resolve(ref)

    def _metrics(self) -> Metrics:
        from ..monitoring.metrics import Metrics

        return Metrics(Path(tempfile.mkdtemp(prefix="workbench-")) / "metrics", 0, 1)

    def _endpoint(self) -> Endpoint:
        from ..patterns.serving.access import Access
        from ..patterns.serving.answering import Limits
        from ..patterns.serving.endpoint import Endpoint

        spec = self.said["spec"]
        local, origins = spec["host"] in ray_cluster.LOOPBACK, tuple(spec["cors"] or ())
        how = {"local": local, "open_metrics": spec["open_metrics"], "origins": origins}
        access = Access(self.said["name"], self.said["token"], **how)
        limits = Limits(**spec["limits"])
        return Endpoint(self.live, name=self.said["name"], access=access, limits=limits, metrics=self.metrics)


class Told(Replica):
    """Hears from the board `board` which version answers, and tells it what was loaded and counted."""

    def __init__(self, board: str) -> None:
        import ray
        from ray import serve

        self.board = ray.get_actor(board, namespace=ray_cluster.SPACE)
        self.id = serve.get_replica_context().replica_id.unique_id
        actor = ray.get_runtime_context().current_actor
        super().__init__(ray.get(self.board.join.remote(self.id, actor)))
        self.answering, self.told = str(self.said["ref"]), 0.0
        self.prepared = self.refused = ""
        self.beating = asyncio.get_running_loop().create_task(self._beat())  # Ray makes it on the loop that answers

    def __del__(self) -> None:
        """Ray Serve calls it where it lets a replica end, of which nobody is to say that it was lost."""
        with suppress(Exception):
            self.board.forget.remote(self.id)

    def _version(self, ref: str) -> ModelVersion:
        import ray

        if ref not in self.versions:
            self.versions[ref] = carried.unpacked(ray.get(self.board.packed.remote(ref)), ref)
        return self.versions[ref]

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            facts = {"ref": self.answering, "prepared": self.prepared, "refused": self.refused, "pid": os.getpid()}
            if loop.time() - self.told > _FIGURES:
                self.told = loop.time()
                self.metrics.beat()
                facts["figures"] = bytes(self.metrics.values)
            try:
                self.said = await self.board.beat.remote(self.id, facts, heard(self.said))
            except Exception:  # noqa: BLE001 the board begins anew: what answers goes on
                await asyncio.sleep(_AGAIN)
                continue
            await self._follow()

    async def _follow(self) -> None:
        """Load what comes, and answer with what is said to answer."""
        wanted, comes = self.said["ref"], self.said["next"]
        if wanted and wanted != self.answering:
            if self.prepared != wanted:
                await self._prepare(wanted, int(self.said["epoch"]))
            if not self.refused:
                self.answering = wanted
            _HERE["endpoint"].lanes.look()
        if comes and comes not in (self.prepared, wanted):
            await self._prepare(comes, int(self.said["epoch"]) + 1)

    async def _prepare(self, ref: str, at: int) -> None:
        try:
            route = await asyncio.to_thread(self._route, ref)
            await asyncio.to_thread(self.live.prepare, route, at)
            self.refused = ""
        except WorkbenchError as error:
            self.refused = str(error)
        except Exception as error:  # noqa: BLE001 what a damaged version raises is for whoever asked for it
            self.refused = f"{ref} cannot be loaded: {type(error).__name__}: {error}"
        self.prepared = ref


def application(args: dict[str, Any]) -> Any:
    """What `serve_config.yaml` of an export names: `args` have the `name`, the `ref` and the `spec`. UsageError where
    the token that it asks for is not there."""
    from ray import serve

    said = {**args, "epoch": 0, "token": os.environ.get(_TOKEN) if args["spec"]["token"] else None}
    if args["spec"]["token"] and not said["token"]:
        fix = f"set {_TOKEN} where the nodes of Ray start, or export it again with --no-token"
        raise UsageError(f"{args['name']} asks for a token, and nothing says which", fix=fix)
    made = serve.deployment(serve.ingress(Front())(Replica), name=args["name"].partition("/")[2])
    return made.bind(said)
