"""What a call is let in by, counted as and told: the side of each method that all have in common."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf.message import DecodeError

from ....errors import WorkbenchError
from ..exchange import Headers, Reply, Request
from ..refusals import Refused, status_of
from .messages import message

if TYPE_CHECKING:
    from ..answering import Answering

Look = Callable[[Any], dict[str, Any]]
"""What answers a message at once, with the fields of its answer."""
Stream = Callable[[Any, Any], AsyncGenerator[bytes, None]]
"""What answers a call whose answers come one by one: what is sent, and grpcio's own context."""
Infer = Callable[[Request], Awaitable[Reply]]

_CODES = grpc.StatusCode
_STATUSES = {
    401: _CODES.UNAUTHENTICATED,
    404: _CODES.NOT_FOUND,
    413: _CODES.RESOURCE_EXHAUSTED,
    429: _CODES.RESOURCE_EXHAUSTED,
    501: _CODES.UNIMPLEMENTED,
    499: _CODES.CANCELLED,
    503: _CODES.UNAVAILABLE,
    504: _CODES.DEADLINE_EXCEEDED,
}
_CANCELLED = 499


def read(name: str, content: bytes) -> Any:
    """The message of this full name. Refused where the bytes are none."""
    try:
        return message(name).FromString(content)
    except DecodeError as error:
        raise Refused(f"the bytes are no {name}", fix="send what the protocol's own file describes") from error


def told(error: WorkbenchError) -> str:
    """An error in the words of a status."""
    return f"{error.what}\n→ {error.fix}" if error.fix else error.what


class Calls:
    """Lets calls in as `endpoint` does, and tells them of its version, and of what is wrong, in its words."""

    def __init__(self, endpoint: Answering) -> None:
        self.endpoint = endpoint

    def look(self, does: Look, *, taken: str, given: str, anybody: bool = False) -> grpc.RpcMethodHandler:
        """A method that answers at once: messages of the names `taken` and `given`; to `anybody`, or to who may ask."""

        async def call(content: bytes, context: Any) -> bytes:
            try:
                if not anybody:
                    self.let_in(context)
                answered: bytes = message(given)(**does(read(taken, content))).SerializeToString()
            except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
                await self._refuse(context, self.endpoint.told(error))
            context.set_trailing_metadata(self._version())
            return answered

        return grpc.unary_unary_rpc_method_handler(call)

    def infer(self, does: Infer, path: str) -> grpc.RpcMethodHandler:
        """The method that predicts, at `path`."""

        async def call(content: bytes, context: Any) -> bytes:
            request = Request(path, _headers(context), content)
            try:
                request.caller = self.endpoint.access.check(request.headers)
                with self.counted(request):
                    reply = await does(request)
            except Exception as error:  # noqa: BLE001
                await self._refuse(context, self.endpoint.told(error), request)
            context.set_trailing_metadata(_metadata(reply.pairs))
            return reply.content

        return grpc.unary_unary_rpc_method_handler(call)

    def stream(self, does: Stream, *, several: bool, anybody: bool = False) -> grpc.RpcMethodHandler:
        """A method whose answers come one by one; to one message, or to `several`."""

        async def call(sent: Any, context: Any) -> AsyncIterator[bytes]:
            context.set_trailing_metadata(self._version())
            try:
                if not anybody:
                    self.let_in(context)
                async with aclosing(does(sent, context)) as answers:
                    async for answer in answers:
                        yield answer
            except Exception as error:  # noqa: BLE001
                await self._refuse(context, self.endpoint.told(error))

        kind = grpc.stream_stream_rpc_method_handler if several else grpc.unary_stream_rpc_method_handler
        return kind(call)

    def let_in(self, context: Any, path: str = "") -> Request:
        """A call without what is sent by it. Refused with 401 for who has no token."""
        request = Request(path, _headers(context), b"")
        request.caller = self.endpoint.access.check(request.headers)
        return request

    @contextmanager
    def counted(self, request: Request) -> Iterator[None]:
        """What is done for it as one request among the figures; a client that goes away, or whose time is up, is one
        too."""
        endpoint, started, status = self.endpoint, time.perf_counter(), _CANCELLED
        endpoint.calls += 1
        endpoint.metrics.begun()
        try:
            yield
            status = 200
        except WorkbenchError as error:
            status = status_of(error)
            raise
        except Exception:
            status = 500
            raise
        finally:
            endpoint.calls -= 1
            endpoint.metrics.answered(status, request.served.version if request.served else 0)
            endpoint.metrics.ended()
            if endpoint.traces:
                endpoint.trace(request.path, request.headers, status, time.perf_counter() - started, request.served)

    async def _refuse(self, context: Any, error: WorkbenchError, request: Request | None = None) -> NoReturn:
        status = status_of(error)
        code = _STATUSES.get(status, _CODES.INTERNAL if status >= 500 else _CODES.INVALID_ARGUMENT)
        further = _metadata(error.headers) if isinstance(error, Refused) else ()
        further += (("x-request-id", request.id.decode("latin-1")),) if request and request.id else ()
        version = _metadata(self.endpoint.version(request.served if request else None))
        await context.abort(code, told(error), version + further)
        raise error

    def _version(self) -> tuple[tuple[str, str], ...]:
        return _metadata(self.endpoint.version())


def _metadata(headers: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode(), value.decode()) for name, value in headers)


def _headers(context: Any) -> Headers:
    """The metadata of a call as the headers that they are."""
    said = context.invocation_metadata()
    return {key.encode(): value if isinstance(value, bytes) else value.encode() for key, value in said}
