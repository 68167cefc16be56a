"""Where what runs in a cluster of Ray tells what it sees, and reads how it is steered: an actor."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

_SILENCE, _NEWS = 3.0, 1.0
"""Seconds: after so many, of a replica that tells something at least once in these, it is silent."""
Known = tuple[str, str, int]
"""What a replica has heard: the version that answers, the one that comes, and the changes so far."""


class Board:
    """By a name for each that runs. Whoever steers says it again and again, so nothing is lost where it begins anew."""

    def __init__(self) -> None:
        self._facts: dict[str, dict[str, Any]] = {}
        self._steered: dict[str, dict[str, Any]] = {}

    def tell(self, name: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Take what one sees; how it is steered."""
        self._facts.setdefault(name, {}).update(facts)
        return self._steered.get(name, {})

    def steer(self, name: str, how: dict[str, Any]) -> dict[str, Any]:
        """Say how one is steered; what it has told."""
        self._steered[name] = how
        return self._facts.get(name, {})


class Steered:
    """The control of one that runs, over a board."""

    def __init__(self, board: Any, name: str) -> None:
        self._board, self._name, self._said = board, name, {"stopping": False, "paused": False}
        self._new: dict[str, Any] = {}

    def _look(self) -> dict[str, Any]:
        import ray

        new, self._new = self._new, {}
        self._said |= ray.get(self._board.tell.remote(self._name, new))
        return self._said

    def stopping(self) -> bool:
        return bool(self._look()["stopping"])

    def paused(self) -> bool:
        return bool(self._said["paused"])

    def facts(self, **facts: Any) -> None:
        self._new |= facts

    def state(self, state: str, reason: str = "") -> None:
        self._new |= {"state": state, "reason": reason}


class ServiceBoard:
    """That of a service: what should answer, the versions as bytes, and what its replicas have told, who are silent
    when they have not told anything for a while. One that is told to end says so before, and is forgotten."""

    def __init__(self) -> None:
        self._said: dict[str, Any] = {"ref": "", "next": "", "epoch": 0}
        self._packed: dict[str, bytes] = {}
        self._replicas: dict[str, tuple[float, dict[str, Any]]] = {}
        self._actors: dict[str, Any] = {}
        self._forgotten: set[str] = set()
        self._figures: dict[str, bytes] = {}
        self._news = asyncio.Event()

    def put(self, said: dict[str, Any]) -> None:
        """Say it; all replicas hear it at once."""
        self._said = said
        self._news.set()
        self._news = asyncio.Event()

    def said(self) -> dict[str, Any]:
        return self._said

    def carry(self, ref: str, packed: bytes) -> None:
        self._packed[ref] = packed

    def there(self) -> list[str]:
        """The versions that it has."""
        return list(self._packed)

    def packed(self, ref: str) -> bytes:
        return self._packed[ref]

    def join(self, replica: str, actor: Any) -> dict[str, Any]:
        """Take a replica in, which is that actor; what should answer."""
        self._actors[replica] = actor
        self._heard(replica, {})
        return self._said

    async def beat(self, replica: str, facts: dict[str, Any], known: Known) -> dict[str, Any]:
        """Take what a replica sees; what should answer, once that is news to it, or after a while."""
        if figures := facts.pop("figures", None):
            self._figures[replica] = figures
        self._heard(replica, facts)
        if known == heard(self._said):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _NEWS)
        return self._said

    def _heard(self, replica: str, facts: dict[str, Any]) -> None:
        if replica not in self._forgotten:
            self._replicas[replica] = time.monotonic(), facts

    def forget(self, replica: str) -> None:
        """It ends, or has ended; what it has counted stays."""
        self._forgotten.add(replica)
        self._replicas.pop(replica, None)
        self._actors.pop(replica, None)

    def seen(self) -> dict[str, dict[str, Any]]:
        """The replicas that live, and what each sees."""
        return {name: facts for name, (at, facts) in self._replicas.items() if not _silent(at)}

    def silent(self) -> dict[str, Any]:
        """The actors of those that do not tell anything, though they were not told to end."""
        return {name: self._actors[name] for name, (at, _) in self._replicas.items() if _silent(at)}

    def figures(self) -> list[bytes]:
        """What each replica that there ever was has counted."""
        return list(self._figures.values())


def heard(said: dict[str, Any]) -> Known:
    """What a replica knows that has heard this."""
    return said["ref"], said["next"], said["epoch"]


def _silent(at: float) -> bool:
    return time.monotonic() - at >= _SILENCE
