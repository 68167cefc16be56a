"""Figures -> the text that Prometheus reads, under the names that dashboards for model servers know: those of MLServer
(`model_infer_…`, `rest_server_…`), Triton (`nv_inference_…`) and KServe (`request_…_seconds`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .figures import by_version, counted
from .metrics import BOUNDS, SIZES

if TYPE_CHECKING:
    from .figures import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_EVERY = 4
_LABELS = ("model", "version")


def _microseconds(seen: Figures, stage: str) -> float:
    return round(seen.seconds(stage) * 1e6)


_STAGES = {
    "request": "answered",
    "queue": "queue",
    "compute_input": "decode",
    "compute_infer": "model",
    "compute_output": "encode",
}
_Value = Callable[["Figures"], float]
_Shown = tuple[list[tuple[str, float]], float]
_COUNTERS: dict[str, tuple[str, _Value]] = {
    "model_infer_request_success": ("requests that were answered", lambda seen: seen.requests - seen.failures),
    "model_infer_request_failure": ("requests that were refused or failed", lambda seen: seen.failures),
}
_TRITON: dict[str, tuple[str, _Value]] = {
    "request_success": ("requests that the model answered", lambda seen: seen.answered),
    "request_failure": ("requests that were refused or failed", lambda seen: seen.failures),
    "count": ("rows that were predicted", lambda seen: seen.rows),
    "exec_count": ("calls of the model", lambda seen: seen.calls),
} | {
    f"{part}_duration_us": (f"microseconds of all requests: {stage}", partial(_microseconds, stage=stage))
    for part, stage in _STAGES.items()
}
_TIMES = {
    "model_infer_request_duration": ("answered", "seconds from request to answer"),
    "request_queue_seconds": ("queue", "seconds that a request waited"),
    "request_preprocess_seconds": ("decode", "seconds to read a request into what the model takes"),
    "request_predict_seconds": ("model", "seconds in the call of the model that answered a request"),
    "request_postprocess_seconds": ("encode", "seconds to write an answer"),
}


def text(values: memoryview[float], model: str) -> bytes:
    """All that a file of metrics holds of the versions that answer now, labelled with them and the model."""
    from prometheus_client import CollectorRegistry, generate_latest

    seen = {(model, str(version)): figures for version, figures in by_version(values).items()}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(seen or {(model, "0"): counted(values)}, counted(values)))
    made: bytes = generate_latest(registry)
    return made


class _Collected:
    """What prometheus-client asks for the families; `seen` by their labels, the live version first, and `now` what
    waits for any."""

    def __init__(self, seen: dict[tuple[str, str], Figures], now: Figures) -> None:
        self.seen, self.now = seen, now

    def collect(self) -> Iterator[Any]:
        yield from self._counters()
        yield from self._triton()
        yield self._statuses()
        yield from self._gauges()
        for name, (stage, said) in _TIMES.items():
            yield self._histogram(name, said, partial(_times, stage=stage))
        yield self._histogram("workbench_call_rows", "rows of a call of the model", _sizes)

    def _counters(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily

        for name, (said, value) in _COUNTERS.items():
            family = CounterMetricFamily(name, said, labels=_LABELS)
            for labels, seen in self.seen.items():
                family.add_metric(labels, value(seen))
            yield family

    def _triton(self) -> Iterator[Any]:
        """Counters whose names do not end in `_total`, which prometheus-client would see to."""
        from prometheus_client.core import Metric

        for name, (said, value) in _TRITON.items():
            family = Metric(f"nv_inference_{name}", said, "unknown")
            for labels, seen in self.seen.items():
                family.add_sample(family.name, dict(zip(_LABELS, labels, strict=True)), value(seen))
            yield family

    def _statuses(self) -> Any:
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(
            "rest_server_requests",
            "requests by status; over gRPC by the one that HTTP would have",
            labels=(*_LABELS, "status_code"),
        )
        for labels, seen in self.seen.items():
            for status, count in seen.statuses.items():
                family.add_metric((*labels, str(status)), count)
        return family

    def _gauges(self) -> Iterator[Any]:
        """As it is now, of all versions together: which one a request is for is not known before it was read."""
        from prometheus_client.core import GaugeMetricFamily

        now = {
            "rest_server_requests_in_progress": ("requests without an answer yet", self.now.in_flight),
            "nv_inference_pending_request_count": ("requests that wait for the model", self.now.waiting),
        }
        for name, (said, value) in now.items():
            family = GaugeMetricFamily(name, said, labels=_LABELS)
            family.add_metric(next(iter(self.seen)), value)
            yield family

    def _histogram(self, name: str, said: str, shown: Callable[[Figures], _Shown]) -> Any:
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(name, said, labels=_LABELS)
        for labels, seen in self.seen.items():
            family.add_metric(labels, *shown(seen))
        return family


def _times(seen: Figures, stage: str) -> _Shown:
    return _so_far(seen.times(stage), BOUNDS, _EVERY), seen.seconds(stage)


def _sizes(seen: Figures) -> _Shown:
    return _so_far(seen.sizes, SIZES, 1), seen.rows


def _so_far(counts: Sequence[float], bounds: Sequence[float], every: int) -> list[tuple[str, float]]:
    """How many are within each bound, of which one in so many is shown."""
    so_far, shown = 0.0, []
    for i, bound in enumerate(bounds):
        so_far += counts[i]
        if i % every == 0:
            shown.append((f"{bound:.6g}", so_far))
    return [*shown, ("+Inf", sum(counts))]
