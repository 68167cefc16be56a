"""Where the time of a live service goes, asked as a person asks: from Python and from a shell."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from customer_models import CUSTOMERS, array_model, frame_model
from serving_parts import NUMBERS, Load, Moody, first

from workbench.api import Workbench
from workbench.errors import JobFailed, NotFound, UsageError
from workbench.operations import advice
from workbench.operations import bench as measured
from workbench.operations.figures import of_service

STAGES = ["http", "queue", "decode", "model", "encode"]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", frame_model, example=CUSTOMERS)
    workbench.model("sums", first, example=NUMBERS)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def service(api: Workbench) -> Any:
    return api.serve("churn", workers=2)


def test_it_says_where_the_time_goes(api: Workbench, service: Any) -> None:
    found = api.bench("churn", seconds=1.0, connections=8, rows=2)
    alone, many = found.levels
    assert [alone.connections, many.connections] == [1, 8]
    for level in found.levels:
        assert list(level.stages) == STAGES
        assert sum(level.stages.values()) == pytest.approx(level.p50)
        assert min(level.stages.values()) >= 0
        assert 0 < level.p50 <= level.p99
        assert level.rate > 1
        assert level.processor > 0
        assert not level.broken
    assert alone.rows_a_call == pytest.approx(2, abs=0.1)
    assert many.stages["queue"] > alone.stages["queue"]
    assert (found.name, found.version, found.workers, found.rows) == ("service/churn", "churn@1", 2, 2)
    assert len(found.memory) == 2
    assert all(1e6 < n_bytes < 1e9 for n_bytes in found.memory)
    assert found.help
    assert str(service.token) not in str(found) + json.dumps(found.to_json())


def test_its_answer_is_a_card_and_a_frame(api: Workbench, service: Any) -> None:
    found = api.bench(service.name, seconds=0.4, connections=4)
    head, alone, many, *_, help = str(found).split("\n")
    assert head.startswith("service/churn churn@1 · 2 workers, ")
    assert alone.startswith("  alone ")
    assert " ms = http " in alone
    assert many.startswith("  many  ")
    assert help.startswith("  help  ")
    frame = found.frame()
    assert list(frame.index) == [1, 4]
    assert {"rate", "p50", "p99", *STAGES, "processor", "busy", "broken"} <= set(frame)


def test_a_shell_asks_with_the_same_words(api: Workbench, service: Any) -> None:
    code = "import sys; from workbench.faces.shell import main; sys.exit(main())"
    words = ["bench", "churn", "--seconds", "0.4", "--connections", "3", "--json"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "WORKBENCH_HOME": str(api.home)}
    ran = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, env=env)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert [level["connections"] for level in told["levels"]] == [1, 3]
    assert list(told["levels"][0]["stages"]) == STAGES


def test_a_service_in_use_is_asked_by_one_more_alone(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = api.serve("sums")
    with Load(asked, clients=2) as clients:
        glance = SimpleNamespace(sleep=lambda seconds: clients.answered())  # however long that takes them
        monkeypatch.setattr(measured, "time", glance)
        shy = api.bench("sums", seconds=0.4)
        bold = api.bench("sums", seconds=0.4, connections=2)
    assert not clients.failed
    assert [level.connections for level in shy.levels] == [1]
    assert shy.others > 2
    assert "\n  added " in str(shy)
    assert "--connections 64 to load it all the same" in str(shy)
    assert [level.connections for level in bold.levels] == [1, 2]
    asked.stop()


def test_others_are_left_room_in_the_queue(api: Workbench) -> None:
    asked = api.serve("sums", name="narrow", max_queue=4)
    found = api.bench("narrow", seconds=0.4)
    assert [level.connections for level in found.levels] == [1, 2]
    assert not found.levels[1].broken
    assert "half of what may wait is for others" in found.note
    asked.stop()


def test_the_card_says_where_the_time_of_late_went(api: Workbench, service: Any) -> None:
    api.bench(service.name, seconds=0.4, connections=4)
    assert " ms = queue " in str(service.refresh())
    lately = of_service(service.job)["lately"]
    assert list(lately["stages"]) == STAGES[1:]
    assert lately["rate"] > 0
    assert 0 <= lately["busy"] <= 1


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [("churm", NotFound, "churm"), ("run/1", NotFound, "run/1"), ("stopped", JobFailed, "service/stopped is stopped")],
)
def test_what_cannot_be_asked(api: Workbench, service: Any, name: str, error: type[Exception], said: str) -> None:
    if name == "stopped":
        api.serve("sums", name="stopped").stop()
    with pytest.raises(error, match=said):
        api.bench(name)


def test_a_run_is_no_service(api: Workbench, service: Any, tmp_path: Path) -> None:
    CUSTOMERS.to_parquet(tmp_path / "in.parquet")
    run = api.batch("churn", str(tmp_path / "in.parquet"), output=str(tmp_path / "out"), wait=True)
    with pytest.raises(UsageError, match="is no service"):
        api.bench(run.name)


def test_a_model_that_answers_none_of_its_rows_is_named(api: Workbench, tmp_path: Path) -> None:
    api.model("moody", Moody(str(tmp_path)), example=CUSTOMERS, row_wise="yes")
    service = api.serve("moody")
    (tmp_path / "broken").touch()
    with pytest.raises(JobFailed, match="service/moody answers none of its own reference rows"):
        api.bench("moody", seconds=0.4)
    service.stop()


def test_the_line_that_helps_keeps_what_was_chosen(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "cores", lambda: 8)
    stages = {"queue": 1.0, "decode": 0.1, "model": 0.5, "encode": 0.1}
    plain = api.serve("sums")
    said = advice.advice(plain.job, 0.98, stages, row_wise=True)
    assert said.startswith("its one worker is busy 98 % → %serve sums --workers 4 (+")
    assert said.endswith(" MB each)")
    assert not advice.advice(plain.job, 0.5, stages, row_wise=True)
    options = {"max_queue": 2_000_000, "max_body": 2.5, "timeout": 5.0, "log_requests": True, "hide": "a,b"}
    chosen = api.serve("sums@1", name="mine", no_token=True, workers=2, open_metrics=True, **options)
    line = "%serve sums@1 --workers 8 --name mine --no-token --open-metrics --max-body 2.5 --max-queue 2000000"
    line += " --timeout 5 --log-requests --hide a,b"
    assert f"its 2 workers are busy 90 % → {line} (+" in advice.advice(chosen.job, 0.9, stages, row_wise=True)
    typed = [sys.executable, "-m", "workbench", *shlex.split(advice.again(chosen.job).removeprefix("%"))]
    subprocess.run(typed, env=os.environ | {"WORKBENCH_HOME": str(api.home)}, check=True, capture_output=True)
    assert chosen.refresh().job.spec == chosen.job.spec, "what is typed again changes nothing"
    monkeypatch.setattr(advice, "cores", lambda: 2)
    assert "in the model" in advice.advice(chosen.job, 0.9, stages, row_wise=True)
    assert "not row-wise" in advice.advice(chosen.job, 0.9, stages, row_wise=False)
    assert "as columns" in advice.advice(chosen.job, 0.9, stages | {"decode": 5.0}, row_wise=True)
    for service in (plain, chosen):
        service.stop()


def test_over_https(api: Workbench, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout"
    subprocess.run([*make.split(), key, "-out", cert], check=True, capture_output=True)
    service = api.serve("sums", name="secret", tls_cert=str(cert), tls_key=str(key), log_requests=True)
    assert service.url.startswith("https:")
    found = api.bench("secret", seconds=0.4, connections=4, rows=64)
    assert all(level.rate > 1 and not level.broken for level in found.levels)
    assert found.note == "its log keeps what it was asked here as well"
    service.stop()


def test_an_array_model_is_asked_with_rows(api: Workbench) -> None:
    api.model("arrays", array_model, example=NUMBERS.to_numpy())
    service = api.serve("arrays")
    found = api.bench("arrays", seconds=0.4, connections=2, rows=7)
    assert all(level.rate > 1 and not level.broken for level in found.levels)
    assert found.levels[0].rows_a_call == pytest.approx(7, abs=0.5)
    service.stop()
