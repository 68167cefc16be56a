"""One reader at a time of a group of a Redis stream: the key that says which, and who may take it over."""

from __future__ import annotations

import uuid
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from ..errors import StorageError, WorkbenchError
from .redis_words import connect, in_words

if TYPE_CHECKING:
    from ..data.grammar import Place

TTL = 30.0
"""Seconds for which a holder is believed that says nothing, and whose connections nobody sees."""

_TAKE = """
local held = redis.call('get', KEYS[1])
if held and held ~= ARGV[1] and held ~= ARGV[2] then return held end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[3])
return ARGV[1]
"""
_ACK = """
local held = redis.call('get', KEYS[2])
if held and held ~= ARGV[1] then return -1 end
redis.call('set', KEYS[2], ARGV[1], 'px', ARGV[2])
return redis.call('xack', KEYS[1], ARGV[3], unpack(ARGV, 4))
"""
_LET = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"
_AT_ONCE = 1000


class Hold:
    """Holds a group by a key with the name of its connections. A holder that was killed has none: it is followed at
    once; one whose machine is gone, when the key has run out. A thread keeps it while a slow model predicts."""

    def __init__(self, at: Place, stream: str, group: str) -> None:
        self.at, self.stream, self.group = at, stream, group
        self.key = f"{stream}:workbench:{group}" if "{" in stream else f"{{{stream}}}:workbench:{group}"
        self.token = f"workbench-{uuid.uuid4().hex}"
        self.client = connect(at, self.token)
        self._ended = Event()
        self._thread: Thread | None = None

    def take(self) -> bool:
        """Whether it is ours now."""
        holder = self._take("")
        if holder != self.token and not self._alive(holder):
            holder = self._take(holder)
        if holder == self.token and self._thread is None:
            self._thread = Thread(target=self._keep, daemon=True)
            self._thread.start()
        return holder == self.token

    def _take(self, followed: str) -> str:
        with in_words(self.at.label):
            said: Any = self.client.eval(_TAKE, 1, self.key, self.token, followed, int(TTL * 1000))
        return bytes(said).decode()

    def _alive(self, holder: str) -> bool:
        """Whether the server sees a connection of that name; where it does not tell, yes."""
        import redis

        try:
            clients: Any = self.client.client_list()
        except redis.exceptions.ResponseError:
            return True
        return any(client.get("name") == holder for client in clients)

    def _keep(self) -> None:
        while not self._ended.wait(TTL / 3):
            try:
                self._take("")
            except WorkbenchError:
                continue  # the loop says so, as it meets the same

    def ack(self, ids: list[str]) -> None:
        """These are done. StorageError where another holds the group by now."""
        with in_words(self.at.label):
            for at in range(0, len(ids), _AT_ONCE):
                given: Any = (self.token, int(TTL * 1000), self.group, *ids[at : at + _AT_ONCE])
                if self.client.eval(_ACK, 2, self.stream, self.key, *given) == -1:
                    what = f"another process reads {self.at.label} for the group {self.group}"
                    raise StorageError(what, fix="end one of the two, or give one a group of its own")

    def release(self) -> None:
        """Let another read for the group."""
        self._ended.set()
        try:
            with in_words(self.at.label):
                self.client.eval(_LET, 1, self.key, self.token)
        except WorkbenchError:
            pass  # it runs out
        self.client.close()
