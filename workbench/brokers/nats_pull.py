"""The messages of a NATS stream after a given one, asked for ahead, so that they come while a model predicts."""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from threading import Event
from typing import Any

from nats.js import api
from nats.js import errors as refusals

from .nats_words import Line

_SECONDS = 30
_IDLE = 300.0
_NS = 1_000_000_000


class Pull:
    """A consumer that nobody else has, and that the server forgets when it is not asked for some minutes."""

    def __init__(self, line: Line, stream: str) -> None:
        self.line, self.stream = line, stream
        self.waiting: deque[Any] = deque()
        self.given = 0
        self.gone = False
        self._wanted = 0
        self._arrived = Event()
        self._consumer = self._inbox = ""

    @classmethod
    async def begin(cls, line: Line, stream: str, subject: str, after: int) -> Pull:
        """Ready to be asked for what comes after that message."""
        jetstream, pull = await line.jetstream(), cls(line, stream)
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=api.AckPolicy.NONE,
            filter_subject=subject,
            inactive_threshold=_IDLE,
            mem_storage=True,
        )
        info = await jetstream.add_consumer(stream, config)
        pull._consumer, pull._inbox = info.name, line.client.new_inbox()
        limits = {"pending_msgs_limit": -1, "pending_bytes_limit": -1}  # no more comes than it asks for
        await line.client.subscribe(pull._inbox, cb=pull._came, **limits)
        return pull

    @staticmethod
    async def before(line: Line, stream: str, subject: str, at: float, last: int) -> int:
        """The number before the first message from that time on; `last` where there is none."""
        jetstream = await line.jetstream()
        begin: Any = datetime.fromtimestamp(at, UTC).isoformat()  # of which versions of the client differ in the type
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_TIME,
            opt_start_time=begin,
            ack_policy=api.AckPolicy.NONE,
            filter_subject=subject,
            mem_storage=True,
        )
        info = await jetstream.add_consumer(stream, config)
        await jetstream.delete_consumer(stream, info.name)
        return int(info.delivered.stream_seq) if info.num_pending else last

    async def _came(self, message: Any) -> None:
        if message.reply:
            self.waiting.append(message)
            self._wanted -= 1
        else:  # the time of what was asked is up, or the consumer is no more
            self._wanted = 0
            self.gone = (message.headers or {}).get("Status") in ("409", "503")
        self._arrived.set()

    async def _ask(self, most: int) -> None:
        wanted = {"batch": most, "expires": _SECONDS * _NS}
        self._wanted = most
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self._consumer}"
        await self.line.client.publish(subject, json.dumps(wanted).encode(), self._inbox)

    def take(self, most: int, timeout: float) -> list[Any]:
        """Messages, as soon as there are any."""
        self._arrived.clear()
        if self._wanted <= 0 and len(self.waiting) < most:
            self.line.ask(self._ask(2 * most))
        if not self.waiting:
            self._arrived.wait(timeout)
        found = [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]
        self.given += len(found)
        return found

    async def left(self) -> int:
        """How many messages were not taken."""
        jetstream = await self.line.jetstream()
        try:
            info = await jetstream.consumer_info(self.stream, self._consumer)
        except refusals.NotFoundError:
            self.gone = True
            raise
        return int(info.num_pending + info.delivered.consumer_seq - self.given)

    async def end(self) -> None:
        """The server forgets it."""
        if not self.line.broken:
            jetstream = await self.line.jetstream()
            await jetstream.delete_consumer(self.stream, self._consumer)
