"""What a stream asks of every broker, each a real one: records in order, kept until they are done, by group."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Timer
from typing import Any

import pytest
from broker_servers import RESTARTED, SERVERS, Server
from waiting import until

from workbench.brokers import nats_words, opening
from workbench.brokers.protocol import Marks, Reader
from workbench.data.log import Record
from workbench.errors import NotFound, StorageError, UsageError

KINDS = ("queue", *SERVERS)
ENDLESS: Callable[[], bool] = lambda: False  # noqa: E731


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> str:
    """A topic of its own, on which nothing was put."""
    name = f"rows-{uuid.uuid4().hex[:8]}"
    if request.param == "queue":
        return f"queue:{name}"
    found: str = request.getfixturevalue("brokers")(request.param).place(name)
    return found


def put(place: str, *values: bytes, keys: list[str | None] | None = None, **more: Any) -> None:
    topic = opening.topic(place)
    try:
        topic.append(values, keys, **more)
    finally:
        topic.close()


@contextmanager
def reading(place: str, group: str = "scores", start: str = "start") -> Iterator[Reader]:
    reader = opening.reader(place, group, start)
    try:
        assert reader.acquire(ENDLESS)
        yield reader
    finally:
        reader.close()


def take(reader: Reader, count: int, most: int = 100) -> list[Record]:
    """So many records, as they come."""
    found: list[Record] = []

    def enough() -> bool:
        found.extend(reader.poll(most, 0.05))
        return len(found) >= count

    until(enough, f"{len(found)} of {count}")
    return found


def marks(records: list[Record]) -> Marks:
    return {record.lane: record.offset for record in records}


def values(records: list[Record]) -> list[bytes]:
    return [record.value for record in records]


def lane(record: Record) -> tuple[str, int]:
    return record.lane, record.offset


def test_records_come_as_they_were_put(place: str) -> None:
    happened = [1_388_534_340.125, 1_388_534_399.5, 1_388_534_400.0]
    put(place, b"1", b"\xff\x00", b"3", keys=["a"] * 3, headers=[None, {"x": "é"}, None], times=happened)
    with reading(place) as reader:
        found = take(reader, 3)
        assert values(found) == [b"1", b"\xff\x00", b"3"]
        assert [record.key for record in found] == ["a", "a", "a"]
        assert [record.headers for record in found] == [None, {"x": "é"}, None]
        assert [record.at for record in found] == happened
        assert [lane(record) for record in found] == sorted(map(lane, found))
        assert len(set(map(lane, found))) == 3


def test_what_is_not_done_comes_again_and_what_is_done_does_not(place: str) -> None:
    put(place, *[b"%d" % n for n in range(10)], keys=["one"] * 10)
    with reading(place) as reader:
        first = take(reader, 10)
        reader.commit(marks(first[:4]))
    with reading(place) as reader:
        again = take(reader, 6)
        assert values(again) == values(first[4:])
        assert [lane(record) for record in again] == [lane(record) for record in first[4:]]
        reader.commit(marks(again))
        until(lambda: reader.lag() == 0)
    put(place, b"new", keys=["one"])
    with reading(place) as reader:
        assert values(take(reader, 1)) == [b"new"]


def test_a_reader_goes_back_to_what_is_not_done(place: str) -> None:
    put(place, *[b"%d" % n for n in range(6)], keys=["one"] * 6)
    with reading(place) as reader:
        found = take(reader, 6)
        reader.seek(marks(found[:2]))
        assert values(take(reader, 4)) == values(found[2:])
        reader.commit(marks(found))
        until(lambda: reader.lag() == 0)


def test_at_most_so_many_at_once(place: str) -> None:
    put(place, *[b"%d" % n for n in range(10)], keys=["one"] * 10)
    with reading(place) as reader:
        found: list[Record] = []
        until(lambda: found.extend(reader.poll(3, 0.05)) or found)
        assert 1 <= len(found) <= 3
        assert reader.lag() == 10
        assert values(found + take(reader, 10 - len(found), 3)) == [b"%d" % n for n in range(10)]


def test_each_group_has_all_and_one_that_starts_at_the_end_what_comes(place: str) -> None:
    if not SERVERS.get(place.partition(":")[0], Server).groups:
        pytest.xfail("a queue of this broker has one reader")
    put(place, b"old", keys=["one"])
    with reading(place, "late", "end") as late, reading(place, "first") as first, reading(place, "second") as second:
        late.poll(1, 0.05)
        for reader in (first, second):
            assert values(take(reader, 1)) == [b"old"]
        until(lambda: not late.poll(1, 0.05))
        put(place, b"new", keys=["one"])
        for reader in (first, second, late):
            assert values(take(reader, 1)) == [b"new"]


def test_it_reads_on_from_another_place(place: str) -> None:
    if place.startswith("amqp:"):
        pytest.xfail("a queue of this broker keeps nothing that is done")
    put(place, *[b"%d" % n for n in range(3)], keys=["one"] * 3)
    with reading(place) as reader:
        found = take(reader, 3)
        until(lambda: time.time() > found[-1].at + 0.01)
        between = datetime.fromtimestamp(time.time()).isoformat()
        until(lambda: time.time() > found[-1].at + 0.02)
        put(place, b"3", b"4", keys=["one"] * 2)
        assert values(take(reader, 2)) == [b"3", b"4"]
        timed = [(between, range(3, 5)), ("1h", range(5))] if knows_times(place) else []
        for where, wanted in [("start", range(5)), ("end", range(0)), *timed]:
            reader.rewind(reader.find(where))
            assert values(take(reader, len(wanted))) == [b"%d" % n for n in wanted]
            assert reader.lag() == len(wanted)
        with pytest.raises(UsageError, match="is no"):
            reader.find("yesterday")
        reader.rewind({record.lane: record.offset for record in found})
    with reading(place) as reader:
        assert values(take(reader, 2)) == [b"3", b"4"]


def knows_times(place: str) -> bool:
    """librdkafka's mock cluster does not."""
    return not place.startswith("kafka:") or "WORKBENCH_KAFKA" in os.environ


def test_a_topic_that_tells_takes_nothing_twice(place: str) -> None:
    topic = opening.topic(place)
    if not topic.tells:
        topic.close()
        pytest.xfail("this broker cannot tell what it has")
    huge = 1700000000000 << 20
    topic.append([b"1", b"2"], source="other/churn", offset=huge)
    topic.append([b"1", b"2"], source="other/churn", offset=huge)
    topic.append([b"3"], source="other/churn", offset=huge + 1)
    topic.append([b"3"], source="another", offset=3)
    assert topic.position("other/churn") == huge + 1
    assert topic.position("none") == 0
    assert values(topic.newest(10)) == [b"1", b"2", b"3", b"3"]
    topic.close()


def test_the_newest_records(place: str) -> None:
    topic = opening.topic(place)
    with pytest.raises(NotFound, match="rows-"):
        topic.newest(3)
    topic.append([b"%d" % n for n in range(5)], ["one"] * 5)
    until(lambda: len(topic.newest(10)) == 5)
    newest = topic.newest(3)
    assert values(newest) == [b"2", b"3", b"4"]
    assert all(topic.named(record) for record in newest)
    topic.close()


@pytest.mark.parametrize("kind", RESTARTED)
def test_a_broker_that_is_down_says_so_and_loses_nothing(kind: str, brokers: Callable[[str], Any]) -> None:
    server = brokers(kind)
    place = server.place("down")
    put(place, b"1", b"2", keys=["one", "one"])
    with reading(place) as reader:
        first = take(reader, 2, 1)
        reader.commit(marks(first[:1]))
        server.stop()
        try:
            until(lambda: "broker refuses connections" in said(reader))
            with pytest.raises(StorageError, match=r"broker refuses connections"):
                put(place, b"3")
        finally:
            server.start()
        until(lambda: not said(reader))
        put(place, b"3", keys=["one"])
        reader.seek(marks(first[:1]))
        assert values(take(reader, 2)) == [b"2", b"3"]


def test_a_question_that_nats_has_when_it_goes(brokers: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client lets who asked wait until the time is up, though the connection is gone."""
    monkeypatch.setattr(nats_words, "SECONDS", 1.0)
    server = brokers("nats")
    place = server.place("going")
    put(place, b"1")
    with reading(place) as reader:
        take(reader, 1)
        os.kill(server.process.pid, signal.SIGSTOP)
        os.waitpid(server.process.pid, os.WUNTRACED)  # it answers no more
        going = Timer(0.2, server.stop)
        going.start()
        try:
            assert "broker refuses connections" in said(reader)
        finally:
            going.join()
            server.start()
        until(lambda: not said(reader))


def said(reader: Reader) -> str:
    """Why the broker cannot be asked now."""
    try:
        reader.lag()
        reader.poll(1, 0.05)
    except StorageError as error:
        return str(error)
    return ""
