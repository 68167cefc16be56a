"""A service on an engine: its job begins it there, passes on which version answers, and tells what it sees of it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .. import journal
from ..bundle import registries
from ..engines import known
from ..errors import StorageError
from ..routing.table import Table
from . import identity, own_token, rollout
from .changeover import Following, answering
from .record import Order
from .worker_rollout import RollingOut

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from .context import Context

_LOOK, _FIGURES = 0.1, 1.0
_PATIENCE = 40.0


def run(context: Context) -> None:
    """The life of a service on an engine, until it is stopped; one that is followed by another process goes on."""
    _alone(context)
    registry, spec = registries.of(context.home), context.job.spec
    token = own_token.read(context.folder, context.name) if spec["token"] else None
    port = int(context.job.facts.get("port") or 0)
    application = known.part(spec["engine"], "service").Application(context.name, spec, token, port)
    Looking(context, registry, application).run()


def _alone(context: Context) -> None:
    """Wait for the process before this one, which has the port."""
    before, end = context.job.facts.get("door"), time.monotonic() + _PATIENCE
    while before and identity.of(before) is not None and time.monotonic() < end:
        if context.stopping():
            return
        time.sleep(_LOOK)


class Looking:
    """What is done for a service again and again."""

    def __init__(self, context: Context, registry: Registry, application: Any) -> None:
        self.context, self.registry, self.application = context, registry, application
        self.ref = self._wanted()
        self.following = Following(self._wanted)
        self.pending: Order | None = None
        self.rolling = RollingOut(context.store, registry, context.job.spec["model"])
        self.file = context.folder / f"metrics-{os.getpid()}"
        self.counted, self.deaths = 0.0, 0

    def _wanted(self) -> str:
        """The version that should answer, or the table of a rollout."""
        version, model = self.registry.resolve(self.context.job.spec["model"]), self.context.job.spec["model"]
        if not model.endswith(f"@{rollout.LIVE}"):
            return version.ref
        return str(rollout.wanted(rollout.last(self.context.store, version.name), version.ref))

    def _versions(self, ref: str) -> list[ModelVersion]:
        return [self.registry.resolve(one) for one in Table.parse(ref).refs]

    def run(self) -> None:
        self.context.facts(metrics=str(self.file), door=os.getpid(), workers=[], deaths=0)
        self.application.deploy(self.ref, self._versions(self.ref))
        while not self.context.stopping():
            self._tell()
            self._orders()
            self.rolling()
            self.context.tick()
            time.sleep(_LOOK)
        job = self.context.look()
        followed = job is not None and job.desired != "stopped"
        self.application.leave() if followed else self.application.end()
        self.file.unlink(missing_ok=True)

    def _tell(self) -> None:
        """Once it is ready, once a second: what it costs the engine to say so is taken from those who ask."""
        if self.context.job.state == "ready" and time.monotonic() - self.counted < _FIGURES:
            return
        running, wrong = self.application.state()
        wanted = self.context.job.spec["workers"]
        few = f"{running} of {wanted} workers" if running < wanted else ""
        reason = " · ".join(filter(None, [few, wrong, self.following.refusal]))
        if time.monotonic() - self.counted > _FIGURES:
            self.counted = time.monotonic()
            self.application.figures(self.file)
            self.context.facts(**self.application.facts())
            for why in self.application.lost():
                self._mourn(why)
        state = "ready" if running else "starting"
        if (state, reason) != (self.context.job.state, self.context.job.reason):
            self.context.facts(**self.application.facts(), **answering(self.ref))
            self.context.state(state, reason)

    def _mourn(self, why: str) -> None:
        """Tell of the end of a replica: in the log, as an event, and for the card."""
        text = f"a replica {why}; another follows it"
        journal.note(text)
        with suppress(StorageError):
            self.context.store.event(self.context.name, text)
        self.deaths += 1
        self.context.facts(deaths=self.deaths, died_at=time.time(), died_of=why)

    def _orders(self) -> None:
        """Each is answered once all replicas have done it."""
        orders = self.context.orders()
        if self.pending is None:
            self.pending = next(iter(orders), None) or self._own()
            if self.pending is not None:
                self._begin(self.pending)
        if self.pending is not None and (refusal := self._done(self.pending)) is not None:
            order, self.pending = self.pending, None
            self._answer(order, refusal)

    def _own(self) -> Order | None:
        """Another version should answer than does, and nobody says so."""
        ref = self.following.differs(self.ref)
        return Order(0, self.context.name, "prepare", {"ref": ref}) if ref else None

    def _begin(self, order: Order) -> None:
        ref = order.args["ref"]
        if order.do == "prepare":
            self.application.prepare(ref, self._versions(ref))
        elif ref == self.application.next:
            self.application.flip()
            self.ref = ref

    def _done(self, order: Order) -> str | None:
        """Why it is refused, empty once it is done, None before."""
        if order.do == "prepare":
            refusal: str | None = self.application.prepared()
            return refusal
        if order.args["ref"] != self.ref:
            return f"{order.args['ref']} is not what was loaded last: it was promoted twice at a time"
        return "" if self.application.flipped() else None

    def _answer(self, order: Order, refusal: str) -> None:
        if order.id:
            self.context.answer(order, refusal)
        else:
            self.following.refused(order.args["ref"], refusal)
            if not refusal and order.do == "prepare":
                self.pending = Order(0, order.job, "flip", order.args)
                self._begin(self.pending)
        self.context.facts(**answering(self.ref))
