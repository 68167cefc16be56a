"""Places of brokers: a URL with the topic, stream, subject or queue, `group=`, and options of ours and the client's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import UsageError


@dataclass(frozen=True)
class Kind:
    """A kind of broker: what its topics are called, how its URL reads, what it needs, and its options of ours: numbers,
    and switches that are `yes` or `no`."""

    topic: str
    shape: str
    module: str
    extra: str
    options: tuple[str, ...] = ()
    in_path: bool = False
    switches: tuple[str, ...] = ()


KINDS = {
    "redis": Kind("stream", "redis://HOST:PORT/DB?stream=NAME", "redis", "redis", ("claim",)),
    "rediss": Kind("stream", "rediss://HOST:PORT/DB?stream=NAME", "redis", "redis", ("claim",)),
    "kafka": Kind(
        "topic", "kafka://HOST:PORT/TOPIC", "confluent_kafka", "kafka", in_path=True, switches=("transactions",)
    ),
    "cloudevents": Kind("path", "cloudevents://HOST:PORT/NAME", "httpx", "", in_path=True),
    "nats": Kind("subject", "nats://HOST:PORT/SUBJECT", "nats", "nats", in_path=True),
    "amqp": Kind("queue", "amqp://HOST/VHOST?queue=NAME", "aio_pika", "rabbitmq"),
    "amqps": Kind("queue", "amqps://HOST/VHOST?queue=NAME", "aio_pika", "rabbitmq"),
}
_NAME = re.compile(r"[^\w.-]+")


def kind_of(scheme: str | None) -> Kind | None:
    """The kind of broker that a scheme names, if it does."""
    return KINDS.get(scheme or "")


def parts(place: str, kind: Kind) -> tuple[str, dict[str, str], str, dict[str, str]]:
    """The URL and the options of the client, what people are shown, and what is ours: the topic, `group=`, our options.

    UsageError for a URL without a host or a topic.
    """
    url, query = urlsplit(place), dict(parse_qsl(urlsplit(place).query, keep_blank_values=True))
    options = {name: query.pop(name) for name in ("group", kind.topic, *kind.options, *kind.switches) if name in query}
    if kind.in_path:
        options[kind.topic] = unquote(url.path.strip("/"))
    if not url.hostname or not options.get(kind.topic):
        missing = f"no {kind.topic}" if url.hostname else "no host"
        raise UsageError(f"{_shown(place)} has {missing}", fix=kind.shape)
    _check_options(options, kind)
    bare = url._replace(query="").geturl()
    label = _shown(bare) if kind.in_path else f"{_shown(bare)}?{kind.topic}={options[kind.topic]}"
    return bare, query, label, options


def _check_options(options: dict[str, str], kind: Kind) -> None:
    for name in kind.options:
        if name in options and not re.fullmatch(r"\d+(\.\d+)?", options[name]):
            raise UsageError(f"{name}={options[name]} is no number", fix=f"{name}=60, in seconds")
    for name in kind.switches:
        if options.get(name, "no") not in ("yes", "no"):
            raise UsageError(f"{name}={options[name]} says neither yes nor no", fix=f"{name}=yes")


def _shown(place: str) -> str:
    return re.sub(r"(?<=://)([^:/@?]*):([^@/]+)@", r"\1:***@", place.partition("?")[0])


def name_of(scheme: str, topic: str) -> str:
    """What is kept beside the topic is called so: a name that a queue may have."""
    return _NAME.sub("-", f"{scheme}.{topic}")[:60]


def check_installed(scheme: str) -> None:
    """UsageError where the client of a kind of broker is not installed."""
    kind = KINDS[scheme]
    if find_spec(kind.module) is None:
        fix = f"pip install 'deployment-workbench[{kind.extra}]'"
        raise UsageError(f"{scheme}:// needs {kind.module}, which is not installed here", fix=fix)
