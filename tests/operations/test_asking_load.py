"""What figures are taken with: it counts what was answered, and does not spare a server that stops for a while."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from odd_server import odd

from workbench.errors import JobFailed
from workbench.operations import load as loading
from workbench.operations.load import answered, load, once, request


class Clock:
    """Time that passes where it is looked at: as much is done in a second however busy the machine is."""

    def __init__(self, step: float) -> None:
        self.now, self.step, self.lock = 0.0, step, threading.Lock()

    def perf_counter(self) -> float:
        self.sleep(self.step)
        return self.now

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds

    process_time = staticmethod(time.process_time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, server: Any) -> Clock:
    """What measures has it, and the server that stands still."""
    server.clock = made = Clock(0.0002)
    monkeypatch.setattr(loading, "time", made)
    return made


@pytest.fixture
def server() -> Iterator[Any]:
    with odd() as answering:
        yield answering


def test_each_answer_is_counted_once(server: Any, clock: Clock) -> None:
    came = load(server.url, [request(server.url, b"ok")], connections=4, seconds=0.3)
    assert len(came.times) == server.came > 20
    assert not came.broken
    assert came.times == sorted(came.times)
    assert came.quantile(0.5) <= came.quantile(0.99) <= came.times[-1]
    assert 0.3 <= came.seconds < 2
    assert 0 < came.busy < 2
    assert came.rate == pytest.approx(len(came.times) / came.seconds)


def test_messages_take_turns(server: Any) -> None:
    messages = [request(server.url, body) for body in (b"ok", b"busy", b"chunks")]
    came = load(server.url, messages, connections=1, seconds=0.2)
    assert server.came == len(came.times) + came.broken["429"]
    assert abs(2 * came.broken["429"] - len(came.times)) <= 2


def test_what_breaks_is_counted_and_another_connection_made(server: Any, clock: Clock) -> None:
    messages = [request(server.url, body) for body in (b"ok", b"leave")]
    came = load(server.url, messages, connections=2, seconds=0.2)
    assert came.broken["connection lost"] > 2
    assert len(came.times) > 2


def test_what_is_never_answered_is_not_waited_for_for_ever(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_PATIENCE", 0.2)
    server.open.clear()
    came = load(server.url, [request(server.url, b"never")], connections=3, seconds=1.0)
    assert (len(came.times), came.broken) == (0, Counter({"no answer": 3}))
    assert came.quantile(0.5) == float("inf")


def test_a_body_that_the_kernel_does_not_take_at_once_is_sent_whole(server: Any) -> None:
    body = b"x" * 8_000_000
    assert once(server.url, request(server.url, body)) == 200
    assert server.bytes == len(body)


def test_one_answer_is_told_by_its_status(server: Any) -> None:
    assert [once(server.url, request(server.url, body)) for body in (b"ok", b"busy", b"leave")] == [200, 429, 0]


def test_at_a_fixed_rate_no_more_and_no_less_is_sent(server: Any, clock: Clock) -> None:
    clock.step = 0.001
    came = load(server.url, [request(server.url, b"ok")], connections=8, seconds=0.5, rate=200)
    assert len(came.times) == server.came == 100
    assert came.rate == pytest.approx(200, rel=0.2)


def test_who_would_have_come_while_a_server_stood_still_is_not_forgotten(server: Any, clock: Clock) -> None:
    server.stalls = 0.3
    in_turn = load(server.url, [request(server.url, b"ok")], connections=2, seconds=0.6)
    assert sum(time > 0.1 for time in in_turn.times) <= 2
    server.stalls, clock.step = 0.3, 0.001
    steady = load(server.url, [request(server.url, b"ok")], connections=2, seconds=0.6, rate=100)
    assert sum(time > 0.1 for time in steady.times) >= 15, "each counts from when it was due"
    assert len(steady.times) == 60


def test_nobody_there(server: Any) -> None:
    with pytest.raises(JobFailed, match="nothing answers at 127"):
        load("http://127.0.0.1:1/", [b""], connections=1, seconds=0.1)


@pytest.mark.parametrize(
    ("had", "status"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", 0),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx", 0),
        (b"HTTP/1.1 503 No\r\nCONTENT-LENGTH: 2\r\nx: y\r\n\r\nxy", 503),
        (b"HTTP/1.1 204 None\r\nx: y\r\n\r\n", 204),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", 0),
    ],
)
def test_when_an_answer_is_whole(had: bytes, status: int) -> None:
    assert answered(had) == status
