"""One reader at a time of a group of a NATS stream, and how far it came: a value that only its owner changes."""

from __future__ import annotations

import json
import uuid
from typing import Any

from nats import errors
from nats.js import errors as refusals

from ..errors import StorageError
from .nats_words import Line

BUCKET = "workbench"
_SECONDS = 2.0


async def bucket(jetstream: Any) -> Any:
    """Where groups and sinks keep how far they came."""
    try:
        return await jetstream.key_value(BUCKET)
    except refusals.BucketNotFoundError:
        return await jetstream.create_key_value(bucket=BUCKET)


class Hold:
    """Who reads for a group, and up to where all is done, in one value: who was followed by another commits nothing.

    A reader answers when it is asked whether it lives; the server says at once where there is none to ask.
    """

    def __init__(self, line: Line, key: str) -> None:
        self.line, self.key, self.token = line, key, uuid.uuid4().hex
        self.done, self._made, self._revision = 0, "", 0

    async def take(self, start: int, made: str) -> bool:
        """Whether it is ours now. `start`: where a new group begins, `made` tells the stream from one before it."""
        jetstream = await self.line.jetstream()
        await self.line.client.subscribe(_asked(self.token), cb=_answer)
        kept = await bucket(jetstream)
        try:
            found = await kept.get(self.key)
        except refusals.KeyNotFoundError:
            found, said = None, {}
        else:
            said = json.loads(found.value)
        if (holder := said.get("holder")) and holder != self.token and await self._lives(holder):
            return False
        self.done, self._made = (said["done"] if said.get("made") == made else start), made
        try:
            value = self._value(self.token)
            new = kept.update(self.key, value, last=found.revision) if found else kept.create(self.key, value)
            self._revision = await new
        except refusals.KeyWrongLastSequenceError:  # another was quicker
            return False
        return True

    async def _lives(self, token: str) -> bool:
        try:
            await self.line.client.request(_asked(token), b"", timeout=_SECONDS)
        except errors.NoRespondersError:
            return False
        except errors.TimeoutError:
            return True  # it is there, and busy
        return True

    def _value(self, holder: str) -> bytes:
        return json.dumps({"holder": holder, "done": self.done, "made": self._made}).encode()

    async def commit(self, done: int) -> None:
        """All up to there is done. StorageError where another reads for the group by now."""
        before, self.done = self.done, done
        try:
            await self._keep(self.token)
        except BaseException:
            self.done = before
            raise

    async def _keep(self, holder: str) -> None:
        kept = await bucket(await self.line.jetstream())
        try:
            self._revision = await kept.update(self.key, self._value(holder), last=self._revision)
        except refusals.KeyWrongLastSequenceError as error:
            found = await kept.get(self.key)
            if json.loads(found.value)["holder"] != self.token:
                what = f"another process reads {self.line.label} for this group"
                raise StorageError(what, fix="end one of the two, or give one a group of its own") from error
            self._revision = await kept.update(self.key, self._value(holder), last=found.revision)

    async def release(self) -> None:
        """Let another read for the group."""
        if self._revision and not self.line.broken:
            await self._keep("")


def _asked(token: str) -> str:
    return f"_INBOX.workbench.{token}"


async def _answer(message: Any) -> None:
    await message.respond(b"")
