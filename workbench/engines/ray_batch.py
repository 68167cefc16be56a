"""The processes of a crew on a cluster of Ray: an actor each, which hands back the bytes of a part."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.answers import Answers
from ..errors import WorkbenchError
from ..inference.schema import Schema
from ..patterns.batch.crew import Bundle, Crew, Gone, Hand
from ..patterns.batch.hand import LOADED, Given, Reply, replied
from . import carried, ray_cluster
from .ray_lost import GONE

if TYPE_CHECKING:
    import pyarrow as pa


def crew(bundle: Bundle, count: int | None, *, timeout: float | None, retries: int) -> Crew:
    """So many processes on the cluster, or as many as it has processors. JobFailed where there is none."""
    cluster = ray_cluster.join(count or 1)
    return Crew(Actors(bundle, cluster), count or max(1, cluster.processors), timeout=timeout, retries=retries)


@dataclass
class _Process:
    """An actor, what it has not answered, the node that it is on once it is known, and the rows that it was given."""

    actor: Any
    answers: deque[Any] = field(default_factory=deque)
    node: str = ""


class Actors:
    """One processor each. Rows lie in the memory of Ray, from where another actor reads them if a node is lost."""

    def __init__(self, bundle: Bundle, cluster: ray_cluster.Cluster) -> None:
        import ray

        self._cluster, self._bundle = cluster, bundle
        self._packed = ray.put(carried.packed(bundle.folder))
        self._actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Scoring)

    def start(self, hand: Hand, *, apart: bool) -> None:
        said = self._bundle.model, str(self._bundle.home)
        hand.process = _Process(self._actor.remote(self._packed, *said, apart=apart))
        hand.process.answers.append(hand.process.actor.loaded.remote())

    def put(self, hand: Hand, table: pa.Table) -> Any:
        import ray

        return ray.put(table)

    def send(self, hand: Hand, given: Given) -> None:
        process: _Process = hand.process
        process.answers.append(process.actor.score.remote(replace(given, room=None), given.room))

    def ready(self, hands: list[Hand], patience: float) -> list[Hand]:
        import ray

        first = {hand.process.answers[0]: hand for hand in hands}
        if not first:
            return []
        ray.wait(list(first), num_returns=1, timeout=patience)
        found, _ = ray.wait(list(first), num_returns=len(first), timeout=0)
        return [first[answer] for answer in found]

    def receive(self, hand: Hand) -> Reply:
        import ray

        process: _Process = hand.process
        answer = process.answers.popleft()
        try:
            said: tuple[str, Reply] = ray.get(answer)
        except ray.exceptions.RayTaskError:
            raise
        except ray.exceptions.RayError as error:
            lost = GONE in str(error) or (process.node and process.node not in ray_cluster.living())
            raise Gone("was lost with its node" if lost else _words(error), blames=not lost) from None
        process.node, reply = said
        return reply

    def kill(self, hand: Hand) -> None:
        import ray

        with suppress(ray.exceptions.RayError):
            ray.kill(hand.process.actor)

    def facts(self, hands: list[Hand]) -> dict[str, Any]:
        return {"workers": [], "engine": str(self._cluster)}

    def close(self, hands: list[Hand]) -> None:
        for hand in hands:
            self.kill(hand)
        self._cluster.leave()


def _words(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return f"ended: {said[0]}" if said else f"ended: {type(error).__name__}"


class Scoring:
    """The process that scores chunks: each answer says on which node it is, too."""

    def __init__(self, packed: bytes, model: str, home: str, *, apart: bool) -> None:
        import ray

        self.node = ray.get_runtime_context().get_node_id()
        self.error: WorkbenchError | None = None
        try:
            self._load(packed, model, Path(home), apart=apart)
        except WorkbenchError as error:  # raised here it would end the process, and its words
            self.error = error

    def _load(self, packed: bytes, model: str, home: Path, *, apart: bool) -> None:
        from ..bundle.apart import Apart

        version = carried.unpacked(packed, model)
        self.answers = Answers(version.ref, Schema.from_json(version.manifest.outputs))
        self.predictor = Apart(version, home) if apart else version.predictor(home)

    def loaded(self) -> tuple[str, Reply]:
        return self.node, Reply(LOADED, error=self.error)

    def score(self, given: Given, table: pa.Table) -> tuple[str, Reply]:
        return self.node, replied(given, table, self.predictor, self.answers, far=True)
