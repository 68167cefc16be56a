"""A stream: the loop of its pattern, with the version that its orders say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..bundle import loaded, registries
from ..bundle.apart import Apart
from ..errors import WorkbenchError

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor
    from .context import Context


def run(context: Context) -> None:
    """The life of a stream, until it is stopped or followed by another."""
    from ..monitoring.stream_metrics import served
    from ..patterns.streaming.loop import run as loop

    following = Following(context)
    context.facts(**following.facts())
    with served(following.spec.get("metrics"), context.name, lambda: context.job.facts, context.folder):
        loop(following.spec, following.model, context, following.sought)


class Following:
    """The version that answers: read at the start of each micro-batch, changed by the orders `prepare` and `flip`."""

    def __init__(self, context: Context) -> None:
        self.context, self.spec = context, context.job.spec
        self.registry = registries.of(context.home)
        self.said: dict[str, str] = {}  # of each version, what became of its fast path
        self.version = self.registry.resolve(self.spec["model"])
        self.predictor = self._loaded(self.version)
        self.next: tuple[ModelVersion, Predictor] | None = None

    def model(self) -> tuple[str, Predictor]:
        """The version and its predictor, after the orders that came meanwhile."""
        self.context.tick()
        for order in self.context.orders():
            if order.do == "seek":
                continue  # between two batches
            try:
                self._prepare(order.args["ref"]) if order.do == "prepare" else self._flip(order.args["ref"])
            except Exception as error:  # noqa: BLE001 whatever a new version raises, the one that answers goes on
                known = isinstance(error, WorkbenchError)
                self.context.answer(order, str(error) if known else f"{type(error).__name__}: {error}")
            else:
                self.context.answer(order)
        if isinstance(self.predictor, Apart) and not self._apart():
            self.predictor.close()
            self.predictor = self._loaded(self.version)
        return self.version.ref, self.predictor

    def sought(self) -> tuple[str, Callable[[str], None]] | None:
        """The place that it is told to read on from, and how that is answered."""
        order = next((order for order in self.context.orders() if order.do == "seek"), None)
        return (order.args["to"], partial(self.context.answer, order)) if order else None

    def _loaded(self, version: ModelVersion) -> Predictor:
        if self._apart():
            return Apart(version, self.context.home)
        predictor = version.predictor(self.context.home, own=self.spec.get("env") == "own")
        if self.spec.get("fast"):
            from ..fast.prove import quicken

            self.said[version.ref] = quicken(version, predictor)
        return predictor

    def facts(self) -> dict[str, Any]:
        """What is told of the version that answers: whether it has a fast path, where one was asked for, and what it
        has an environment of its own for."""
        ref, needs = self.version.ref, getattr(self.predictor, "needs", "")
        return {"version": ref, "speed": self.said.get(ref, ""), "own": {ref: needs} if needs else {}}

    def _apart(self) -> bool:
        """Whether the process before this one ended without a word, lately: a record may have ended it."""
        return self.context.job.restarts > 0

    def _prepare(self, ref: str) -> None:
        version = self.registry.resolve(ref)
        predictor = self._loaded(version)
        if version.manifest.has_reference:
            predictor.predict({name: values[:1] for name, values in version.reference().items()})
        self.next = version, predictor

    def _flip(self, ref: str) -> None:
        """To this version; one that this process, begun since, was not asked to prepare is prepared now."""
        if self.version.ref == ref:
            return
        if self.next is None or self.next[0].ref != ref:
            self._prepare(ref)
        assert self.next is not None
        loaded.drop(self.version.folder)
        if isinstance(self.predictor, Apart):
            self.predictor.close()
        (self.version, self.predictor), self.next = self.next, None
        self.context.facts(**self.facts())
