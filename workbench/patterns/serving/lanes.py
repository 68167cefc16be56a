"""One queue for each version that answers: requests of different versions never share a batch, or a thread."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ...errors import WorkbenchError
from .batcher import Batcher
from .keys import key_of
from .shadow import Shadow

if TYPE_CHECKING:
    from ...monitoring.metrics import Metrics
    from .exchange import Ask, Request
    from .live import Live, Route
    from .served import Served


class Lane:
    """What a batcher is told to ask: one version, or the one that takes its place."""

    def __init__(self, lanes: Lanes, served: Served) -> None:
        self.lanes, self.served = lanes, served

    def current(self) -> Served:
        """The version of the next batch."""
        self.lanes.look()
        return self.served


class Lanes:
    """The batchers of the versions of the present table; `first` is that of the live one.

    A version that takes the place of another alone gets its batcher with all that waits. Where the table loses one,
    what waits for it goes over to the live one; what is being predicted is finished.
    """

    def __init__(self, live: Live, metrics: Metrics, most_waiting: int) -> None:
        self.live, self.metrics, self.most_waiting = live, metrics, most_waiting
        self._route = live.route()
        self.shadow: Shadow | None = None
        self._by = {served.ref: self._made(served) for served in self._route.versions}
        self.first = self._by[self._route.served.ref]
        self._begin()

    def __iter__(self) -> Iterator[Batcher]:
        """Those of the versions that answer; a shadow's is not among them."""
        return (lane for lane in self._by.values() if self.shadow is None or lane is not self.shadow.lane)

    def of(self, ask: Ask, request: Request) -> tuple[Served, Batcher]:
        """The version for a request, and where it is asked; `ask` reads it, where its rows have the key."""
        route = self.look()
        if not route.shared:
            return route.served, self.first
        served = route.pick(request, partial(self._key, ask, request))
        return served, self._by[served.ref]

    def _key(self, ask: Ask, request: Request, column: str) -> bytes | None:
        """What the first row has in a column; None of rows that cannot be read, which will be refused."""
        decoder = self.first.decoder(self._route.served)
        try:
            return key_of(ask(request, decoder), decoder.schema, column)
        except WorkbenchError:
            return None

    def look(self) -> Route:
        """The present route, once its lanes are there."""
        route = self.live.route()
        if route is not self._route:
            self._change(self._route, route)
        return route

    def _made(self, served: Served) -> Batcher:
        made = Batcher(Lane(self, served), self.metrics, self.most_waiting)
        made.waits = lambda: self.metrics.waits(self.waiting)
        return made

    def _change(self, before: Route, route: Route) -> None:
        self._route = route
        if self.shadow:
            self._equip(self.shadow.ended())
        wanted = {served.ref: served for served in route.versions}
        if route.served.ref not in self._by and before.served.ref not in wanted:
            self._by[route.served.ref] = self._by.pop(before.served.ref)
        for ref, served in wanted.items():
            if ref not in self._by:
                self._by[ref] = self._equip(self._made(served))
            self._by[ref].live.served = served
        self.first = self._by[route.served.ref]
        for ref in self._by.keys() - wanted.keys():
            self.first.adopt(self._by.pop(ref))
        self._begin()

    def _equip(self, lane: Batcher) -> Batcher:
        """Let it be like the first."""
        first = self.first
        lane.alone, lane.quick, lane.log, lane.most_waiting = first.alone, first.quick, first.log, self.most_waiting
        return lane

    def _begin(self) -> None:
        """From here on figures tell the versions of this table apart; a copy of what is asked goes to its shadow."""
        table, others = self._route.table, self._route.versions[1:]
        self.metrics.route(table.number, [served.version for served in self._route.versions])
        self.shadow = None
        if others and table.shadow:
            self.shadow = Shadow(others[0], self._by[others[0].ref], self.metrics)

    @property
    def waiting(self) -> int:
        """Requests that wait, in all lanes."""
        return sum(len(lane.waiting) for lane in self)

    @property
    def stuck(self) -> float:
        """For how many seconds a model has been in its present call; 0 where none is in one."""
        return max(lane.stuck for lane in self)
