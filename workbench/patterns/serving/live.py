"""The versions that answer now, and those that take over when the epoch comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from ...routing.table import Table

if TYPE_CHECKING:
    from ...routing.bandit import Earned
    from .exchange import Request
    from .served import Served


Key = Callable[[str], bytes | None]
"""Reads the key of a request out of this column of its rows; None where it has none."""


class Ledger(Protocol):
    """What the versions of a bandit's table have earned; the same for all who look."""

    def of(self, number: int) -> Mapping[str, Earned]:
        """By version, since the table of this number stands."""


class NothingEarned:
    """The ledger of a deployment that has none."""

    def of(self, number: int) -> Mapping[str, Earned]:
        return {}


NO_LEDGER = NothingEarned()


@dataclass(frozen=True)
class Route:
    """A routing table with its versions loaded, the live one first; `ledger` has what each has earned."""

    table: Table
    versions: tuple[Served, ...]
    ledger: Ledger = NO_LEDGER

    @cached_property
    def served(self) -> Served:
        """The live version."""
        return self.versions[0]

    @cached_property
    def shared(self) -> bool:
        """Whether several versions answer."""
        return len(self.versions) > 1 and not self.table.shadow

    def named(self, version: str) -> Served | None:
        """The one of this number, if it answers."""
        answers = self.versions[:1] if self.table.shadow else self.versions
        return next((served for served in answers if str(served.version) == version), None)

    def pick(self, request: Request, key_in: Key) -> Served:
        """The version for a request: that which it names, else by key, share or what each has earned."""
        table = self.table
        if not self.shared:
            return self.served
        if found := self.named(request.version or named_in(request.path)):
            return found
        key = key_in(table.column) if table.column else request.headers.get(table.header.encode())
        return self.versions[table.pick(key, self.ledger.of(table.number) if table.bandit else {})]


def named_in(path: str) -> str:
    """The version that a path names; empty where it leaves that to the table."""
    return path.partition("/versions/")[2].partition("/")[0]


class Live:
    """Asked at the start of each batch, so that no batch is answered by two versions.

    `epoch` is a number that all processes of a deployment see; what is prepared takes over once it is reached.
    """

    def __init__(self, served: Served | Route, epoch: Callable[[], int] = lambda: 0) -> None:
        self._route = served if isinstance(served, Route) else Route(Table(served.ref), (served,))
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
        return [*self.route().versions, *(self._next[1].versions if self._next else ())]
