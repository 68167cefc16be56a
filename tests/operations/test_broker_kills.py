"""Streams from and to real brokers, killed again and again: none missing, and none twice where the sink can tell."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from broker_servers import SERVERS
from waiting import until

from workbench.brokers import opening
from workbench.data import places

MANY = int(os.environ.get("WORKBENCH_KILLS", "8"))
"""How often each is killed: `WORKBENCH_KILLS=100 WORKBENCH_EACH=2000 pytest --timeout=0` is the long run; into Kafka
with 1000 each, for librdkafka's mock cluster forgets what a partition has beyond 5 MB."""
KILLS = {"kafka": 3} if MANY == 8 else {}
"""Where not so often: Kafka waits for who was killed until its session has ended."""
EACH = int(os.environ.get("WORKBENCH_EACH", "300"))
POISON = b"{no record"
Lives = Callable[..., str]


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    """Tells a process of its own to begin a stream, or to end it."""
    command = [sys.executable, str(Path(__file__).with_name("stream_lives.py"))]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )

    def tell(**order: Any) -> str:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    yield tell
    os.killpg(process.pid, signal.SIGKILL)  # its forks, too, which a test that failed has left
    process.communicate()


def put(place: str, count: int, first: int) -> None:
    """Numbered records of ten keys, and a poison."""
    topic = opening.topic(place)
    values = [b'{"n": %d}' % n for n in range(first, first + count)]
    topic.append([*values, POISON], [*(str(n % 10) for n in range(first, first + count)), "0"])
    topic.close()


def killed(
    lives: Lives, input: str, output: str, home: Path, seen: Callable[[], int], kills: int, each: int = EACH
) -> int:
    """Many lives of a stream; each ends once it has done some more, of `each` that are put, or at once. How many
    records there were."""
    chance = random.Random(11)
    spec = {"input": input, "group": "churn", "start": "start", "output": output}
    for number in range(kills):
        put(input, EACH, number * EACH)
        pid = int(lives(live={"home": str(home), "spec": spec | {"most": chance.randint(5, EACH // 5)}}))
        wait(seen, min(seen() + chance.randint(0, EACH), (number + 1) * each))
        os.kill(pid, signal.SIGKILL)
        assert lives(end=signal.SIGKILL) == "-9"
    put(input, EACH, kills * EACH)  # seen once the last life has written again what a kill left unfinished
    lives(live={"home": str(home), "spec": spec | {"most": 500}})
    wait(seen, (kills + 1) * each)
    assert lives(end=signal.SIGTERM) == "0"
    return (kills + 1) * EACH


def wait(seen: Callable[[], int], count: int) -> None:
    until(lambda: seen() >= count, f"not yet {count}")


def check_order(found: list[int]) -> None:
    """Of each key, as it was put."""
    for key in range(10):
        own = [n for n in found if n % 10 == key]
        assert own == sorted(own)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SERVERS)
def test_from_a_broker(kind: str, brokers: Callable[[str], Any], lives: Lives, home: Path, tmp_path: Path) -> None:
    place, output = brokers(kind).place("killed"), tmp_path / "scored.jsonl"

    def lines() -> list[bytes]:
        return output.read_bytes().split(b"\n")[:-1] if output.exists() else []

    def dead() -> list[bytes]:
        names = [file.stem for file in home.rglob("*.churn.dead.db")]
        return [record.value for name in names for record in places.log(f"queue:{name}").read(0, 100_000)]

    kills = KILLS.get(kind, MANY)
    count = killed(lives, place, str(output), home, lambda: len(lines()) + len(dead()), kills, EACH + 1)
    found = [json.loads(line)["n"] for line in lines()]
    assert sorted(found) == list(range(count))
    check_order(found)
    assert dead() == [POISON] * (kills + 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*SERVERS, "kafka in transactions"])
def test_into_a_broker(kind: str, brokers: Callable[[str], Any], lives: Lives, home: Path) -> None:
    """One that tells has each once; another has the same again, and a header that says which it is. librdkafka's mock
    cluster shows what a transaction put that was never committed, which real ones do not."""
    kind, _, once = kind.partition(" ")
    output = brokers(kind).place("answers-once", transactions="yes") if once else brokers(kind).place("answers")
    answers, source = opening.topic(output), places.log("queue:rows")
    kills = 3 if once and MANY == 8 else MANY
    count = killed(lives, "queue:rows", output, home, lambda: source.offsets().get("churn", 0), kills, EACH + 1)
    found = [json.loads(record.value)["n"] for record in answers.newest(1_000_000)]
    assert set(found) == set(range(count))
    assert answers.tells == (kind not in ("kafka", "amqp") or bool(once))
    if answers.tells and not (once and "WORKBENCH_KAFKA" not in os.environ):
        assert sorted(found) == list(range(count))
        check_order(found)
    answers.close()
    source.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["queue", *(kind for kind in SERVERS if kind != "kafka")])
def test_of_two_streams_of_one_group_one_answers(
    kind: str, brokers: Callable[[str], Any], lives: Lives, home: Path, tmp_path: Path
) -> None:
    """The other waits, and follows once the first has ended; each record is answered once between them."""
    input = "queue:twice" if kind == "queue" else brokers(kind).place("twice")
    outputs = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    spec = {"input": input, "group": "churn", "start": "start", "most": 20}

    def found(output: Path) -> list[int]:
        lines = output.read_bytes().split(b"\n")[:-1] if output.exists() else []
        return [json.loads(line)["n"] for line in lines]

    def begun(output: Path) -> int:
        return int(lives(live={"home": str(home), "spec": spec | {"output": str(output)}}))

    put(input, 50, 0)
    first = begun(outputs[0])
    wait(lambda: len(found(outputs[0])), 50)
    second = begun(outputs[1])
    put(input, 50, 50)
    wait(lambda: len(found(outputs[0])), 100)
    assert lives(end=signal.SIGTERM, pid=first) == "0"
    put(input, 50, 100)
    wait(lambda: len(found(outputs[1])), 50)
    assert lives(end=signal.SIGTERM, pid=second) == "0"
    assert [found(output) for output in outputs] == [list(range(100)), list(range(100, 150))]


@pytest.mark.slow
def test_members_of_a_kafka_group_come_and_go(
    brokers: Callable[[str], Any], lives: Lives, home: Path, tmp_path: Path
) -> None:
    """Each partition is answered by one of them at a time; what is there is there once, and of each key in order."""
    input = brokers("kafka").place("shared")
    spec = {"input": input, "group": "churn", "start": "start", "most": 20, "output": "queue:answers"}
    answers, records = places.log("queue:answers"), 0

    def seen() -> int:
        return answers.last

    def begun() -> int:
        return int(lives(live={"home": str(home), "spec": spec}))

    def passed(count: int = EACH) -> None:
        nonlocal records
        put(input, count, records)
        records += count
        wait(seen, records)

    members = [begun()]
    passed()
    members += [begun(), begun()]
    passed()
    os.kill(members[0], signal.SIGKILL)
    assert lives(end=signal.SIGKILL, pid=members.pop(0)) == "-9"
    passed()
    members.append(begun())
    assert lives(end=signal.SIGTERM, pid=members.pop(0)) == "0"
    passed()
    for member in members:
        assert lives(end=signal.SIGTERM, pid=member) == "0"
    found = [json.loads(record.value)["n"] for record in answers.read(0, 100_000)]
    assert sorted(found) == list(range(records))
    check_order(found)
    answers.close()
