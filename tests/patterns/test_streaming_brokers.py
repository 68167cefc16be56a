"""Streams from and to real brokers: each record once, poison among the dead letters, a broker that goes and comes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from broker_servers import RESTARTED, SERVERS
from stream_parts import Until, caught_up, expected, queued, rows, stream

from workbench.brokers import opening
from workbench.patterns.streaming import parquet_sink
from workbench.patterns.streaming.put import put, tail, values_of

BROKERS = pytest.mark.parametrize("kind", SERVERS)


def topic(server: Any) -> str:
    place: str = server.place(f"rows-{uuid.uuid4().hex[:8]}")
    return place


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def by_n(found: list[Any]) -> list[Any]:
    return sorted(found, key=lambda row: row["n"])


def all_of(place: str) -> list[Any]:
    at = opening.topic(place)
    try:
        return [json.loads(record.value) for record in at.newest(100_000)]
    finally:
        at.close()


@BROKERS
def test_from_a_broker_each_record_once(kind: str, brokers: Callable[[str], Any], tmp_path: Path) -> None:
    place, output = topic(brokers(kind)), tmp_path / "scored.jsonl"
    put(place, rows(0, 13), key="n")
    seen = stream(str(output), input=place).seen
    assert by_n(lines(output)) == expected(0, 13)
    put(place, rows(14, 30), key="n")
    seen = stream(str(output), input=place).seen
    assert by_n(lines(output)) == expected(0, 13) + expected(14, 30)
    assert (seen["records"], seen["lag"]) == (16, 0)


@BROKERS
@pytest.mark.parametrize("output", ["{}.csv", "{}/", "sqlite:///{}.db?table=scores"])
def test_a_sink_takes_no_record_twice(
    kind: str, output: str, brokers: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker forgets that it was told: what comes again is known to the sink."""
    monkeypatch.setattr(parquet_sink, "PART_SECONDS", 0.05)
    place, to = topic(brokers(kind)), output.format(tmp_path / "scored")
    put(place, rows(0, 10), key="n")
    reader = opening.reader(place, "churn", "start")
    commit = type(reader).commit
    reader.close()
    with monkeypatch.context() as forgetful:
        forgetful.setattr(type(reader), "commit", lambda self, marks: self.done.update(marks))
        stream(to, input=place, control=Until(lambda control: control.seen.get("records") == 10))
    assert type(reader).commit is commit
    put(place, rows(20, 25), key="n")
    stream(to, input=place)
    assert sorted(numbers(to, tmp_path)) == [*range(10), *range(20, 25)]


def numbers(to: str, folder: Path) -> list[int]:
    import pandas as pd

    if to.startswith("sqlite"):
        return list(pd.read_sql("select n from scores", f"sqlite:///{folder}/scored.db").n)
    return list((pd.read_csv(to) if to.endswith("csv") else pd.read_parquet(to)).n)


@BROKERS
def test_poison_goes_to_the_dead_letters(kind: str, brokers: Callable[[str], Any], tmp_path: Path) -> None:
    place, output = topic(brokers(kind)), tmp_path / "scored.jsonl"
    put(place, rows(10, 16), key="n")
    at = opening.topic(place)
    at.append([b"{no record"], ["x"])
    at.close()
    seen = stream(str(output), input=place).seen
    assert [row["n"] for row in by_n(lines(output))] == [10, 11, 12, 14, 15]
    dead = queued(seen["dead_letters"].removeprefix("queue:"))
    why = sorted(record.headers["error"] for record in dead if record.headers)
    assert [said.partition(":")[0] for said in why] == ["churn@1 failed", "not JSON"]


@BROKERS
def test_into_a_broker(kind: str, brokers: Callable[[str], Any]) -> None:
    """With the keys of the records, and when they happened."""
    place, came = topic(brokers(kind)), opening.topic("queue:rows")
    times = [1_388_534_400.0 + n / 4 for n in range(10)]
    came.append(list(values_of(rows(0, 10))), list(map(str, range(10))), times=times)
    came.close()
    stream(place)
    assert by_n(all_of(place)) == expected(0, 10)
    found = tail(place, 20)
    assert {record.key: record.at for record in found} == dict(zip(map(str, range(10)), times, strict=True))
    assert str(found).split()[:4] == ["offset", "time", "key", "record"]


@pytest.mark.parametrize("kind", RESTARTED)
def test_a_broker_goes_and_comes(kind: str, brokers: Callable[[str], Any], tmp_path: Path) -> None:
    server, output = brokers(kind), tmp_path / "scored.jsonl"
    place = topic(server)
    put(place, rows(0, 6), key="n")
    steps = iter(("down", "up"))

    def going(control: Until) -> bool:
        if control.seen.get("records") == 6 and next(steps, "") == "down":
            server.stop()
        if control.blocked and server.process is None:
            assert "broker refuses connections · nothing lost" in control.blocked
            server.start()
            put(place, rows(6, 10), key="n")
        return control.seen.get("records") == 10 and caught_up(control)

    try:
        stream(str(output), input=place, control=Until(going))
    finally:
        if server.process is None:
            server.start()
    assert by_n(lines(output)) == expected(0, 10)


@pytest.mark.parametrize("kind", [kind for kind in RESTARTED if kind != "amqp"])  # it takes long to start
def test_a_sink_that_is_down_stops_the_flow(kind: str, brokers: Callable[[str], Any]) -> None:
    server = brokers(kind)
    place = topic(server)
    put("queue:rows", rows(0, 10), key="n")
    server.stop()

    def going(control: Until) -> bool:
        if control.blocked and server.process is None:
            assert "broker refuses connections" in control.blocked
            server.start()
        return caught_up(control)

    try:
        stream(place, control=Until(going))
    finally:
        if server.process is None:
            server.start()
    assert by_n(all_of(place)) == expected(0, 10)
