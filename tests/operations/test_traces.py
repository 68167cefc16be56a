"""Spans arrive at a collector, as children of the caller's, where the environment names one."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from serving_parts import NUMBERS, first, headers
from waiting import until

from workbench.api import Workbench
from workbench.monitoring import traces


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Takes what OTLP over HTTP sends; its address, and the spans with their resources."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                about = {one.key: one.value.string_value for one in resource.resource.attributes}
                spans.extend((about, span) for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans(api: Workbench, collector: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, spans = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    service = api.serve("churn")
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    asked = headers(service) | {"traceparent": f"00-{trace}-{parent}-01", "tracestate": "shop=7"}
    assert httpx.post(f"{service.url}/predict", json={"a": 1, "b": 2}, headers=asked).status_code == 200
    assert httpx.post(f"{service.url}/predict", content=b"{", headers=headers(service)).status_code == 400
    events = headers(service) | {"accept": "text/event-stream"}
    assert httpx.post(f"{service.url}/predict", json={"a": 1, "b": 2}, headers=events).status_code == 200
    api.stop("churn")  # what was not sent is sent then
    until(lambda: len(spans) == 3)
    about, span = next(found for found in spans if found[1].trace_id.hex() == trace)
    said = {one.key: one.value for one in span.attributes}
    assert about["service.name"] == "service/churn"
    assert (span.parent_span_id.hex(), span.trace_state) == (parent, "shop=7")
    assert span.name == "POST /predict"
    assert said["http.response.status_code"].int_value == 200
    assert (said["workbench.model"].string_value, said["workbench.version"].int_value) == ("churn", 1)
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 10e9


def test_the_environment_says_whether_and_under_which_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert traces.begin("service/churn") == (None, "")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in traces.begin("service/churn")[1]
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert traces.begin("service/churn") == (None, "")
    assert traces.named("service/churn") == {"service.name": "service/churn"}
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=risk,service.name=shop")
    assert traces.named("service/churn") == {}


def test_the_card_says_that_spans_have_nowhere_to_go(
    api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the packages: those that are found first are none."""
    (found := tmp_path / "none" / "opentelemetry" / "exporter").mkdir(parents=True)
    (found / "__init__.py").write_text("raise ImportError('not installed')")
    (tmp_path / "env").write_text(f"PYTHONPATH={tmp_path / 'none'}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    said = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but no spans are sent → pip install 'deployment-workbench[otel]'"
    assert said in str(api.serve("churn", env_file=str(tmp_path / "env")))
