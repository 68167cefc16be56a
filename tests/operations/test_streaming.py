"""Streams as they are asked for: what is refused before anything starts, and what their cards say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest
from batch_models import row_wise
from customer_models import CUSTOMERS, frame_model

from workbench.api import Workbench
from workbench.errors import UsageError


@pytest.fixture
def model(api: Workbench) -> str:
    """`churn`, proven and row-wise, with its rows on a queue."""
    api.model("churn", row_wise, example=CUSTOMERS)
    api.put("queue:rows", CUSTOMERS)
    return "churn"


@pytest.fixture
def service() -> Iterator[tuple[str, list[Any]]]:
    """A service at an address without an ending, and what it took."""
    taken: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 (named by http.server)
            taken.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/take?key=1", taken
    server.shutdown()
    server.server_close()
    thread.join()


def caught_up(facts: dict[str, Any]) -> bool:
    return facts.get("lag") == 0


def test_into_a_service(api: Workbench, model: str, service: tuple[str, list[Any]]) -> None:
    address, taken = service
    api.stream(model, "queue:rows", output=address).until(caught_up)
    assert [row["age"] for row in taken] == CUSTOMERS["age"].tolist()


@pytest.mark.parametrize("output", ["scored", "scored.v2/"])
def test_into_a_folder(output: str, api: Workbench, model: str, tmp_path: Path) -> None:
    stream = api.stream(model, "queue:rows", output=output)
    stream.until(lambda facts: facts.get("records") == 6)
    api.stop(stream.name)  # what is held back is written then
    assert pd.read_parquet(tmp_path / output)["age"].tolist() == CUSTOMERS["age"].tolist()


@pytest.mark.parametrize(
    ("input", "options", "said"),
    [
        ("rows", {}, "rows: a stream reads a queue\n→ queue:NAME"),
        ("queue:rows", {"output": "a.xlsx"}, "does not write excel"),
        ("queue:rows", {"output": "queue:rows"}, "it would never end"),
        ("queue:rows", {"output": "http://"}, "no address of a service"),
        ("queue:rows", {"start": "first"}, "'first' is no place in a queue"),
        ("queue:rows", {"start": 7}, "queue rows ends at offset 6, before 7"),
        ("queue:rows", {"group": "a/b"}, "'a/b' is no name of a group"),
        ("queue:rows", {"time_as": "age"}, "--time-as age: there is a column age already\n→ --time-as record_age"),
    ],
)
def test_what_is_refused_starts_nothing(
    input: str, options: dict[str, Any], said: str, api: Workbench, model: str
) -> None:
    with pytest.raises(UsageError, match=said):
        api.stream(model, input, **{"output": "a.jsonl", **options})
    assert not api.deployments()


def test_where_a_group_goes_on_is_said(api: Workbench, model: str, tmp_path: Path) -> None:
    stream = api.stream(model, "queue:rows", output="a.jsonl", start=2)
    assert "goes on" not in str(stream)
    stream.until(lambda facts: facts.get("records") == 4)
    again = api.stream(model, "queue:rows", output="a.jsonl", start=1)
    assert "start 2 → 1" in str(again)
    assert "group churn goes on after offset 6: --start is for a new one → --group NAME" in str(again)


def test_a_model_that_is_not_row_wise_is_asked_about_each_alone(api: Workbench, tmp_path: Path) -> None:
    api.model("whole", frame_model, example=CUSTOMERS)
    api.put("queue:rows", CUSTOMERS[CUSTOMERS.amount.notna()])
    assert "it is asked about each record alone" in str(api.stream("whole", "queue:rows", output="a.jsonl"))


def test_why_it_is_blocked_and_since_when(api: Workbench, model: str, tmp_path: Path) -> None:
    stream = api.stream(model, "queue:rows", output="a/a.jsonl", most=1)
    stream.until(caught_up)
    (tmp_path / "a" / "a.jsonl").write_text("")
    (tmp_path / "a").rename(tmp_path / "b")
    api.put("queue:rows", CUSTOMERS)
    stream.running.until(stream.name, lambda job: job.state == "blocked", 30)
    card = str(api.status(stream.name))
    assert "no folder" in card
    assert "· nothing lost" in card
    assert "→ put it back, or stop the stream" in card
    assert "blocked: there is no folder" in stream.logs()
    since = api.status(stream.name).job.since
    tried = api.status(stream.name).facts["next_try"]
    stream.until(lambda facts: facts["next_try"] > tried)
    assert api.status(stream.name).job.since == since
    (tmp_path / "b").rename(tmp_path / "a")
    stream.until(caught_up)


def test_from_redis_to_redis(
    api: Workbench, model: str, brokers: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a process of its own; the password is read there from a file, and shown nowhere."""
    place = brokers("redis").place("departures").replace("redis://", "redis://default:${REDIS_WORD}@")
    monkeypatch.setenv("REDIS_WORD", "none-is-needed")
    secrets = tmp_path / "secrets.env"
    secrets.write_text("REDIS_WORD=none-is-needed\n")
    secrets.chmod(0o600)
    api.put(place, CUSTOMERS)
    shown = api.stream(model, place, output=place.replace("departures", "scored"), env_file=str(secrets))
    shown.until(caught_up)
    assert len(api.tail(place.replace("departures", "scored"), most=100_000)) == len(CUSTOMERS)
    assert "none-is-needed" not in str(shown)
    given = place.replace("${REDIS_WORD}", "hunter2")
    assert "hunter2" not in str(api.stream(model, given, output=given.replace("departures", "other"), dry_run=True))
    with pytest.raises(UsageError, match="it would never end"):
        api.stream(model, place, output=place)
    with pytest.raises(UsageError, match="stream=NAME"):
        api.stream(model, "redis://127.0.0.1/0", output="scored.jsonl")
