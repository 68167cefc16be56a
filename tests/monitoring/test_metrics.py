"""Figures in a file: written by the processes of a deployment, read by anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from workbench.monitoring import metrics as layout
from workbench.monitoring import prometheus
from workbench.monitoring.figures import Figures, by_version, lately, of_table, read
from workbench.monitoring.metrics import BOUNDS, STAGES, WIDTH, Metrics
from workbench.routing import table


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


def asked(metrics: Metrics, *, status: int = 200) -> None:
    """One request that took 100 ms in all."""
    metrics.begun()
    if status == 200:
        metrics.called(3)
        metrics.took(0.1, 0.01, 0.02, 0.005)
    metrics.answered(status)
    metrics.ended()


def samples(file: Path) -> dict[tuple[str, ...], float]:
    """What Prometheus reads: by name, and by the labels beside model and version."""
    text = prometheus.text(memoryview(file.read_bytes()).cast("d"), "churn").decode()
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(s.name, *(v for k, v in s.labels.items() if k not in ("model", "version"))): s.value for s in found}


def test_processes_count_in_one_file(file: Path) -> None:
    first, second = (Metrics(file, slot, 2) for slot in (0, 1))
    asked(first)
    asked(second, status=429)
    second.waits(3)
    second.begun()
    seen = read(file)
    assert (seen.requests, seen.failures, seen.refused, seen.waiting, seen.in_flight) == (2, 1, 1, 3, 1)
    assert (seen.answered, seen.rows, seen.calls, seen.statuses) == (1, 3, 1, {200: 1, 429: 1})


def test_who_takes_a_slot_over_counts_on_but_waits_for_nothing(file: Path) -> None:
    died = Metrics(file, 0, 1)
    asked(died)
    died.waits(5)
    died.begun()
    died.calls()
    Metrics(file, 0, 1)
    seen = read(file)
    assert (seen.requests, seen.waiting, seen.in_flight, seen.calling) == (1, 0, 0, 0)


def test_two_processes_at_once_lose_nothing(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from workbench.monitoring.metrics import Metrics\n"
        "m = Metrics(Path(sys.argv[1]), int(sys.argv[2]), 2)\n"
        "for _ in range(5000): m.begun(); m.called(2); m.took(1e-3, 1e-4, 2e-4, 1e-4); m.answered(200); m.ended()\n"
    )
    env = os.environ | {"PYTHONPATH": str(Path(layout.__file__).parents[2])}
    both = [subprocess.Popen([sys.executable, "-c", code, str(file), str(slot)], env=env) for slot in (0, 1)]
    assert [process.wait() for process in both] == [0, 0]
    seen = read(file)
    assert (seen.requests, seen.rows, seen.calls, seen.in_flight, sum(seen.sizes)) == (
        10_000,
        20_000,
        10_000,
        0,
        10_000,
    )
    assert all(sum(seen.times(name)) == 10_000 for name in ("answered", *STAGES))


def test_the_median_is_told_apart(file: Path) -> None:
    metrics = Metrics(file, 0, 1)
    for _ in range(100):
        asked(metrics)
    seen = read(file)
    whole, stages = seen.p50, seen.stages()
    assert whole == pytest.approx(0.1, rel=0.2)
    assert list(stages) == list(STAGES)
    assert sum(stages.values()) == pytest.approx(whole)
    assert stages == pytest.approx({"queue": 0.065, "decode": 0.01, "model": 0.02, "encode": 0.005}, rel=0.35)
    assert seen.seconds("queue") == pytest.approx(100 * 0.065)
    assert (seen.quantile(0.5, "model") or 0.0) == pytest.approx(0.02, rel=0.2)


def test_stages_never_take_longer_than_the_whole(file: Path) -> None:
    Metrics(file, 0, 1).took(0.001, 0.0, 0.0012, 0.0)
    stages = read(file).stages()
    assert min(stages.values()) >= 0


def test_times_beyond_the_bounds_are_counted(file: Path) -> None:
    metrics = Metrics(file, 0, 1)
    metrics.took(1000.0, 0.0, 1000.0, 0.0)
    metrics.called(10_000_000)
    assert (read(file).p50, read(file).answered, sum(read(file).sizes)) == (BOUNDS[-1], 1, 1)


def test_a_call_is_counted_by_its_rows(file: Path) -> None:
    metrics = Metrics(file, 0, 1)
    for rows in (1, 2, 3, 4, 5):
        metrics.called(rows)
    assert [int(n) for n in read(file).sizes[:4]] == [1, 1, 2, 1]


def test_lately_is_what_was_counted_in_the_last_minute(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(layout.time, "time", lambda: now[0])
    metrics = Metrics(file, 0, 1)
    asked(metrics)
    assert lately(file).answered == 1
    for _ in range(70):
        now[0] += 1
        metrics.rests(0.5)
        metrics.beat()
    asked(metrics)
    seen = lately(file)
    assert (seen.answered, read(file).answered) == (1, 2)
    assert 30 <= seen.period <= 60
    assert seen.busy == pytest.approx(0.5)
    assert read(file).since(read(file)).busy == 0


def of_each(file: Path) -> dict[int, tuple[int, int, int]]:
    """Requests, failures and rows of each version."""
    seen = by_version(memoryview(file.read_bytes()).cast("d"))
    return {version: (one.requests, one.failures, one.rows) for version, one in seen.items()}


def test_a_version_begins_at_nothing(file: Path) -> None:
    first, second = (Metrics(file, slot, 2) for slot in (0, 1))
    for metrics in (first, second):
        metrics.route(0, [1])
        asked(metrics)
        metrics.route(0, [1])
    assert samples(file)["model_infer_request_success_total",] == 2
    first.route(0, [2])
    assert of_each(file) == {2: (0, 0, 0), 1: (1, 0, 3)}, "one process has not changed over yet"
    second.route(0, [2])
    asked(first)
    assert of_each(file) == {2: (1, 0, 3)}
    assert (read(file).requests, read(file).answered, read(file).rows) == (3, 3, 9), "what was counted remains"


def test_versions_that_answer_beside_each_other_are_told_apart(file: Path) -> None:
    first, second = (Metrics(file, slot, 2) for slot in (0, 1))
    for metrics in (first, second):
        metrics.route(7, [1, 2])
        metrics.called(5, 2)
        metrics.took(0.2, 0.01, 0.15, 0.0, 2)
        metrics.answered(200, 2)
        asked(metrics)
    first.answered(500, 2)
    first.answered(401)
    assert of_each(file) == {1: (3, 1, 6), 2: (3, 1, 10)}
    text = prometheus.text(memoryview(file.read_bytes()).cast("d"), "churn").decode()
    told = {
        (sample.name, sample.labels["version"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels and "status_code" not in sample.labels
    }
    assert told["model_infer_request_success_total", "1"] == told["model_infer_request_success_total", "2"] == 2
    assert told["model_infer_request_duration_sum", "2"] == pytest.approx(0.4)
    assert told["nv_inference_count", "2"] == 10
    assert [version for name, version in told if name == "rest_server_requests_in_progress"] == ["1"]
    again = Metrics(file, 0, 2)
    again.route(7, [1, 2])
    assert of_each(file)[2] == (3, 1, 10), "who takes a slot over counts on"
    for metrics in (again, second):
        metrics.route(8, [1, 3])
    assert of_each(file) == {1: (3, 1, 6), 3: (0, 0, 0)}
    assert (read(file).requests, read(file).rows) == (6, 16)


def test_prometheus_is_told_in_the_names_that_its_boards_know(file: Path) -> None:
    first, second = (Metrics(file, slot, 2) for slot in (0, 1))
    asked(first)
    asked(second)
    asked(second, status=400)
    second.waits(2)
    told = samples(file)
    expected = {
        ("model_infer_request_success_total",): 2,
        ("model_infer_request_failure_total",): 1,
        ("rest_server_requests_total", "200"): 2,
        ("rest_server_requests_total", "400"): 1,
        ("rest_server_requests_in_progress",): 0,
        ("nv_inference_pending_request_count",): 2,
        ("nv_inference_request_success",): 2,
        ("nv_inference_count",): 6,
        ("nv_inference_exec_count",): 2,
        ("nv_inference_queue_duration_us",): 130_000,
        ("nv_inference_compute_infer_duration_us",): 40_000,
        ("request_predict_seconds_count",): 2,
        ("request_predict_seconds_bucket", "+Inf"): 2,
        ("request_queue_seconds_bucket", "0.04096"): 0,
        ("workbench_call_rows_bucket", "2"): 0,
        ("workbench_call_rows_bucket", "4"): 2,
        ("workbench_call_rows_sum",): 6,
    }
    assert {name: told[name] for name in expected} == expected


def test_a_file_of_another_layout_holds_nothing(file: Path) -> None:
    file.write_bytes(bytes(8 * (WIDTH + 1)))
    assert isinstance(read(file), Figures)
    assert (read(file).requests, read(file).p50, lately(file).answered) == (0, None, 0)


def test_the_versions_of_a_table_are_counted_by_themselves(file: Path) -> None:
    first, second = (Metrics(file, slot, 2) for slot in (0, 1))
    for metrics in (first, second):
        metrics.route(7, [1, 2])
        metrics.took(0.1, 0.0, 0.1, 0.0, 1)
        metrics.took(0.2, 0.0, 0.2, 0.0, 2)
        metrics.failed(2, 500)
        metrics.failed(2, 429)
        metrics.shadowed(2, "different")
    again = Metrics(file, 1, 2)
    again.route(7, [1, 2])
    again.failed(1, 400)
    live, new = (of_table(file, 7)[version] for version in (1, 2))
    assert (live.requests, live.failed, new.requests, new.failed) == (3, 1, 4, 2)
    assert dict(zip(layout.OUTCOMES, new.outcomes, strict=True))["different"] == 2
    assert (live.within(0.5), new.p90) == (pytest.approx(0.1, rel=0.2), pytest.approx(0.2, rel=0.2))
    first.route(8, [1, 2])
    assert of_table(file, 7)[1].requests == 2, "what another table has counted is another matter"
    assert of_table(file, 8)[2].requests == 0
    first.route(0, [2])
    first.failed(2, 500)
    assert of_table(file, 0) == {}


def test_as_many_versions_are_counted_as_a_table_may_have(file: Path) -> None:
    versions = list(range(1, table.MOST + 1))
    counting = Metrics(file, 0, 1)
    counting.route(1, versions)
    for version in versions:
        for _ in range(version):
            counting.answered(200, version)
            counting.took(0.001, 0.0, 0.001, 0.0, version)
    assert {version: arm.requests for version, arm in of_table(file, 1).items()} == {v: v for v in versions}
    assert {version: seen.requests for version, seen in by_version(counting.values).items()} == {v: v for v in versions}
