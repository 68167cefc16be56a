"""A subject of NATS that records are put on. What a stream writes says which record it answers, and is taken once."""

from __future__ import annotations

import json
from asyncio import gather
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nats.js import errors as refusals

from .. import text
from ..errors import NotFound
from .nats_hold import bucket
from .nats_jetstream import Stream, stream_of
from .nats_pull import Pull
from .nats_words import NAME, Line, headers_of, record
from .protocol import refuse_large

if TYPE_CHECKING:
    from ..data.grammar import Place
    from ..data.log import Record

_WAIT = 2.0


class NatsTopic:
    """Up to where it has the records of a source stands in the bucket `workbench`; a batch that was cut off is found
    by the names of its records, among what came since."""

    tells = True

    def __init__(self, at: Place) -> None:
        self.subject, self.label = at.options["subject"], at.label
        self.line = Line(at)
        self._known: dict[str, int] = {}
        self._at: tuple[int, Stream] | None = None

    async def _stream(self) -> Stream:
        """What keeps the subject, as it was when this connection was made."""
        await self.line.jetstream()
        if self._at is None or self._at[0] != self.line.made:
            found = await stream_of(self.line, self.subject)
            assert found
            self._at = self.line.made, found
        return self._at[1]

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
    ) -> int | None:
        """Add records, in order; the number of the last. Those of the source that are there are left out."""
        if source and offset <= self.position(source):
            return None
        none = [None] * len(values)
        names = [f"{source}@{one}" for one in offsets or range(offset - len(values) + 1, offset + 1)]
        names = names if source else [""] * len(values)
        heads = zip(keys or none, headers or none, names, times or none, strict=True)
        after = self._known.pop(source, 0)  # known again once all is there
        said = [headers_of(*head) for head in heads]
        last = self.line.ask(self._append(values, said))
        if source:
            self.line.ask(self._keep(source, offset, last))
            self._known[source] = max(after, offset)
        return last

    async def _append(self, values: Sequence[bytes], headers: list[dict[str, str] | None]) -> int | None:
        jetstream = await self.line.jetstream()
        await self._stream()
        refuse_large(self.label, values, self.line.client.max_payload)
        sent = [
            await jetstream.publish_async(self.subject, value, headers=head)
            for value, head in zip(values, headers, strict=True)
        ]
        took = await gather(*sent)
        return max((one.seq for one in took), default=None)

    def position(self, source: str) -> int:
        """Up to where the records of a source were added."""
        if source not in self._known:
            self._known[source] = self._found(source)
        return self._known[source]

    def _found(self, source: str) -> int:
        kept = self.line.ask(self._kept(source))
        since: int = kept["since"]
        names = (one.headers.get(NAME, "") for one in self._after(since) if one.headers)
        offsets = (name.rpartition("@") for name in names)
        return max((int(offset) for own, _, offset in offsets if own == source), default=kept["offset"])

    async def _kept(self, source: str) -> dict[str, Any]:
        """Up to where, and the message of the stream that was its newest then."""
        stream = await self._stream()
        held = await bucket(await self.line.jetstream())
        try:
            said: dict[str, Any] = json.loads((await held.get(_key(self.subject, source))).value)
        except refusals.KeyNotFoundError:
            await self._keep(source, 0, stream.last)
            return {"offset": 0, "since": stream.last}
        return said if said["made"] == stream.made else {"offset": 0, "since": 0}

    async def _keep(self, source: str, offset: int, since: int | None) -> None:
        stream = await self._stream()
        said = {"offset": offset, "since": stream.last if since is None else since, "made": stream.made}
        held = await bucket(await self.line.jetstream())
        await held.put(_key(self.subject, source), json.dumps(said).encode())

    def _after(self, since: int) -> list[Any]:
        """The messages of the subject after that one."""
        stream = self.line.ask(self._stream())
        pull = self.line.ask(Pull.begin(self.line, stream.name, self.subject, since))
        found: list[Any] = []
        while self.line.ask(pull.left()):
            found += pull.take(1000, _WAIT)
        self.line.ask(pull.end())
        return found

    def newest(self, most: int) -> list[Record]:
        """The last records, the newest last. NotFound where nothing keeps the subject."""
        stream: Stream | None = self.line.ask(stream_of(self.line, self.subject, make=False))
        if stream is None:
            raise NotFound(f"there is no {self.label}", fix=f"%workbench put {self.label} ROWS makes it")
        found: list[Any] = []
        back = most
        while len(found) < most and stream.last > 0:  # a stream may keep other subjects as well
            found = self._after(max(stream.first - 1, stream.last - back))
            if back > stream.last - stream.first:
                break
            back *= 10
        return [record(message) for message in found[-most:]]

    def named(self, record: Record) -> str:
        """Its number in the stream."""
        return text.count(record.offset)

    def close(self) -> None:
        """All that was put is there."""
        self.line.close()


def _key(subject: str, source: str) -> str:
    return f"sink.{sha256(f'{subject} {source}'.encode()).hexdigest()[:40]}"
