"""What is Redis's own: one reader of a group, what other consumers left, entries that are records themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from waiting import until

from workbench.brokers import opening
from workbench.data import places
from workbench.errors import StorageError, UsageError


@pytest.fixture
def server(brokers: Callable[[str], Any]) -> Any:
    return brokers("redis")


@pytest.fixture
def client(server: Any) -> redis.Redis:
    client = redis.Redis(port=server.port, protocol=2)
    client.flushall()
    return client


def test_one_reads_at_a_time_and_one_that_is_followed_commits_nothing(server: Any, client: redis.Redis) -> None:
    first, second = (opening.reader(server.place("rows"), "g", "start") for _ in range(2))
    assert first.acquire(lambda: False)
    assert not second.acquire(lambda: True)
    client.xadd("rows", {"value": "1"})
    record = first.poll(10, 1)[0]
    client.delete("{rows}:workbench:g")
    assert second.acquire(lambda: False)
    with pytest.raises(StorageError, match="another process reads"):
        first.commit({"": record.offset})
    assert second.poll(10, 1) == [record]
    second.close()
    first.close()


def test_what_another_consumer_left_is_claimed_and_is_a_lane_of_its_own(server: Any, client: redis.Redis) -> None:
    client.xgroup_create("rows", "g", "0", mkstream=True)
    ids = [client.xadd("rows", {"value": str(n)}) for n in range(3)]
    client.xreadgroup("g", "foreign", {"rows": ">"}, count=1)
    reader = opening.reader(server.place("rows", claim="0.05"), "g", "start")
    assert reader.acquire(lambda: False)
    found: list[Any] = []
    until(lambda: found.extend(reader.poll(10, 0.05)) or len(found) >= 3)
    assert sorted(record.value for record in found) == [b"0", b"1", b"2"]
    late = next(record for record in found if record.value == b"0")
    assert late.lane == ids[0].decode()
    reader.close()
    reader = opening.reader(server.place("rows", claim="0.05"), "g", "start")  # neither was done
    assert reader.acquire(lambda: False)
    again: list[Any] = []
    until(lambda: again.extend(reader.poll(10, 0.05)) or len(again) >= 3)
    assert sorted(again) == sorted(found)
    reader.commit({record.lane: record.offset for record in again})
    assert reader.lag() == 0
    reader.close()


def test_what_was_given_as_the_connection_broke_is_read_again(server: Any, client: redis.Redis) -> None:
    """Redis counts it as given, though it has never arrived."""
    reader = opening.reader(server.place("rows"), "g", "start")
    assert reader.acquire(lambda: False)
    for number in range(3):
        client.xadd("rows", {"value": str(number)})
        if number == 0:
            [first] = reader.poll(10, 1)
    [own] = [one["name"] for one in client.xinfo_consumers("rows", "g") if one["pending"]]
    client.xreadgroup("g", own, {"rows": ">"})  # the answer that is lost
    server.stop()
    with pytest.raises(StorageError):
        reader.poll(10, 1)
    server.start()
    assert [record.value for record in until(lambda: reader.poll(10, 1))] == [b"1", b"2"]
    reader.commit({"": first.offset + 2})
    reader.close()


def test_what_was_claimed_comes_once_until_it_is_gone_back_to(server: Any, client: redis.Redis) -> None:
    """However long whoever asked for it takes."""
    client.xgroup_create("rows", "g", "0", mkstream=True)
    client.xadd("rows", {"value": "0"})
    client.xreadgroup("g", "foreign", {"rows": ">"})
    reader = opening.reader(server.place("rows", claim="0.05"), "g", "start")
    assert reader.acquire(lambda: False)
    [record] = until(lambda: reader.poll(10, 0.05))
    for _ in range(3):
        assert reader.poll(10, 0.1) == []
    reader.seek({"": 0})
    assert until(lambda: reader.poll(10, 0.05)) == [record]
    reader.commit({record.lane: record.offset})
    assert reader.lag() == 0
    reader.close()


def test_the_fields_of_an_entry_are_a_record(server: Any, client: redis.Redis) -> None:
    client.xadd("rows", {"n": "1", "amount": "0.5", "city": "Köln", "code": '"7"'})
    assert json.loads(opening.topic(server.place("rows")).newest(1)[0].value) == {
        "n": 1,
        "amount": 0.5,
        "city": "Köln",
        "code": '"7"',
    }


def test_a_group_or_stream_that_was_removed_is_made_again(server: Any, client: redis.Redis) -> None:
    reader = opening.reader(server.place("rows"), "g", "start")
    assert reader.acquire(lambda: False)
    client.delete("rows")
    with pytest.raises(StorageError, match="NOGROUP"):
        reader.poll(1, 0.05)
    client.xadd("rows", {"value": "1"})
    assert [record.value for record in reader.poll(1, 1)] == [b"1"]
    reader.close()


def test_a_password_is_used_and_never_shown(server: Any, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    client.execute_command("ACL", "SETUSER", "ann", "on", ">p@ss/w?rd", "allkeys", "allcommands")
    monkeypatch.setenv("REDIS_WORD", "p@ss/w?rd")
    host = f"127.0.0.1:{server.port}/0?stream=rows"
    topic = opening.topic("redis://ann:${REDIS_WORD}@" + host)
    topic.append([b"1"])
    assert topic.label == f"redis://ann:***@{host}"
    with pytest.raises(UsageError) as caught:
        opening.topic(f"redis://ann:wrong@{host}").append([b"1"])
    assert "wrong" not in str(caught.value)
    with pytest.raises(UsageError, match="stream=NAME"):
        places.parse("redis://ann:secret@localhost/0")


def test_a_key_that_is_no_stream(server: Any, client: redis.Redis) -> None:
    client.set("rows", "1")
    with pytest.raises(UsageError, match="no stream"):
        opening.topic(server.place("rows")).append([b"1"])
