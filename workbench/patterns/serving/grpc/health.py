"""`grpc.health.v1.Health`: whether calls are taken, for load balancers and orchestrators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from ..refusals import Refused
from .calls import Calls, read
from .messages import message, services

if TYPE_CHECKING:
    from ..answering import Answering

_PACKAGE = "grpc.health.v1"
_ASKED, _TOLD = f"{_PACKAGE}.HealthCheckRequest", f"{_PACKAGE}.HealthCheckResponse"


class Health:
    """Answers anybody, about the server as a whole (``""``) and each of its services; it does not serve any more once
    `drain` is set."""

    def __init__(self, endpoint: Answering, drain: asyncio.Event) -> None:
        self.endpoint, self.calls, self.drain = endpoint, Calls(endpoint), drain

    def handlers(self) -> dict[str, Any]:
        """Each method by its name."""
        check = self.calls.look(self._check, taken=_ASKED, given=_TOLD, anybody=True)
        listing = self.calls.look(
            self._list, taken=f"{_PACKAGE}.HealthListRequest", given=f"{_PACKAGE}.HealthListResponse", anybody=True
        )
        watch = self.calls.stream(self._watch, several=False, anybody=True)
        return {"Check": check, "List": listing, "Watch": watch}

    def _check(self, asked: Any) -> dict[str, Any]:
        status = self._status(asked.service)
        if status == "SERVICE_UNKNOWN":
            known = ", ".join(services())
            raise Refused(f"there is no service {asked.service!r}", fix=f'"" or one of {known}', status=404)
        return {"status": status}

    def _list(self, asked: Any) -> dict[str, Any]:
        return {"statuses": {name: message(_TOLD)(status=self._status(name)) for name in ("", *services())}}

    async def _watch(self, sent: bytes, context: Any) -> AsyncGenerator[bytes, None]:
        """How it is now, and again when that changes; it ends when the service does."""
        service = read(_ASKED, sent).service
        for _ in range(2):
            yield message(_TOLD)(status=self._status(service)).SerializeToString()
            await self.drain.wait()

    def _status(self, service: str) -> str:
        if service and service not in services():
            return "SERVICE_UNKNOWN"
        return "SERVING" if self.endpoint.ready and not self.drain.is_set() else "NOT_SERVING"
