"""A POST with the token of a schedule -> a run of it: exactly one for each delivery, however often that is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .planning import Schedule
from .store import Store

if TYPE_CHECKING:
    from .webhook_server import Server

Address = tuple[str, int]


class Webhooks:
    """Sees to it that somebody listens at the address of each schedule that waits to be called."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._servers: dict[Address, Server] = {}
        self._said: dict[str, str] = {}

    def look(self) -> None:
        """Listen at the addresses that are wanted now, and at no other."""
        wanted = {schedule.name: at for schedule in self.store.schedules() if (at := address(schedule))}
        for at in [at for at in self._servers if at not in wanted.values()]:
            self._servers.pop(at).end()
        for name, at in wanted.items():
            self._tell(name, self._listening(at))

    def _listening(self, at: Address) -> str:
        """What keeps it from listening there; nothing where it does."""
        from .webhook_server import Server

        try:
            self._servers[at] = self._servers.get(at) or Server(at, self.store)
        except OSError as error:
            return f"nothing can listen at {at[0]}:{at[1]}: {error.strerror}"
        return ""

    def _tell(self, name: str, trouble: str) -> None:
        """That it cannot listen, or can again, once each time."""
        if trouble != self._said.get(name, ""):
            self.store.event(name, trouble or "listens again", trouble=trouble)
        self._said[name] = trouble

    def end(self) -> None:
        """Listen no more."""
        for server in self._servers.values():
            server.end()


def address(schedule: Schedule) -> Address | None:
    """Where a schedule waits to be called; None for one that does not."""
    url = urlsplit((schedule.starts or {}).get("webhook", ""))
    return (url.hostname, url.port) if url.hostname and url.port else None
