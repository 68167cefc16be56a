"""Figures -> the text that Prometheus reads, under the names that dashboards for model servers know: those of MLServer
(`model_infer_…`, `rest_server_…`), Triton (`nv_inference_…`) and KServe (`request_…_seconds`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .figures import of_version
from .metrics import BOUNDS, SIZES

if TYPE_CHECKING:
    from .figures import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_EVERY = 4
_LABELS = ("model", "version")
_TRITON = {
    "request": "answered",
    "queue": "queue",
    "compute_input": "decode",
    "compute_infer": "model",
    "compute_output": "encode",
}
_TIMES = {
    "model_infer_request_duration": ("answered", "seconds from request to answer"),
    "request_queue_seconds": ("queue", "seconds that a request waited"),
    "request_preprocess_seconds": ("decode", "seconds to read a request into what the model takes"),
    "request_predict_seconds": ("model", "seconds in the call of the model that answered a request"),
    "request_postprocess_seconds": ("encode", "seconds to write an answer"),
}


def text(values: memoryview[float], model: str) -> bytes:
    """All that a file of metrics holds of the version that answers now, labelled with it and the model."""
    from prometheus_client import CollectorRegistry, generate_latest

    version, figures = of_version(values)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(figures, (model, str(version))))
    made: bytes = generate_latest(registry)
    return made


class _Collected:
    """What prometheus-client asks for the families."""

    def __init__(self, figures: Figures, labels: tuple[str, str]) -> None:
        self.figures, self.labels = figures, labels

    def collect(self) -> Iterator[Any]:
        yield from self._counters()
        yield from self._triton()
        yield self._statuses()
        yield from self._gauges()
        for name, (stage, said) in _TIMES.items():
            buckets = _so_far(self.figures.times(stage), BOUNDS, _EVERY)
            yield self._histogram(name, said, buckets, self.figures.seconds(stage))
        sizes = _so_far(self.figures.sizes, SIZES, 1)
        yield self._histogram("workbench_call_rows", "rows of a call of the model", sizes, self.figures.rows)

    def _counters(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily

        seen = self.figures
        counted = {
            "model_infer_request_success": ("requests that were answered", seen.requests - seen.failures),
            "model_infer_request_failure": ("requests that were refused or failed", seen.failures),
        }
        for name, (said, value) in counted.items():
            family = CounterMetricFamily(name, said, labels=_LABELS)
            family.add_metric(self.labels, value)
            yield family

    def _triton(self) -> Iterator[Any]:
        """Counters whose names do not end in `_total`, which prometheus-client would see to."""
        from prometheus_client.core import Metric

        seen = self.figures
        counted = {
            "request_success": ("requests that the model answered", seen.answered),
            "request_failure": ("requests that were refused or failed", seen.failures),
            "count": ("rows that were predicted", seen.rows),
            "exec_count": ("calls of the model", seen.calls),
        }
        for part, stage in _TRITON.items():
            counted[f"{part}_duration_us"] = f"microseconds of all requests: {stage}", round(seen.seconds(stage) * 1e6)
        for name, (said, value) in counted.items():
            family = Metric(f"nv_inference_{name}", said, "unknown")
            family.add_sample(family.name, dict(zip(_LABELS, self.labels, strict=True)), value)
            yield family

    def _statuses(self) -> Any:
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(
            "rest_server_requests",
            "requests by status; over gRPC by the one that HTTP would have",
            labels=(*_LABELS, "status_code"),
        )
        for status, count in self.figures.statuses.items():
            family.add_metric((*self.labels, str(status)), count)
        return family

    def _gauges(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        now = {
            "rest_server_requests_in_progress": ("requests without an answer yet", self.figures.in_flight),
            "nv_inference_pending_request_count": ("requests that wait for the model", self.figures.waiting),
        }
        for name, (said, value) in now.items():
            family = GaugeMetricFamily(name, said, labels=_LABELS)
            family.add_metric(self.labels, value)
            yield family

    def _histogram(self, name: str, said: str, buckets: list[tuple[str, float]], total: float) -> Any:
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(name, said, labels=_LABELS)
        family.add_metric(self.labels, buckets, total)
        return family


def _so_far(counts: Sequence[float], bounds: Sequence[float], every: int) -> list[tuple[str, float]]:
    """How many are within each bound, of which one in so many is shown."""
    so_far, shown = 0.0, []
    for i, bound in enumerate(bounds):
        so_far += counts[i]
        if i % every == 0:
            shown.append((f"{bound:.6g}", so_far))
    return [*shown, ("+Inf", sum(counts))]
