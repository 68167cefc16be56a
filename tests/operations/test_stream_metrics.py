"""What a stream shows to Prometheus, and on its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from batch_models import row_wise
from customer_models import CUSTOMERS
from ports import free_port
from prometheus_client.parser import text_string_to_metric_families

from workbench.api import Workbench
from workbench.errors import JobFailed


@pytest.fixture
def model(api: Workbench) -> str:
    api.model("churn", row_wise, example=CUSTOMERS)
    api.put("queue:rows", CUSTOMERS)
    return "churn"


def test_figures_for_prometheus(api: Workbench, model: str, tmp_path: Path) -> None:
    port = free_port()
    api.put("queue:rows", [{"age": "old"}])
    outputs = [str(tmp_path / "a.jsonl"), str(tmp_path / "parts")]
    stream = api.stream(model, "queue:rows", output=outputs, metrics=port)
    stream = stream.until(lambda facts: facts.get("lag") == 0 and facts.get("records") == 6)
    found: dict[str, Any] = {}

    def read(_: dict[str, Any]) -> bool:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        found.update({sample.name: sample for sample in samples})
        return found["workbench_stream_records_total"].value == 6

    stream.until(read)
    assert found["workbench_stream_dead_letters_total"].value == 1
    assert found["workbench_stream_lag"].value == 0
    assert found["workbench_stream_latency_seconds"].value > 0
    assert found["workbench_stream_lag"].labels == {"stream": "stream/churn", "version": "churn@1"}
    assert "a.jsonl and " in str(api.status("stream/churn"))


def test_a_port_that_is_taken(api: Workbench, model: str) -> None:
    service = api.serve(model)
    port = int(service.url.rpartition(":")[2])
    with pytest.raises(JobFailed, match=f"port {port} cannot be had"):
        api.stream(model, "queue:rows", output="a.jsonl", metrics=port, name="other")
