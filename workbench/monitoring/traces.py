"""Spans of requests for OpenTelemetry, where the environment says to whom (OTEL_EXPORTER_OTLP_ENDPOINT).

Names as its semantic conventions for HTTP servers have them; the caller's `traceparent` (W3C) is the parent.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from .. import journal

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_WIRE = "http/protobuf"
_OTHER_WIRE = (
    f"spans are sent over {_WIRE} alone, and {{}} is asked for: none are sent → OTEL_EXPORTER_OTLP_PROTOCOL={_WIRE}"
)
_NONE = ("none", "")
_MISSING = "{} is set, but no spans are sent → pip install 'deployment-workbench[otel]'"


def begin(service: str) -> tuple[Traces | None, str]:
    """What sends spans for a deployment of this name, if somebody asks for them; why there is none all the same."""
    asked = next((name for name in _WHERE if os.environ.get(name)), None)
    if asked is None or os.environ.get("OTEL_TRACES_EXPORTER", "otlp") in _NONE:
        return None, ""
    if (wire := _wire()) != _WIRE:
        journal.note(why := _OTHER_WIRE.format(wire))
        return None, why
    try:
        return Traces(service), ""
    except ImportError:
        journal.note(why := _MISSING.format(asked))
        return None, why


def _wire() -> str:
    said = map(os.environ.get, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"))
    return next(filter(None, said), _WIRE)


def named(service: str) -> dict[str, str]:
    """What spans call a deployment; nothing where the environment has a name for it, which then holds."""
    told = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return {} if told else {"service.name": service}


class Traces:
    """Sends a span for each request, in batches from a thread of its own."""

    def __init__(self, service: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = TracerProvider(resource=Resource.create(dict(named(service))), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("workbench")
        self._propagator = TraceContextTextMapPropagator()

    def answered(
        self, path: str, headers: Mapping[bytes, bytes], status: int, seconds: float, about: Mapping[str, Any]
    ) -> None:
        """Tell of a request that took so long until now; `about` are further attributes."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        context = None
        if parent := headers.get(b"traceparent", b"").decode("latin-1"):
            state = headers.get(b"tracestate", b"").decode("latin-1")
            context = self._propagator.extract({"traceparent": parent, "tracestate": state})
        end = time.time_ns()
        span = self._tracer.start_span(
            f"POST {path}", context, kind=SpanKind.SERVER, start_time=end - round(seconds * 1e9)
        )
        attributes: dict[str, Any] = {
            "http.request.method": "POST",
            "url.path": path,
            "http.response.status_code": status,
        }
        span.set_attributes({**attributes, **about})
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def end(self) -> None:
        """Send what was not sent."""
        self._provider.shutdown()
