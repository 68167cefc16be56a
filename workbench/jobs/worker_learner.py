"""A learner: begins from the live version, and makes what it has become the live one, which services then change over
to by themselves.

All that it knows stands in the registry, the queue and the history of the model: a version says how far it had learned,
the history who made it live. Where that was somebody else, as in a rollback, what came before is not learned again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .. import text
from ..bundle import registries
from ..bundle.learned import Learned, publish
from ..bundle.load import load_anew
from ..errors import WorkbenchError
from . import rollout

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from ..data.log import Log
    from ..inference.predictor import Predictor
    from ..patterns.learning.loop import Start
    from .context import Context

_LOOK = 0.5


def run(context: Context) -> None:
    """The life of a learner, until it is stopped."""
    from ..patterns.learning.loop import House
    from ..patterns.learning.loop import run as loop

    school = School(context)
    house = House(school.start, school.moved, school.keep)
    loop(context.job.spec, house, context, context.folder / "outcomes")


class School:
    """Where a learner gets its model from, and keeps what becomes of it."""

    def __init__(self, context: Context) -> None:
        self.context, self.spec = context, context.job.spec
        self.registry = registries.of(context.home)
        self.name = str(self.spec["model"]).partition("@")[0]
        self.base: ModelVersion  # what was loaded
        self.live = 0  # what it is now
        self.looked = 0.0

    def start(self, log: Log) -> Start:
        """The live version, loaded afresh, and where in the queue to go on."""
        from ..patterns.learning.loop import Start

        self.base = self._live()
        moved = self._moved(self.base.version)
        self.live = self.base.version
        predictor = load_anew(self.base.folder, name=self.base.ref, home=self.context.home)
        learned = self._own(self.base, log)
        offset = learned.offset if learned else log.first
        if moved and moved[1] != self.context.name:
            offset = max(offset, log.before(moved[0]))
        self.context.facts(version=self.base.ref)
        self._tidy()
        return Start(predictor, offset, learned.examples if learned else 0)

    def moved(self) -> bool:
        """Whether another version is live than the one that it has become."""
        if time.monotonic() - self.looked < _LOOK:
            return False
        self.looked = time.monotonic()
        return self._live().version != self.live

    def keep(self, log: Log, predictor: Predictor, offset: int, examples: int) -> str:
        """Publish what the model is by now, and make it live; why not, in words."""
        event = rollout.last(self.context.store, self.name)
        live = self._live()
        if live.version != self.live:
            return f"{live.ref} is live now"
        if beside := rollout.wanted(event, live.ref).beside:
            return f"{beside} is being rolled out"
        own = Learned.of(self.base.manifest)
        begun = own.begun if own else self.base.ref
        learned = Learned(self.context.name, log.label, log.identity, offset, examples, begun)
        new = publish(self.base, predictor, learned, self.registry)
        said = f"{self.name}@{rollout.LIVE} moved to {new.ref}, which learned {text.count(examples, 'example')}"
        told = {"to": new.version, "before": live.version, "by": self.context.name}
        if not self.context.store.event_after(event.id if event else 0, rollout.story(self.name), said, **told):
            return f"somebody else changed {self.name} meanwhile"
        self.registry.set_alias(new, rollout.LIVE)
        self.live = new.version
        self._follow(new)
        self._tidy()
        self.context.facts(version=new.ref)
        return ""

    def _live(self) -> ModelVersion:
        return self.registry.resolve(f"{self.name}@{rollout.LIVE}")

    def _own(self, version: ModelVersion, log: Log) -> Learned | None:
        """What this version has learned of this queue, by this learner."""
        learned = Learned.of(version.manifest)
        ours = learned and (learned.reader, learned.identity) == (self.context.name, log.identity)
        return learned if ours else None

    def _moved(self, live: int) -> tuple[float, str] | None:
        """When this version became live, and by whom; None where nobody ever told of that."""
        events = [e for e in self.context.store.events(rollout.story(self.name)) if "to" in e.details]
        last = events[-1].details if events else {}
        if last.get("by") == self.context.name and last["before"] == live and last["to"] != self.live:
            events.pop()  # this learner was killed after it had told, before it was done
        if not events:
            return None
        told = events[-1].details["to"] == live  # else who has moved it just now has not told yet
        return (events[-1].at, str(events[-1].details.get("by"))) if told else (time.time(), "")

    def _follow(self, version: ModelVersion) -> None:
        """Services look for themselves; streams are asked."""
        for job in self.context.store.jobs("stream", over=False):
            if rollout.follows(job, self.name):
                self.context.store.order(job.name, "flip", ref=version.ref)

    def _tidy(self) -> None:
        """Of the versions that it has made the last few stay, and those that have a name."""
        made = [v for v in self.registry.versions(self.name) if v.readable and self._made(v)]
        for version in made[: -self.spec["keep"]]:
            if not version.aliases:
                try:
                    self.registry.remove(version)
                except WorkbenchError:
                    continue  # somebody has named or removed it meanwhile

    def _made(self, version: ModelVersion) -> bool:
        learned = Learned.of(version.manifest)
        return learned is not None and learned.reader == self.context.name
