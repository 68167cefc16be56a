"""CloudEvents: sent here they are kept before they are answered; what a stream sends says whose answer it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from ports import free_port
from stream_parts import Until, caught_up, expected, queued, rows, stream

from workbench.brokers import opening
from workbench.errors import StorageError, UsageError
from workbench.patterns.streaming.put import put

BATCH = "application/cloudevents-batch+json"


def event(n: int, **more: Any) -> dict[str, Any]:
    return {"id": str(n), "source": "/departures", "type": "departed", "specversion": "1.0"} | more


class Taking(ThreadingHTTPServer):
    """A service that takes events, as the SDK reads them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[Any] = []
        self.answers: dict[int, int] = {}

    @property
    def place(self) -> str:
        return f"cloudevents://127.0.0.1:{self.server_port}/scores"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Taking

    def do_POST(self) -> None:  # noqa: N802 (named by http.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] == BATCH:
            one = {"Content-Type": "application/cloudevents+json"}
            found = [from_http_event(HTTPMessage(one, json.dumps(said).encode())) for said in json.loads(body)]
        else:
            found = [from_http_event(HTTPMessage(dict(self.headers.items()), body))]
        answer = next(
            (self.server.answers[one.get_data()["n"]] for one in found if one.get_data()["n"] in self.server.answers),
            202,
        )
        if answer == 202:
            self.server.taken += found
        self.send_response(answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def taking() -> Iterator[Taking]:
    server = Taking()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Sender(Thread):
    """Sends to a stream that listens, and keeps what it was answered."""

    def __init__(self, port: int, requests: list[tuple[dict[str, str], bytes]], token: str = "") -> None:
        super().__init__()
        self.url, self.requests, self.answers = f"http://127.0.0.1:{port}/departures", requests, list[int]()
        self.client = httpx.Client(headers={"Authorization": f"Bearer {token}"} if token else {})

    def run(self) -> None:
        for headers, body in self.requests:
            self.answers.append(self.client.post(self.url, content=body, headers=headers).status_code)
        self.client.close()


def sent(port: int, requests: list[tuple[dict[str, str], bytes]], count: int, token: str = "", **spec: Any) -> Sender:
    """A stream that listens until all was sent and `count` were answered."""
    sender = Sender(port, requests, token)

    def done(control: Until) -> bool:
        if control.states and not sender.ident:
            sender.start()
        seen = control.seen.get("records", 0) + control.seen.get("dead", 0)
        return bool(sender.ident) and not sender.is_alive() and seen == count and caught_up(control)

    stream(control=Until(done), **spec)
    sender.join()
    return sender


def binary(n: int, row: Any, **more: Any) -> tuple[dict[str, str], bytes]:
    said = to_binary_event(CloudEvent(event(n, **more) | {"datacontenttype": "application/json"}, row))
    return {name: str(value) for name, value in said.headers.items()}, bytes(said.body)


def structured(n: int, row: Any) -> tuple[dict[str, str], bytes]:
    said = to_structured_event(CloudEvent(event(n) | {"datacontenttype": "application/json"}, row))
    return {name: str(value) for name, value in said.headers.items()}, bytes(said.body)


def test_events_of_every_form_are_answered(tmp_path: Path) -> None:
    port, output, given = free_port(), tmp_path / "scored.jsonl", rows(1, 9)
    many = [event(n, data=row, partitionkey="k") for n, row in enumerate(given[5:], 5)]
    happened = datetime.fromtimestamp(1_388_534_400, UTC)
    requests = [binary(n, row, subject="LGA", time=happened) for n, row in enumerate(given[:3])]
    requests += [structured(n, row) for n, row in enumerate(given[3:5], 3)]
    requests += [({"content-type": BATCH}, json.dumps(many).encode())]
    place = f"cloudevents://127.0.0.1:{port}/departures"
    sender = sent(port, requests, 8, input=place, output=str(output))
    assert sender.answers == [202] * len(requests)
    assert [json.loads(line) for line in output.read_text().splitlines()] == expected(1, 9)
    kept = queued("cloudevents.departures")
    assert [record.key for record in kept] == ["LGA"] * 3 + [None] * 2 + ["k"] * 3
    assert kept[0].headers
    assert kept[0].headers["ce-source"] == "/departures"
    assert [record.at == happened.timestamp() for record in kept] == [True] * 3 + [False] * 5


@pytest.mark.parametrize(
    ("headers", "body", "answer"),
    [
        ({"content-type": "application/cloudevents+json"}, b"{no json", 400),
        ({"content-type": "application/cloudevents+json"}, b"[]", 400),
        ({"content-type": BATCH}, b"{}", 400),
        ({"content-type": "application/json"}, b"{}", 400),
        ({"ce-specversion": "0.3", "ce-id": "1", "ce-source": "/a", "ce-type": "t"}, b"{}", 400),
        ({"ce-specversion": "1.0", "ce-source": "/a", "ce-type": "t"}, b"{}", 400),
    ],
)
def test_what_is_no_event_is_refused(headers: dict[str, str], body: bytes, answer: int, tmp_path: Path) -> None:
    port = free_port()
    requests = [(headers, body), binary(1, rows(1, 2)[0])]
    place = f"cloudevents://127.0.0.1:{port}/departures"
    assert sent(port, requests, 1, input=place, output=str(tmp_path / "a.jsonl")).answers == [answer, 202]


def test_a_token_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTS_WORD", "s3cret")
    port = free_port()
    spec = {
        "input": f"cloudevents://127.0.0.1:{port}/departures?token=${{EVENTS_WORD}}",
        "output": str(tmp_path / "a.jsonl"),
    }
    assert sent(port, [binary(1, rows(1, 2)[0])], 0, "wrong", **spec).answers == [401]
    assert sent(port, [binary(1, rows(1, 2)[0])], 1, "s3cret", **spec).answers == [202]


def test_a_port_that_is_taken() -> None:
    with taking() as server:
        place = f"cloudevents://127.0.0.1:{server.server_port}/departures"
        reader = opening.reader(place, "churn", "start")
        with pytest.raises(StorageError, match="nothing can listen there"):
            reader.acquire(lambda: False)
        reader.close()


@pytest.mark.parametrize("mode", ["binary", "structured", "batch"])
def test_answers_are_sent_as_events(mode: str) -> None:
    put("queue:rows", rows(1, 30), key="city")
    with taking() as server:
        stream(f"{server.place}?mode={mode}")
        found = sorted((one.get_data() for one in server.taken), key=lambda row: row["n"])
        assert found == [row for row in expected(1, 30) if row["n"] != 13]
        assert len({one.get_id() for one in server.taken}) == 28
        assert {one.get_type() for one in server.taken} == {"io.workbench.prediction"}
        came = {json.loads(record.value)["n"]: record.at for record in queued("rows")}
        apart = [one.get_time().timestamp() - came[one.get_data()["n"]] for one in server.taken]
        assert max(map(abs, apart)) < 0.0011  # as events have it: whole milliseconds
        own = [one.get_data()["n"] for one in server.taken if one.get_data()["city"]]
        assert own == sorted(own)


def test_an_event_that_is_refused_dies_alone_and_a_service_that_is_down_is_waited_for() -> None:
    put("queue:rows", rows(1, 10))
    with taking() as server:
        server.answers = {3: 422, 5: 503}

        def done(control: Until) -> bool:
            if control.blocked:
                server.answers.pop(5, None)
            return bool(control.blocked) and caught_up(control)

        assert stream(server.place, control=Until(done)).seen["dead"] == 1
        assert {one.get_data()["n"] for one in server.taken} == {1, 2, 4, 5, 6, 7, 8, 9}


def test_nothing_lies_where_events_are_sent() -> None:
    topic = opening.topic("cloudevents://127.0.0.1:1/scores")
    with pytest.raises(UsageError, match="nothing lies there"):
        topic.newest(1)
    topic.close()
    with pytest.raises(UsageError, match="no mode 'many'"):
        opening.topic("cloudevents://127.0.0.1:1/scores?mode=many")
