"""A queue of RabbitMQ that records are put on: each confirmed by the server, and with an id that says which it is."""

from __future__ import annotations

import uuid
from asyncio import gather, wait_for
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aio_pika import exceptions

from .. import text
from ..errors import NotFound
from .protocol import refuse_large
from .rabbitmq_words import Line, message, record

if TYPE_CHECKING:
    from ..data.grammar import Place
    from ..data.log import Record

_LARGEST = 134_217_728
_LOOKED_AT = 100_000
_WAIT = 2.0


class RabbitTopic:
    """It cannot tell what it has: what a stream sends again has the same id."""

    tells = False

    def __init__(self, at: Place) -> None:
        self.line, self.label = Line(at), at.label

    def append(
        self,
        values: Sequence[bytes],
        keys: Sequence[str | None] | None = None,
        headers: Sequence[dict[str, Any] | None] | None = None,
        *,
        source: str = "",
        offset: int = 0,
        offsets: Sequence[int] = (),
        times: Sequence[float] = (),
    ) -> None:
        """Add records, in order, and wait until the server has them all."""
        refuse_large(self.label, values, _LARGEST)
        none = [None] * len(values)
        named = offsets or range(offset - len(values) + 1, offset + 1)
        names = [f"{source}@{one}" for one in named] if source else [uuid.uuid4().hex for _ in values]
        made = map(message, values, keys or none, headers or none, names, times or none)
        self.line.ask(self._append(list(made)))

    async def _append(self, messages: list[Any]) -> None:
        await self.line.declared()  # the channel ends where there was no queue
        to = (await self.line.channel()).default_exchange
        await gather(*[to.publish(message, self.line.queue, mandatory=True) for message in messages])

    def position(self, source: str) -> int:
        """Not known."""
        return 0

    def newest(self, most: int) -> list[Record]:
        """The last records, the newest last: they are taken and given back. NotFound where there is no such queue."""
        messages = self.line.ask(self._newest())
        numbered = list(enumerate(messages, 1))[-most:]
        return [record(one, number) for number, one in numbered]

    async def _newest(self) -> list[Any]:
        channel = await self.line.channel()
        try:
            queue = await channel.declare_queue(self.line.queue, passive=True)
        except exceptions.ChannelNotFoundEntity as error:
            raise NotFound(f"there is no {self.label}", fix=f"%workbench put '{self.label}' ROWS makes it") from error
        wanted = min(queue.declaration_result.message_count, _LOOKED_AT)
        found: list[Any] = []
        with suppress(TimeoutError):  # another took some meanwhile
            async with queue.iterator() as passing:
                while len(found) < wanted:
                    found.append(await wait_for(anext(passing), _WAIT))
        await channel.close()
        return found

    def named(self, record: Record) -> str:
        """Its place in the queue, from 1."""
        return text.count(record.offset)

    def close(self) -> None:
        """All that was put is there."""
        self.line.close()
