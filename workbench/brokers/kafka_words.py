"""A place of Kafka as settings of librdkafka, what that says in words, and its messages as records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from confluent_kafka import KafkaError, KafkaException

from ..data.log import Record
from ..errors import StorageError, UsageError

if TYPE_CHECKING:
    from ..data.grammar import Place

SECONDS = 10.0
NAME = "workbench-record"
"""The header that says which record of its source one answers that a stream wrote."""
_DOWN = {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT}
DOWN = _DOWN | {KafkaError._AUTHENTICATION, KafkaError._SSL}
"""What is told beside the calls, and means that no broker can be asked."""


def settings(at: Place, **ours: Any) -> dict[str, Any]:
    """Those of the place above ours; a user and password are for SASL over TLS, where nothing else is said."""
    url = urlsplit(at.path)
    made: dict[str, Any] = {"bootstrap.servers": url.netloc.rpartition("@")[2], "log_level": 0, **ours}
    if url.username:
        made |= {"security.protocol": "SASL_SSL", "sasl.mechanisms": "PLAIN"}
        made |= {"sasl.username": unquote(url.username), "sasl.password": unquote(url.password or "")}
    return made | dict(parse_qsl(url.query))


@contextmanager
def in_words(label: str) -> Iterator[None]:
    """What librdkafka says as an error of ours."""
    try:
        yield
    except KafkaException as error:
        raise refusal(label, error.args[0]) from error


def refusal(label: str, error: Any) -> StorageError | UsageError:
    """What a person is told; UsageError for settings that it does not take."""
    code = error.code() if isinstance(error, KafkaError) else None
    if code in _DOWN:
        return StorageError(f"{label}: broker refuses connections", fix="see that Kafka runs there; it is tried again")
    said = error.str() if isinstance(error, KafkaError) else str(error)
    if code in (KafkaError._INVALID_ARG, KafkaError._UNKNOWN_PROTOCOL):
        return UsageError(f"{label}: {said}", fix="settings are librdkafka's: ?security.protocol=SASL_SSL&…")
    if code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
        return StorageError(f"{label}: there is no such topic", fix="make it, or put rows on it; it is tried again")
    return StorageError(f"{label}: {said}", fix="see what Kafka refuses; it is tried again")


def record(message: Any) -> Record:
    """A message; its offset is what is committed once it is done: one more than Kafka's own."""
    key, headers = message.key(), message.headers()
    said = (
        {name: (value or b"").decode("utf-8", "replace") for name, value in headers if name != NAME} if headers else {}
    )
    text = key.decode("utf-8", "replace") if key is not None else None
    at = message.timestamp()[1] / 1000
    return Record(message.offset() + 1, at, text, said or None, message.value() or b"", str(message.partition()))


def headers_of(said: dict[str, Any] | None, name: str | None) -> list[tuple[str, bytes]] | None:
    """Headers as Kafka has them, and which record of its source it answers."""
    made = [(one, (v if isinstance(v, str) else json.dumps(v)).encode()) for one, v in (said or {}).items()]
    return [*made, (NAME, name.encode())] if name else made or None
