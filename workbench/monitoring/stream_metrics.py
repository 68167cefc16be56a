"""What a stream says of itself -> metrics that Prometheus reads, at a port of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from . import alarm

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import Metric

_PREFIX = "workbench_stream"
_GAUGES = {
    "lag": "Records that were not answered yet.",
    "rate": "Records a second.",
    "held": "Answers that the sink holds back until its part is closed.",
    "batch": "Records of a micro-batch, on average of the last ones.",
}
_COUNTERS = {
    "records": ("records", "Records that were answered, since the process began."),
    "dead": ("dead_letters", "Records that nothing could be answered to, ever."),
    "again": ("asked_again", "Records that the model was asked about again, ever."),
    "tries": ("retries", "How often broker, sink or disk refused and were tried again, since the process began."),
}
Facts = Callable[[], dict[str, Any]]


class Collector:
    """Looks at the facts whenever it is asked, and at the drift that was found last, which is kept in `folder`."""

    def __init__(self, name: str, facts: Facts, folder: Path) -> None:
        self.name, self.facts, self.folder = name, facts, folder

    def collect(self) -> Iterator[Metric]:
        """All that is known."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        facts = self.facts()
        labels, own = ("stream", "version"), (self.name, str(facts.get("version", "")))
        for fact, help in _GAUGES.items():
            gauge = GaugeMetricFamily(f"{_PREFIX}_{fact}", help, labels=labels)
            gauge.add_metric(own, facts.get(fact, 0))
            yield gauge
        for fact, (name, help) in _COUNTERS.items():
            counter = CounterMetricFamily(f"{_PREFIX}_{name}", help, labels=labels)
            counter.add_metric(own, facts.get(fact, 0))
            yield counter
        waits = GaugeMetricFamily(f"{_PREFIX}_latency_seconds", "From event to sink.", labels=(*labels, "quantile"))
        for fact, quantile in (("p50", "0.5"), ("p99", "0.99")):
            if fact in facts:
                waits.add_metric((*own, quantile), facts[fact])
        yield waits
        yield from alarm.families(alarm.kept(self.folder))


@contextmanager
def served(port: int | None, name: str, facts: Facts, folder: Path) -> Iterator[None]:
    """Answers at `/metrics` of this port meanwhile, on this machine alone; nowhere without a port. UsageError."""
    if port is None:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(Collector(name, facts, folder))
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise UsageError(f"port {port} cannot be had: {error.strerror}", fix="--metrics ANOTHER") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
