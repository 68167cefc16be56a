"""Figures -> the text that Prometheus reads, under the names that dashboards for model servers know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .metrics import BOUNDS

if TYPE_CHECKING:
    from .metrics import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SHOWN = 4


def text(figures: Figures, model: str, version: str) -> bytes:
    """All figures, labelled with the model and the version that answers now."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(figures, (model, version)))
    made: bytes = generate_latest(registry)
    return made


class _Collected:
    """What prometheus-client asks for the families."""

    def __init__(self, figures: Figures, labels: tuple[str, str]) -> None:
        self.figures, self.labels = figures, labels

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        seen, names = self.figures, ("model", "version")
        counted = {
            "model_infer_request_success": ("requests that were answered", seen.requests - seen.failures),
            "model_infer_request_failure": ("requests that were refused or failed", seen.failures),
            "workbench_refused_requests": ("requests that were wrong, or too many", seen.refused),
            "workbench_rows": ("rows that were predicted", seen.rows),
            "workbench_batches": ("calls of the model", seen.batches),
            "workbench_model_seconds": ("seconds in the model's own code", seen.model_seconds),
        }
        for name, (said, value) in counted.items():
            family = CounterMetricFamily(name, said, labels=names)
            family.add_metric(self.labels, value)
            yield family
        waiting = GaugeMetricFamily("workbench_waiting_requests", "requests that wait for the model", labels=names)
        waiting.add_metric(self.labels, seen.waiting)
        yield waiting
        times = HistogramMetricFamily("model_infer_request_duration", "seconds from request to answer", labels=names)
        times.add_metric(self.labels, list(self._buckets()), seen.seconds)
        yield times

    def _buckets(self) -> Iterator[tuple[str, float]]:
        """Every fourth bound: a doubling each."""
        so_far = 0
        for i, count in enumerate(self.figures.buckets[:-1]):
            so_far += count
            if i % _SHOWN == 0:
                yield f"{BOUNDS[i]:.3g}", so_far
        yield "+Inf", sum(self.figures.buckets)
