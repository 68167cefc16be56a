"""Prefer: respond-async (RFC 7240): a request is kept and told where its answer will be; workers answer it in turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ... import journal
from ...data.encoding import dumps
from ...errors import StorageError
from .deferred import Deferred, too_often
from .exchange import Reply
from .place import Place

if TYPE_CHECKING:
    from .deferred import Claimed
    from .endpoint import Endpoint
    from .exchange import Headers, Request

PREFIX = "/results/"
_AT_ONCE = 32
_LOOK = 0.25
_ALIVE_EVERY = 2.0
_AGAIN = (b"retry-after", b"1")
_GAVE_UP = "the processes that answered it ended each time: the model may die of these rows"


def wanted(headers: Headers) -> bool:
    """Whether the client would rather not wait."""
    return b"respond-async" in headers.get(b"prefer", b"").lower()


class Deferring:
    """Takes requests that are answered later, and answers what any worker of the service has taken."""

    def __init__(self, endpoint: Endpoint, store: Deferred) -> None:
        self.endpoint, self.store = endpoint, store
        self._come = asyncio.Event()

    async def take(self, request: Request) -> Reply:
        """Keep a request; the 202 that says where its answer will be."""
        request.headers.pop(b"prefer", None)
        for secret in (b"authorization", b"cookie"):
            request.headers.pop(secret, None)
        id = await asyncio.to_thread(self.store.add, request)
        self._come.set()
        return self._later(id, request.headers)

    @staticmethod
    def _later(id: str, asked: Headers) -> Reply:
        place = f"{Place.of({'headers': asked.items()}).prefix}{PREFIX}{id}"
        headers = ((b"location", place.encode()), (b"preference-applied", b"respond-async"), _AGAIN)
        return Reply(dumps({"id": id, "state": "waiting", "result": place}), headers=headers, status=202)

    async def look(self, method: str, id: str, asked: Headers) -> Reply:
        """The answer, or 202 again while there is none; DELETE forgets both. Refused where there is none such."""
        if method == "DELETE":
            await asyncio.to_thread(self.store.remove, id)
            return Reply(b"", status=204)
        found = await asyncio.to_thread(self.store.find, id)
        return self._later(id, asked) if found is None else found

    async def work(self) -> None:
        """Answer what waits, for ever; what is left over when this is cancelled others answer."""
        at_work: set[asyncio.Task[None]] = set()
        saying = asyncio.create_task(self._stay_alive())
        try:
            while True:
                claimed = await self._claim(_AT_ONCE - len(at_work))
                at_work |= {asyncio.create_task(self._answer(one)) for one in claimed}
                if not claimed or len(at_work) >= _AT_ONCE:
                    await self._wait(at_work)
                at_work = {task for task in at_work if not task.done()}
        finally:
            for task in (saying, *at_work):
                task.cancel()
            self.store.close()

    async def _claim(self, most: int) -> list[Claimed]:
        if not most or self.endpoint.draining:
            return []
        try:
            return await asyncio.to_thread(self.store.claim, most)
        except StorageError as error:
            journal.note(error)
            return []

    async def _wait(self, at_work: set[asyncio.Task[None]]) -> None:
        """For the next request, the end of one, or the time to look what other workers took."""
        self._come.clear()
        come = asyncio.create_task(self._come.wait())
        await asyncio.wait((come, *at_work), timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        come.cancel()

    async def _answer(self, one: Claimed) -> None:
        if too_often(one):
            reply = Reply(dumps({"error": _GAVE_UP, "fix": "look into the log"}), status=500)
        else:
            reply = await self.endpoint.reply(one.request)
        try:
            await asyncio.to_thread(self.store.done, one.id, reply)
        except StorageError as error:  # it is answered again once its claim has run out
            journal.note(error)

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(_ALIVE_EVERY)
            if self.store.file.exists():
                try:
                    await asyncio.to_thread(self.store.alive)
                except StorageError as error:
                    journal.note(error)
