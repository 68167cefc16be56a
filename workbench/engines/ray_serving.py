"""A service on Ray Serve: an application of replicas behind Ray's proxy, told over a board which version answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import JobFailed, StorageError
from . import carried, ray_cluster
from .ray_board import ServiceBoard
from .ray_lost import Lost
from .ray_replica import Front, Told

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion

_PORT = 8000
_GROWS = {"target_ongoing_requests": 32, "upscale_delay_s": 2, "downscale_delay_s": 30}
_GROWS |= {"metrics_interval_s": 1, "look_back_period_s": 5}
"""How many requests a replica has at once before there are more, and the seconds for which that, or less, is so before
something is done: Ray's own are for machines that have to be fetched first."""
_BAD = ("DEPLOY_FAILED", "UNHEALTHY")


class Application:
    """One service. `name` is `service/churn`, `spec` as `serve` has it, `port` where its own cluster answers."""

    def __init__(self, name: str, spec: dict[str, Any], token: str | None, port: int) -> None:
        self.name, self.spec, self.token, self.own = name, spec, token, name.partition("/")[2]
        self.cluster = ray_cluster.join((spec.get("max_workers") or spec["workers"]) + 1)
        self.port = self._started(port)
        self.board = self._board()
        self._lost = Lost(self.board)
        self.epoch, self.ref, self.next = self._epoch(), "", ""

    def _started(self, port: int) -> int:
        """The port of Ray's proxy. StorageError where it answers at another one than is asked for."""
        from ray import serve

        wanted = port or self.spec["port"] or _PORT
        before = ray_cluster.serves_at()
        if before is None:
            serve.start(proxy_location="HeadOnly", http_options={"host": self.spec["host"], "port": wanted})
            return int(wanted)
        if self.spec["port"] not in (0, before):
            what = f"Ray Serve answers at port {before} of this cluster already, not at {self.spec['port']}"
            raise StorageError(what, fix=f"--port {before}, or without one")
        return before

    def _board(self) -> Any:
        """It outlives this process, as the replicas do."""
        import ray

        how = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "lifetime": "detached"}
        made = ray.remote(**how)(ServiceBoard)
        return made.options(name=self.board_name, namespace=ray_cluster.SPACE, get_if_exists=True).remote()

    def _epoch(self) -> int:
        """That of the process before this one: its replicas have counted it."""
        import ray

        return int(ray.get(self.board.said.remote())["epoch"])

    @property
    def board_name(self) -> str:
        return f"workbench-{self.own}"

    @property
    def url(self) -> str:
        """Where it answers."""
        host = self.spec["host"] if self.spec["host"] not in ray_cluster.ANY else ray_cluster.head()
        return f"http://{host}:{self.port}{'' if self.cluster.own else self._prefix}"

    @property
    def _prefix(self) -> str:
        return "/" if self.cluster.own else f"/{self.own}"

    def _put(self, **more: Any) -> None:
        import ray

        said = {"name": self.name, "spec": self.spec, "token": self.token}
        ray.get(self.board.put.remote({**said, "ref": self.ref, "next": self.next, "epoch": self.epoch, **more}))

    def _carry(self, versions: list[ModelVersion]) -> None:
        import ray

        there = ray.get(self.board.there.remote())
        for version in versions:
            if version.ref not in there:
                ray.get(self.board.carry.remote(version.ref, carried.packed(version.folder)))

    def deploy(self, ref: str, versions: list[ModelVersion]) -> None:
        """Let replicas answer with this version, or table of them."""
        from ray import serve

        self.ref, self.next = ref, ""
        self._carry(versions)
        self._put()
        made = serve.deployment(serve.ingress(Front())(Told), **self._how())
        serve.run(made.bind(self.board_name), name=self.own, route_prefix=self._prefix)

    def _how(self) -> dict[str, Any]:
        """What Ray Serve is told of the replicas: so many, or from so many to the most."""
        least, most = self.spec["workers"], self.spec.get("max_workers")
        how: dict[str, Any] = {"name": self.own, "max_ongoing_requests": self.spec["limits"]["max_queue"]}
        how |= {"logging_config": {"enable_access_log": False}}  # it would be a line for each request
        how |= {"ray_actor_options": {"num_cpus": 1}, "health_check_period_s": 1, "graceful_shutdown_timeout_s": 20}
        if most:
            return {**how, "autoscaling_config": {**_GROWS, "min_replicas": least, "max_replicas": most}}
        return {**how, "num_replicas": least}

    def prepare(self, ref: str, versions: list[ModelVersion]) -> None:
        """Have every replica load what comes."""
        self.next = ref
        self._carry(versions)
        self._put()

    def prepared(self) -> str | None:
        """Why a replica refuses what comes; empty once all have loaded it, None before."""
        seen = self._seen()
        refused = next((facts["refused"] for facts in seen if facts["prepared"] == self.next and facts["refused"]), "")
        if refused:
            self.next = ""
            self._put()
            return str(refused)
        return "" if seen and all(facts["prepared"] == self.next for facts in seen) else None

    def flip(self) -> None:
        """Let all answer with what they have loaded."""
        self.ref, self.next, self.epoch = self.next, "", self.epoch + 1
        self._put()

    def flipped(self) -> bool:
        """Whether all do."""
        return all(facts["ref"] == self.ref for facts in self._seen())

    def _seen(self) -> list[dict[str, Any]]:
        import ray

        return [facts for facts in ray.get(self.board.seen.remote()).values() if facts.get("ref")]

    def lost(self) -> list[str]:
        """Of what those replicas have ended that did by themselves since this was asked last."""
        return self._lost.look()

    def state(self) -> tuple[int, str]:
        """How many replicas answer, and what Ray says where something is wrong. JobFailed once it has given up."""
        from ray import serve

        found = serve.status().applications.get(self.own)
        if found is None:
            raise JobFailed(f"somebody has deleted {self.own} from Ray Serve", fix=f"%workbench restart {self.name}")
        said = " · ".join(filter(None, [found.message, *(one.message for one in found.deployments.values())]))
        if found.status == "DEPLOY_FAILED":
            raise JobFailed(f"Ray Serve could not deploy {self.own}: {said}", fix=f"%workbench logs {self.name}")
        running = sum(one.replica_states.get("RUNNING", 0) for one in found.deployments.values())
        return running, said if found.status in _BAD else ""

    def figures(self, file: Path) -> None:
        """Write down what the replicas have counted, those that are gone too, a slot for each."""
        import ray

        slots = ray.get(self.board.figures.remote())
        if slots:
            new = file.with_name(f"{file.name}.{os.getpid()}.new")
            new.write_bytes(b"".join(slots))
            os.replace(new, file)

    def facts(self) -> dict[str, Any]:
        """What is told of it: `replicas` are the processes that answer, on whatever machine."""
        replicas = [facts["pid"] for facts in self._seen()]
        return {
            "replicas": replicas,
            "url": self.url,
            "host": self.spec["host"],
            "port": self.port,
            "engine": str(self.cluster),
        }

    def leave(self) -> None:
        """Let it go on by itself, where its cluster does."""
        self.cluster.leave()

    def end(self) -> None:
        """Delete it; Ray Serve ends with the last one that Workbench has there."""
        import ray
        from ray import serve

        serve.delete(self.own)
        ray.kill(self.board)
        if not serve.status().applications:
            serve.shutdown()
        self.cluster.leave()
