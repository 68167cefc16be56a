"""A Service of Knative, with shares of the traffic; for a stream what brings its events to it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..data.encoding import dumps
from ..errors import UsageError
from ..inference.schema import Schema
from ..patterns.serving.looking.examples import example
from . import manifests
from .guide import Asked, Guide

if TYPE_CHECKING:
    from pathlib import Path

    from ..bundle.version import ModelVersion
    from .subject import Subject

Json = dict[str, Any]
_SHARES = (
    "A Service is one template at a time: `2-canary.yaml` makes the revision of the version that comes, and splits the "
    "traffic. A later `percent` there moves more of it; applying `1-live.yaml` takes it back."
)
_EVENTS = (
    "Each event of the type `{type}` is a row, and is answered by an event, which goes back to the broker: a Trigger "
    "on its type `io.kserve.inference.response` brings it on. The guarantee is the broker's: at least once, with its "
    "retries. {unused}"
)
_WITHIN = (
    "It answers within the cluster alone. This runs the image there, which asks it for the reference rows, and "
    "compares with what the notebook's cell answered to them:"
)
_KAFKA = "It needs Knative's source for Kafka (`kafka-source.yaml` of knative-extensions/eventing-kafka-broker)."
_TYPE = "workbench.row"
_CURL = "kubectl run send --rm --attach --restart=Never --image=curlimages/curl --command -- curl -sS -w '%{http_code}'"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def write(subject: Subject, folder: Path) -> Guide:
    """The manifests and what the images are built from."""
    asked = subject.under_a_label().without_shadow("Knative")
    subject = asked.as_service() if asked.kind == "stream" else asked
    steps = (*manifests.images(subject, folder), *manifests.secret(asked))
    files = _services(subject)
    if asked.kind == "stream":
        files["events.yaml"] = _events(asked)
    for name, documents in files.items():
        manifests.write(folder / name, *documents)
    apply = "\n".join(f"kubectl apply -f {name}" for name in files)
    wait = f"kubectl wait --for=condition=Ready ksvc/{subject.label} --timeout=10m"
    look = manifests.answers_at("ksvc", subject, ".status.traffic", ("live", "canary"))
    notes = (_SHARES,) * bool(subject.beside) + (_KAFKA,) * _is_kafka(asked)
    notes += (_events_note(asked),) if asked.kind == "stream" else ()
    steps += (("apply it", f"{apply}\n{wait}"), *_sent(asked), look)
    return Guide(steps, _ways(subject), notes=notes, of=subject)


def _ways(subject: Subject) -> tuple[Asked, ...]:
    """How it is asked; where it is for those within the cluster, from there."""
    ways = manifests.ingress(subject)
    if subject.spec["token"]:
        return ways
    run = "kubectl run prove --rm --attach --restart=Never --image={} --command --"
    return (Asked(ways[0].url, said=_WITHIN, within=lambda version: run.format(subject.image_of(version))),)


def _events_note(asked: Subject) -> str:
    output = f"`{asked.spec['output']}` is not written to there"
    unused = f"{output}." if _is_kafka(asked) else f"{output}, and `{asked.spec['input']}` not read."
    return _EVENTS.format(type=_event_type(asked), unused=unused)


def _sent(asked: Subject) -> tuple[tuple[str, str], ...]:
    """How an event is sent by hand, where none comes of itself."""
    if asked.kind != "stream" or _is_kafka(asked) or not asked.live.manifest.has_reference:
        return ()
    row = dumps(example(Schema.from_json(asked.live.manifest.schema), asked.live.reference())).decode()
    heads = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/by-hand"}
    said = " ".join(f"-H '{name}: {value}'" for name, value in {**heads, "ce-type": _TYPE}.items())
    broker = f"BROKER=$(kubectl get broker {asked.label} -o jsonpath='{{.status.address.url}}')"
    line = f"{broker}\n{_CURL} $BROKER {said} -d {shlex.quote(row)}"
    return (("send it a row by hand (202: the broker has it)", line),)


def _services(subject: Subject) -> dict[str, list[Json]]:
    live, share = subject.live, round(subject.table.share)
    if not subject.beside:
        return {"service.yaml": [_service(subject, live, [_traffic(subject, live, 100)])]}
    split = [_traffic(subject, live, 100 - share), _traffic(subject, subject.beside, share, "canary")]
    first = _service(subject, live, [_traffic(subject, live, 100)])
    return {"1-live.yaml": [first], "2-canary.yaml": [_service(subject, subject.beside, split)]}


def _traffic(subject: Subject, version: ModelVersion, percent: int, tag: str = "live") -> Json:
    return {"revisionName": subject.named(version), "percent": percent, "tag": tag}


def _service(subject: Subject, version: ModelVersion, traffic: list[Json]) -> Json:
    template = {
        "metadata": {"name": subject.named(version)},
        "spec": {"containers": [_container(subject, version)]},
    }
    metadata = manifests.meta(subject, version)
    if not subject.spec["token"]:  # who asks need not say who it is: it is for those within the cluster
        metadata["labels"]["networking.knative.dev/visibility"] = "cluster-local"
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"template": template, "traffic": traffic},
    }


def _container(subject: Subject, version: ModelVersion) -> Json:
    """Knative names the port by its protocol, and gives PORT itself."""
    found = manifests.container(subject, version, "model")
    found["ports"] = [{"name": "http1", "containerPort": found["ports"][0]["containerPort"]}]
    return found


def _events(subject: Subject) -> list[Json]:
    """A broker, what passes its events on to the service, and where they come from."""
    broker = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": manifests.meta(subject)}
    broker["spec"] = {}
    trigger = {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": manifests.meta(subject),
        "spec": {
            "broker": subject.label,
            "filter": {"attributes": {"type": _event_type(subject)}},
            "subscriber": {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": subject.label}},
        },
    }
    return [broker, trigger, *([_kafka(subject)] if _is_kafka(subject) else [])]


def _is_kafka(subject: Subject) -> bool:
    return subject.kind == "stream" and str(subject.spec.get("input") or "").startswith("kafka://")


def _event_type(subject: Subject) -> str:
    return "dev.knative.kafka.event" if _is_kafka(subject) else _TYPE


def _kafka(subject: Subject) -> Json:
    """Read off the place as it is written: values of its variables come from the Secret, and stand in no manifest."""
    url = urlsplit(subject.spec["input"])
    user, _, hosts = url.netloc.rpartition("@")
    given = dict(parse_qsl(url.query)).get("group")
    return {
        "apiVersion": "sources.knative.dev/v1beta1",
        "kind": "KafkaSource",
        "metadata": manifests.meta(subject),
        "spec": {
            "consumerGroup": given or subject.spec.get("group") or subject.name,
            "bootstrapServers": hosts.split(","),
            "topics": [unquote(url.path.strip("/"))],
            **({"net": _net(subject, user)} if user else {}),
            "sink": {"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": subject.label}},
        },
    }


def _net(subject: Subject, user: str) -> Json:
    """As a stream of ours reaches such a broker: SASL over TLS. UsageError for a password that stands in the place."""
    names = [_VARIABLE.fullmatch(one) for one in user.split(":", 1)]
    if len(names) < 2 or None in names:
        what = f"{subject.name} reads Kafka as a user whose name or password stands in its place"
        raise UsageError(what, fix="stream … 'kafka://${KAFKA_USER}:${KAFKA_PASSWORD}@HOST:PORT/TOPIC', then export")
    name, password = ({"secretKeyRef": {"name": subject.label, "key": one[1]}} for one in names if one)
    return {"sasl": {"enable": True, "user": name, "password": password}, "tls": {"enable": True}}
