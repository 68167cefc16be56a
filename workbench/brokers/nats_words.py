"""A place of NATS as a connection, what its client raises in words, and its messages as records."""

from __future__ import annotations

import json
import re
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import nats
from nats import errors
from nats.js import api
from nats.js import errors as refusals

from ..data.log import Record
from ..errors import StorageError, UsageError
from .beside import Beside
from .protocol import happened

if TYPE_CHECKING:
    from ..data.grammar import Place

T = TypeVar("T")
SECONDS = 5.0
KEY, NAME, TIME = "Workbench-Key", "Workbench-Record", "Workbench-Time"
"""Headers: a record's key; and of one that a stream wrote, which record of its source it answers, and when that
happened, in seconds since 1970."""
_PLAIN = {"user_credentials", "nkeys_seed", "token"}
_DOWN = (errors.NoServersError, errors.ConnectionClosedError, errors.TimeoutError, errors.StaleConnectionError, OSError)


class Line:
    """A connection; one that broke is made again when the next thing is asked."""

    def __init__(self, at: Place) -> None:
        self.at, self.label, self.made = at, at.label, 0
        self._beside = Beside()
        self.client: Any = None

    @property
    def broken(self) -> bool:
        """Whether there is none now."""
        return self.client is None or self.client.is_closed

    async def jetstream(self) -> Any:
        """What speaks of streams, over a connection that lives."""
        if self.broken:
            self.client = await nats.connect(**settings(self.at))
            self.made += 1
        return self.client.jetstream(timeout=SECONDS, publish_async_max_pending=10_000)

    def ask(self, what: Coroutine[Any, Any, T]) -> T:
        """Do it there and wait for it. StorageError where that cannot be done now."""
        with in_words(self.label):
            lived = not self.broken
            try:
                return self._beside.ask(what)
            except errors.TimeoutError:
                if lived and self.broken:  # the client lets who asked wait on when its connection breaks
                    raise errors.ConnectionClosedError from None
                raise

    def close(self) -> None:
        """End the connection."""
        if not self.broken:
            with suppress(Exception):
                self._beside.ask(self.client.close())
        self._beside.close()


def settings(at: Place) -> dict[str, Any]:
    """What the client is told. UsageError for an option that it does not have."""
    url, query = urlsplit(at.path), dict(parse_qsl(at.path.partition("?")[2]))
    made: dict[str, Any] = {
        "servers": f"{'tls' if query.pop('tls', '') == 'yes' else 'nats'}://{url.netloc.rpartition('@')[2]}",
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,  # the first connection is tried so often too
        "reconnect_time_wait": 0,
        "connect_timeout": SECONDS,
        "error_cb": _unheard,
        "name": "workbench",
    }
    if url.username:
        made |= {"user": unquote(url.username), "password": unquote(url.password or "")}
    for name, value in query.items():
        if name not in _PLAIN:
            fix = f"options: tls=yes, {', '.join(sorted(_PLAIN))}"
            raise UsageError(f"{at.label}: there is no option {name!r}", fix=fix)
        made[f"{name}_str" if name == "nkeys_seed" and not value.startswith("/") else name] = value
    return made


async def _unheard(_: Exception) -> None:
    """Whoever asks next is told."""


@contextmanager
def in_words(label: str) -> Iterator[None]:
    """What the server or its connection says as an error of ours."""
    try:
        yield
    except (refusals.ServiceUnavailableError, errors.NoRespondersError, refusals.NoStreamResponseError) as error:
        raise StorageError(f"{label}: JetStream does not answer", fix="start it: nats-server --jetstream") from error
    except refusals.APIError as error:
        what = f"{label}: {error.description or error}"
        raise StorageError(what, fix="see what NATS refuses; it is tried again") from error
    except _DOWN as error:
        said = "broker refuses connections" if not isinstance(error, errors.TimeoutError) else "broker does not answer"
        raise StorageError(f"{label}: {said}", fix="see that NATS runs there; it is tried again") from error
    except errors.Error as error:
        said = " ".join(str(error).removeprefix("nats:").split()).strip("'") or type(error).__name__
        if "authorization" in said.lower() or "permissions" in said.lower():
            raise UsageError(f"{label}: {said}", fix="nats://USER:${PASSWORD}@HOST:PORT/SUBJECT") from error
        raise StorageError(f"{label}: {said}", fix="see what NATS refuses; it is tried again") from error


def record(message: Any) -> Record:
    """A message; its offset is its number in the stream."""
    about, headers = message.metadata, message.headers
    at = about.timestamp.timestamp()
    if not headers:
        return Record(about.sequence.stream, at, None, None, message.data)
    kept = {name: value for name, value in headers.items() if name not in (KEY, NAME, TIME, api.Header.MSG_ID)}
    at = happened(headers.get(TIME), at)
    return Record(about.sequence.stream, at, headers.get(KEY), kept or None, message.data)


def headers_of(
    key: str | None, said: dict[str, Any] | None, name: str = "", at: float | None = None
) -> dict[str, str] | None:
    """Headers as NATS has them; a record with a name is taken once."""
    made = {_token(one): value if isinstance(value, str) else json.dumps(value) for one, value in (said or {}).items()}
    made = {one: " ".join(value.splitlines()) for one, value in made.items()}
    if key is not None:
        made[KEY] = " ".join(key.splitlines())
    if at is not None:
        made[TIME] = f"{at:.6f}"
    return (made | {NAME: name, api.Header.MSG_ID.value: name} if name else made) or None


def _token(name: str) -> str:
    return re.sub(r"[^\x21-\x39\x3b-\x7e]", "-", name)


def plain(name: str) -> str:
    """A name that a stream or a key may have."""
    return re.sub(r"[^\w-]+", "-", name, flags=re.ASCII)
