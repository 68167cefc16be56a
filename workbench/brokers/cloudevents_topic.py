"""A service that takes CloudEvents, each record as one: `cloudevents://HOST:PORT/PATH`, `?tls=yes&mode=batch`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson

from ..errors import StorageError, UsageError
from .beside import Beside
from .cloudevents_words import BATCH, STRUCTURED, attributes_of, in_headers, in_object
from .protocol import NotTaken

if TYPE_CHECKING:
    from ..data.grammar import Place
    from ..data.log import Record

_MODES = ("binary", "structured", "batch")
_OF_EVENTS = {400, 413, 415, 422}
_SECONDS = 30.0
_AT_ONCE = 16


class EventsTopic:
    """Sends each record as an event; those of one key one after the other. What is sent again has the same id."""

    tells = False

    def __init__(self, at: Place) -> None:
        url = urlsplit(at.path)
        options = dict(parse_qsl(url.query))
        self.label, self.mode = at.label, options.get("mode", "binary")
        if self.mode not in _MODES:
            raise UsageError(f"{self.label}: there is no mode {self.mode!r}", fix=f"mode={' or '.join(_MODES)}")
        secure = "s" if options.get("tls") == "yes" else ""
        self.url = f"http{secure}://{url.netloc.rpartition('@')[2]}{url.path}"
        bearer = {"Authorization": f"Bearer {options['token']}"} if options.get("token") else {}
        self._beside = Beside()
        self._client = httpx.AsyncClient(timeout=_SECONDS, headers=bearer)

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
        """Send records, and wait until all are taken. StorageError; NotTaken for those that are refused."""
        none = [None] * len(values)
        named = offsets or range(offset - len(values) + 1, offset + 1)
        ids = [f"{source}@{one}" for one in named] if source else [uuid.uuid4().hex for _ in values]
        sources = [source or "put"] * len(values)
        said = map(attributes_of, ids, sources, keys or none, headers or none, times or none)
        events = list(zip(said, values, strict=True))
        refused = self._beside.ask(self._sent(events)) if events else {}
        if refused:
            which = sorted(refused)
            raise NotTaken(f"{self.label} refuses it: {refused[which[0]]}", which, "see what it takes", others=True)

    async def _sent(self, events: list[tuple[dict[str, str], bytes]]) -> dict[int, str]:
        """What was said of those that were refused, by their numbers."""
        if self.mode == "batch":
            body = orjson.dumps([in_object(*event) for event in events])
            said = await self._post(body, {"content-type": BATCH})
            return dict.fromkeys(range(len(events)), said) if said else {}
        lines: dict[str, list[int]] = {}
        for number, (attributes, _) in enumerate(events):
            lines.setdefault(attributes.get("partitionkey", f"\0{number}"), []).append(number)
        room = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(*[self._in_order(room, numbers, events) for numbers in lines.values()])
        return {number: said for one in found for number, said in one.items()}

    async def _in_order(self, room: asyncio.Semaphore, numbers: list[int], events: list[Any]) -> dict[int, str]:
        refused = {}
        async with room:
            for number in numbers:
                if said := await self._post(*self._form(*events[number])):
                    refused[number] = said
        return refused

    def _form(self, attributes: dict[str, str], value: bytes) -> tuple[bytes, dict[str, str]]:
        if self.mode == "structured":
            return orjson.dumps(in_object(attributes, value)), {"content-type": STRUCTURED}
        return value, {"content-type": "application/json", **in_headers(attributes)}

    async def _post(self, body: bytes, headers: dict[str, str]) -> str:
        """What is said of an event that is refused, nothing where it is taken."""
        try:
            answer = await self._client.post(self.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise StorageError(
                f"{self.label} cannot be reached: {said}", fix="look at it; it is tried again"
            ) from error
        said = f"{answer.status_code} {' '.join(answer.text.split())[:200]}".strip()
        if answer.status_code >= 300 and answer.status_code not in _OF_EVENTS:
            raise StorageError(f"{self.label} answers {said}", fix="look at that service; it is tried again")
        return said if answer.status_code >= 300 else ""

    def position(self, source: str) -> int:
        """Not known."""
        return 0

    def newest(self, most: int) -> list[Record]:
        """UsageError: a service keeps no records."""
        raise UsageError(f"{self.label} is a service: nothing lies there", fix="%workbench tail queue:cloudevents.NAME")

    def named(self, record: Record) -> str:
        """Never asked."""
        return ""

    def close(self) -> None:
        """All was taken."""
        with suppress(Exception):
            self._beside.ask(self._client.aclose())
        self._beside.close()
