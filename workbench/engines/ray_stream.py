"""The processes that a stream asks on a cluster of Ray: an actor each. Who reads and writes stays here, so that each
answer is written once, and in order, however many there are and whichever is lost. Micro-batches and their answers
travel as bytes: of thousands of small objects Ray would look at each by itself."""

from __future__ import annotations

import gc
import pickle
from collections import deque
from contextlib import suppress
from typing import Any

from ..errors import WorkbenchError
from ..patterns.streaming.crew import Asked, Bundle, Crew, Hand, Told, answered, routed
from . import carried, ray_cluster

_PROTOCOL = 5
_SETTINGS = {"RAY_max_direct_call_object_size": str(4 << 20)}
"""Up to so many bytes a micro-batch, and its answers, go with the call: in the memory that processes share each of them
costs the node a millisecond more, of its own and of theirs."""


def crew(bundle: Bundle, count: int, *, apart: bool) -> Crew:
    """So many actors. JobFailed where there is no cluster."""
    cluster = ray_cluster.joined() or ray_cluster.join(count, _SETTINGS)
    made = Actors(bundle, count, apart)
    made.where = str(cluster)
    return made.begin(fork=False)


class Actors(Crew):
    """A processor each. One whose node is lost is followed by another once there is room for it; others go on."""

    at_once = 2

    def _started(self, *, fork: bool, apart: bool) -> Hand:
        import ray

        made = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Asking)
        packed = [ray.put(carried.packed(folder)) for folder in self.bundle.folders]
        actor = made.remote({**self.bundle.to_json(), "apart": apart}, *packed)
        return Hand(0, _Line(actor, deque([actor.loaded.remote()])))

    def _ask(self, hand: Hand, asked: Asked) -> None:
        hand.pipe.answers.append(hand.pipe.actor.ask.remote(pickle.dumps(asked, _PROTOCOL)))

    def _ready(self, timeout: float) -> list[Hand]:
        import ray

        first = {hand.pipe.answers[0]: hand for hand in self._hands if hand.pipe.answers}
        if not first:
            return []
        found, _ = ray.wait(list(first), num_returns=1, timeout=timeout)  # another is heard when it is asked again
        return [first[answer] for answer in found]

    def _said(self, hand: Hand) -> Told | WorkbenchError | None:
        import ray

        try:
            said: Told | WorkbenchError | None = pickle.loads(ray.get(hand.pipe.answers.popleft()))  # noqa: S301 its own
        except ray.exceptions.RayTaskError:
            raise
        except ray.exceptions.RayError as error:
            raise EOFError(str(error).strip().partition("\n")[0]) from error
        return said

    def _reaped(self, hand: Hand) -> str:
        self._kill(hand)
        return "lost by Ray"

    def _kill(self, hand: Hand) -> None:
        import ray

        with suppress(ray.exceptions.RayError):
            ray.kill(hand.pipe.actor)

    @property
    def pids(self) -> list[int]:
        """None of this machine's."""
        return []


class _Line:
    """An actor, and what it has not answered."""

    def __init__(self, actor: Any, answers: deque[Any]) -> None:
        self.actor, self.answers = actor, answers


class Asking:
    """The process that asks the model."""

    def __init__(self, said: dict[str, Any], *packed: bytes) -> None:
        self.error: WorkbenchError | None = None
        try:
            folders = [str(carried.unpacked(one, "model@1").folder) for one in packed]
            self.asking = routed({**said, "folders": folders})
            gc.collect()
            gc.freeze()  # each collection would look through the model, and all that is imported
        except WorkbenchError as error:  # raised here it would end the process, and its words
            self.error = error

    def loaded(self) -> bytes:
        return pickle.dumps(self.error)

    def ask(self, asked: bytes) -> bytes:
        try:
            said: Told | WorkbenchError = answered(self.asking, pickle.loads(asked))  # noqa: S301 by our own driver
        except WorkbenchError as error:
            said = error
        return pickle.dumps(said, _PROTOCOL)
