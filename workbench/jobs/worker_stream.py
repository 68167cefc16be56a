"""A stream: the loop of its pattern, with the versions that its orders and the rollout of its model say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ..bundle import loaded, registries
from ..bundle.apart import Apart
from ..bundle.storage import writing
from ..engines import known
from ..errors import WorkbenchError
from ..routing.table import Table
from . import changeover, rollout
from .worker_rollout import RollingOut

if TYPE_CHECKING:
    from pathlib import Path

    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor
    from ..patterns.streaming.batches import Batch, Share
    from ..patterns.streaming.crew import Bundle, Crew
    from ..patterns.streaming.routed import Route
    from ..patterns.streaming.shadow import Shadow
    from .context import Context

_METRICS = "metrics"
_OF_ITS_OWN = "where it reads on is kept by its engine\n→ a stream of another --name begins anew"


def run(context: Context) -> None:
    """The life of a stream, until it is stopped or followed by another."""
    from ..monitoring.stream_metrics import served
    from ..patterns.streaming.loop import run as loop

    house = Following(context)
    engine = house.spec.get("engine")
    if engine and known.ENGINES[engine].reads_itself:
        known.part(engine, "stream").run(house.spec, house.answering, context)
        return
    house.begin()
    with served(house.spec.get("metrics"), context.name, lambda: context.job.facts, context.folder):
        loop(house.spec, house, context)


class Following:
    """The versions that answer: read at the start of each micro-batch, changed by the orders `prepare` and `flip`, and
    by what is told of the rollout of the model, which it looks after as the doors of services do."""

    def __init__(self, context: Context) -> None:
        from ..monitoring.metrics import Metrics

        self.context, self.spec = context, context.job.spec
        self.registry = registries.of(context.home)
        self.said: dict[str, str] = {}  # of each version, what became of its fast path
        self.following = changeover.Following(self._wanted)
        self.rolling = RollingOut(context.store, self.registry, self.spec["model"])
        with writing(context.folder):
            self.metrics = Metrics(context.folder / _METRICS, 0, 1)
        self.begun = False  # until then nothing is predicted: this process may be forked
        self.held: dict[str, tuple[ModelVersion, Predictor]] = {}  # those that answer, and those that were prepared
        self.table = Table.parse(self._wanted())
        context.facts(stage=changeover.loading(str(self.table)))
        self.now = self._prepared(self.table)
        self.crew: Crew | None = None
        self.shadow: Shadow | None = None
        self.told: list[int] = []
        self.begun = True

    def _wanted(self) -> str:
        """The version that should answer, or the table of a rollout."""
        version = self.registry.resolve(self.spec["model"])
        if not self.spec["model"].endswith(f"@{rollout.LIVE}"):
            return version.ref
        return str(rollout.wanted(rollout.last(self.context.store, version.name), version.ref))

    def begin(self) -> None:
        """Start the processes that ask, while this one may still be forked; tell which versions answer."""
        if self._workers() > 1 and not self.spec.get("engine"):
            self.context.store.database.close()  # which the forks must not have
            self.crew = self._crew(fork=True)
        self.several()
        self._tell()

    def route(self) -> Route:
        """The versions that answer, after the orders that came meanwhile."""
        self.context.tick()
        if self.shadow:
            self._count(*self.shadow.said())
        with suppress(WorkbenchError):  # what cannot be looked at now is looked at again
            self.rolling()
        for order in self.context.orders():
            if order.do == "seek":
                continue  # between two batches
            refused = self._tried(order.do, order.args["ref"])
            self.context.answer(order, refused)
        if ref := self.following.differs(str(self.table)):
            self.following.refused(ref, self._tried("prepare", ref) or self._tried("flip", ref))
        if isinstance(self.now.live, Apart) and not self._apart():
            self._let_go()
            self.now = self._prepared(self.table)
        return self.now

    def answering(self) -> ModelVersion:
        """The live version alone, for tasks elsewhere to load, after the orders that came meanwhile."""
        self.route()
        if (asked := self.sought()) is not None:
            asked[1](_OF_ITS_OWN)
        return self.held[self.table.ref][0]

    def _tried(self, do: str, ref: str) -> str:
        """Do it; why not: whatever a new version raises, the one that answers goes on."""
        try:
            self._prepared(Table.parse(ref)) if do == "prepare" else self._flip(ref)
        except Exception as error:  # noqa: BLE001
            return str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
        return ""

    def _prepared(self, table: Table) -> Route:
        """The table with its versions loaded, each of which has answered a row of its example."""
        from ..patterns.streaming.routed import Route

        for ref in table.refs:
            if ref not in self.held:
                self.held[ref] = self._loaded(ref)
        return Route(table, tuple(self.held[ref][1] for ref in table.answering))

    def _loaded(self, ref: str) -> tuple[ModelVersion, Predictor]:
        version = self.registry.resolve(ref)
        apart = self._apart()
        predictor = version.predictor(self.context.home, own=self._own(), apart=apart)
        if self.spec.get("fast") and not apart:
            from ..fast.prove import quicken

            self.said[ref] = quicken(version, predictor)
        if self.begun and not apart and version.manifest.has_reference:
            predictor.predict({name: values[:1] for name, values in version.reference().items()})
        return version, predictor

    def _apart(self) -> bool:
        """Whether the process before this one ended without a word, lately: a record may have ended it."""
        return self.context.job.restarts > 0

    def _own(self) -> bool:
        """Whether a version that needs other packages has an environment of its own."""
        return self.spec.get("env") == "own"

    def _flip(self, ref: str) -> None:
        """To these versions; those that this process, begun since, was not asked to prepare are prepared now."""
        if str(self.table) == ref:
            return
        self.now, self.table = self._prepared(Table.parse(ref)), Table.parse(ref)
        if self.shadow:
            self.shadow.close()
            self.shadow = None
        for gone in [one for one in self.held if one not in self.table.refs]:
            self._drop(*self.held.pop(gone))
        self._tell()

    def _let_go(self) -> None:
        for gone in list(self.held):
            self._drop(*self.held.pop(gone))

    @staticmethod
    def _drop(version: ModelVersion, predictor: Predictor) -> None:
        loaded.drop(version.folder)
        if isinstance(predictor, Apart):
            predictor.close()

    def _tell(self) -> None:
        """Which versions answer, and how the first does; what each does is counted from here on."""
        self.metrics.route(self.table.number, [self.held[ref][0].version for ref in self.table.refs])
        needs = {ref: getattr(self.held[ref][1], "needs", "") for ref in self.table.refs}
        own = {ref: said for ref, said in needs.items() if said}
        facts = changeover.answering(str(self.table)) | {
            "speed": self.said.get(self.table.ref, ""),
            "own": own,
            "stage": "",
        }
        self.context.facts(**facts, metrics=str(self.context.folder / _METRICS))

    def works(self, busy: bool) -> None:
        """Say since when, for who looks while it goes on."""
        if busy:
            self.metrics.calls()
        else:
            self.metrics.rests(0.0)

    def wrote(self, batch: Batch) -> None:
        """Count what each version did, by which a rollout is judged; a shadow is asked about what was answered."""
        self._count(*batch.shares)
        if self.table.shadow and batch.records:
            self.shadow = self.shadow or self._shadowing()
            self.shadow.offer(batch)

    def _shadowing(self) -> Shadow:
        from ..patterns.streaming.shadow import Shadow

        ref = self.table.beside
        return Shadow(self._bundle(ref, (self.held[ref][0].folder,)))

    def _count(self, *shares: Share) -> None:
        for share in shares:
            if held := self.held.get(share.ref):  # else it went while it was asked
                version = held[0].version
                self.metrics.answered_all(version, share.answered, share.failed, share.seconds, share.outcomes)

    def sought(self) -> tuple[str, Callable[[str], None]] | None:
        """The place that it is told to read on from, and how that is answered."""
        order = next((order for order in self.context.orders() if order.do == "seek"), None)
        return (order.args["to"], partial(self.context.answer, order)) if order else None

    def several(self) -> Crew | None:
        """The processes that ask, as many as are wanted now; None where this one asks itself. Those of the versions
        before are left to whoever waits for their answers."""
        count = self._workers()
        here = count == 1 and not self.spec.get("engine")
        if self.crew and (here or (self.crew.bundle.table, self.crew.apart) != (str(self.table), self._apart())):
            self.crew = None
        if not here and self.crew is None:
            self.crew = self._crew(fork=False)
        if self.crew and self.crew.count != count:
            self.crew.resize(count)
        if (pids := self.crew.pids if self.crew else []) != self.told:
            self.told = pids
            self.context.facts(workers=pids)
        return self.crew

    def _workers(self) -> int:
        return int(self.context.job.spec.get("workers") or 1)

    def _crew(self, *, fork: bool) -> Crew:
        from ..patterns.streaming.crew import Crew

        bundle = self._bundle(str(self.table), tuple(self.held[ref][0].folder for ref in self.table.answering))
        if engine := self.spec.get("engine"):
            crew: Crew = known.part(engine, "stream").crew(bundle, self._workers(), apart=self._apart())
            self.context.facts(engine=crew.where)
            return crew
        return Crew(bundle, self._workers(), self._apart()).begin(fork=fork)

    def _bundle(self, table: str, folders: tuple[Path, ...]) -> Bundle:
        from ..patterns.streaming.crew import Bundle

        form, fast = self.spec.get("form", "json"), bool(self.spec.get("fast"))
        return Bundle(table, folders, self.context.home, form, fast, self._own())
