"""A place of RabbitMQ as a connection, what its client raises in words, and its messages as records."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import aio_pika
from aio_pika import exceptions

from ..data.log import Record
from ..errors import StorageError, UsageError, WorkbenchError
from .beside import Beside
from .protocol import happened

if TYPE_CHECKING:
    from ..data.grammar import Place

T = TypeVar("T")
logging.getLogger("aiormq").addHandler(logging.NullHandler())  # what it says there is raised as well
KEY, TIME = "workbench-key", "timestamp_in_ms"
"""Headers: a record's key; and when it happened, which the property of that name has in whole seconds only: as
RabbitMQ's own interceptor calls it."""
_SECONDS = 10.0


class Line:
    """A connection with one channel; what broke is made again when the next thing is asked."""

    def __init__(self, at: Place) -> None:
        self.at, self.label, self.queue = at, at.label, at.options["queue"]
        self._beside = Beside()
        self.connection: Any = None
        self._channel: Any = None

    @property
    def broken(self) -> bool:
        """Whether there is none now."""
        return self._channel is None or self._channel.is_closed or self.connection.is_closed

    async def channel(self) -> Any:
        """The channel, over a connection that lives; what is put on it is confirmed."""
        if self.connection is None or self.connection.is_closed:
            self.connection = await aio_pika.connect(self.at.path, timeout=_SECONDS)
            self._channel = None
        if self._channel is None or self._channel.is_closed:
            self._channel = await self.connection.channel()
        return self._channel

    async def declared(self) -> Any:
        """The queue as it is, made durable if there is none."""
        with suppress(exceptions.ChannelNotFoundEntity):
            return await (await self.channel()).declare_queue(self.queue, passive=True)
        return await (await self.channel()).declare_queue(self.queue, durable=True)

    def ask(self, what: Coroutine[Any, Any, T]) -> T:
        """Do it there and wait for it. StorageError where that cannot be done now."""
        with in_words(self.label):
            try:
                return self._beside.ask(what)
            except (OSError, RuntimeError):  # the client does not always know that its connection broke
                self.connection = self._channel = None
                raise

    def close(self) -> None:
        """End the connection."""
        if self.connection is not None and not self.connection.is_closed:
            with suppress(Exception):
                self._beside.ask(self.connection.close())
        self._beside.close()


@contextmanager
def in_words(label: str) -> Iterator[None]:
    """What the server or its connection says as an error of ours."""
    try:
        yield
    except WorkbenchError:
        raise
    except (exceptions.AuthenticationError, exceptions.ProbableAuthenticationError) as error:
        raise UsageError(f"{label}: {_said(error)}", fix="amqp://USER:${PASSWORD}@HOST/VHOST?queue=NAME") from error
    except (OSError, TimeoutError, RuntimeError, exceptions.ChannelInvalidStateError) as error:
        what = f"{label}: broker refuses connections"
        raise StorageError(what, fix="see that RabbitMQ runs there; it is tried again") from error
    except exceptions.AMQPError as error:
        what = f"{label}: {_said(error)}"
        raise StorageError(what, fix="see what RabbitMQ refuses; it is tried again") from error
    except ValueError as error:
        raise UsageError(f"{label}: {_said(error)}", fix="amqp://HOST/VHOST?queue=NAME") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def record(message: Any, offset: int) -> Record:
    """A message under the number that it was given."""
    headers = {name: _plain(value) for name, value in message.headers.items()}
    key = headers.pop(KEY, None)
    at = message.timestamp.timestamp() if message.timestamp else time.time()
    if isinstance(precise := headers.pop(TIME, None), int):
        at = happened(precise / 1000, at)
    return Record(offset, at, None if key is None else str(key), headers or None, message.body)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def message(value: bytes, key: str | None, headers: dict[str, Any] | None, name: str, at: float | None) -> Any:
    """A record as a message that survives a restart of the server."""
    plain = str | int | float | bool
    said: dict[str, Any] = {one: v if isinstance(v, plain) else json.dumps(v) for one, v in (headers or {}).items()}
    at = time.time() if at is None else at
    said |= {TIME: round(1000 * at)} | ({} if key is None else {KEY: key})
    return aio_pika.Message(
        value,
        headers=said,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=name,
        timestamp=datetime.fromtimestamp(at, UTC),
    )
