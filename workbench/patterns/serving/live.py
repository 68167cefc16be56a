"""The versions that answer now, and those that take over when the epoch comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...routing import Table

if TYPE_CHECKING:
    from .exchange import Request
    from .served import Served


@dataclass(frozen=True)
class Route:
    """A routing table with its versions loaded; `beside` is None where one version answers everything."""

    table: Table
    served: Served
    beside: Served | None = None

    @property
    def versions(self) -> list[Served]:
        """What is asked by it, the live one first."""
        return [self.served, self.beside] if self.beside else [self.served]

    def named(self, version: str) -> Served | None:
        """The one of this number, if it answers."""
        answers = self.versions[:1] if self.table.shadow else self.versions
        return next((served for served in answers if str(served.version) == version), None)

    def pick(self, request: Request) -> Served:
        """The version for a request: that which it names, else by key or share."""
        if self.beside is None or self.table.shadow:
            return self.served
        if found := self.named(request.version or named_in(request.path)):
            return found
        sticky = self.table.sticky
        key = request.headers.get(sticky.encode()) if sticky else None
        return self.beside if self.table.takes(key) else self.served


def named_in(path: str) -> str:
    """The version that a path names; empty where it leaves that to the table."""
    return path.partition("/versions/")[2].partition("/")[0]


class Live:
    """Asked at the start of each batch, so that no batch is answered by two versions.

    `epoch` is a number that all processes of a deployment see; what is prepared takes over once it is reached.
    """

    def __init__(self, served: Served | Route, epoch: Callable[[], int] = lambda: 0) -> None:
        self._route = served if isinstance(served, Route) else Route(Table(served.ref), served)
        self._epoch = epoch
        self._next: tuple[int, Route] | None = None
        for one in self._route.versions:
            one.warm()

    def prepare(self, route: Route, at: int) -> None:
        """Let the versions that are new answer their example, and wait for the epoch `at`. ModelFailed where one
        cannot answer."""
        answering = {served.ref for served in self.route().versions}
        for served in route.versions:
            if served.ref not in answering:  # whose model thread alone calls it
                served.warm()
        self._next = at, route

    def route(self) -> Route:
        """What says which version answers from here on."""
        if self._next is not None and self._epoch() >= self._next[0]:
            self._route, self._next = self._next[1], None
        return self._route

    def current(self) -> Served:
        """The version that is live from here on."""
        return self.route().served

    def held(self) -> list[Served]:
        """The versions that answer, and those that wait."""
        return self.route().versions + (self._next[1].versions if self._next else [])
