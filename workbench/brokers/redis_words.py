"""What redis-py raises, and what a person is told; how a record lies in a Redis stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..data.encoding import dumps
from ..data.log import Record
from ..errors import StorageError, UsageError
from .protocol import happened

if TYPE_CHECKING:
    from ..data.grammar import Place

_SECONDS = 10.0
_SEQUENCE = 1 << 20
"""An id is milliseconds and a number within them; as one integer it fits into the 64 bits that a table keeps."""


def connect(at: Place, name: str) -> redis.Redis:
    """A client, connected when it is first used; `name` tells the server's other clients whose it is."""
    waits = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS}
    with in_words(at.label):
        return redis.Redis.from_url(at.path, client_name=name, protocol=2, retry=Retry(NoBackoff(), 0), **waits)


@contextmanager
def in_words(label: str) -> Iterator[None]:
    """What the server or its connection says as an error of ours."""
    try:
        yield
    except redis.exceptions.AuthenticationError as error:
        raise UsageError(f"{label}: {_said(error)}", fix="redis://USER:${PASSWORD}@HOST:PORT/DB?stream=NAME") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        what = f"{label}: broker refuses connections" if "refused" in str(error) else f"{label}: {_said(error)}"
        raise StorageError(what, fix="see that Redis runs there; it is tried again") from error
    except redis.exceptions.ResponseError as error:
        if str(error).startswith("WRONGTYPE"):
            raise UsageError(f"{label}: that key is no stream", fix="?stream=ANOTHER") from error
        raise StorageError(f"{label}: {_said(error)}", fix="see what Redis refuses; it is tried again") from error
    except (redis.exceptions.RedisError, OSError) as error:
        raise StorageError(f"{label}: {_said(error)}", fix="see that Redis runs there; it is tried again") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{label}: {_said(error)}", fix="redis://HOST:PORT/DB?stream=NAME") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def offset_of(id: bytes) -> int:
    """An id as one number, in the same order."""
    milliseconds, _, number = id.partition(b"-")
    return int(milliseconds) * _SEQUENCE + min(int(number), _SEQUENCE - 1)


def id_of(offset: int) -> str:
    """The id that a number stands for."""
    return f"{offset // _SEQUENCE}-{offset % _SEQUENCE}"


def record(id: bytes, fields: dict[bytes, bytes], lane: str = "") -> Record:
    """An entry as a record: its field `value` where there is one, else its fields, numbers as such."""
    at = int(id.partition(b"-")[0]) / 1000
    key, value = fields.get(b"key"), fields.get(b"value")
    if value is None:
        return Record(offset_of(id), at, None, None, dumps(_read(fields)), lane)
    said = fields.get(b"headers")
    headers = json.loads(said) if said else None
    at = happened(fields.get(b"at"), at)
    return Record(offset_of(id), at, key.decode("utf-8", "replace") if key else None, headers, value, lane)


def _read(fields: dict[bytes, bytes]) -> dict[str, Any]:
    return {name.decode("utf-8", "replace"): _value(value.decode("utf-8", "replace")) for name, value in fields.items()}


def _value(text: str) -> Any:
    try:
        said = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(said, str) else said


def fields(value: bytes, key: str | None, headers: dict[str, Any] | None, at: float | None = None) -> list[bytes]:
    """A record as the fields of an entry; `at` where it did not happen when it is put."""
    made = [b"value", value]
    if at is not None:
        made += [b"at", b"%.6f" % at]
    if key is not None:
        made += [b"key", key.encode()]
    return [*made, b"headers", json.dumps(headers).encode()] if headers else made
