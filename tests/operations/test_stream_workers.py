"""A stream with several workers: they come, go and are killed while it runs; each record is there once, in its order."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pandas as pd
from stream_models import NUMBERS, deadly, slow, slower
from waiting import PATIENCE, until

from workbench.api import Workbench

ROUNDS = int(os.environ.get("WORKBENCH_ROUNDS", "1"))
"""How often they come, go and are killed: `WORKBENCH_ROUNDS=30 pytest --timeout=0` is the long run."""


def numbers(first: int, last: int) -> pd.DataFrame:
    return pd.DataFrame({"n": range(first, last), "key": [f"k{n % 7}" for n in range(first, last)]})


def answers(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text().splitlines()]


def workers(api: Workbench) -> list[int]:
    found: list[int] = api.status("stream/slow").facts.get("workers") or []
    return found


def test_workers_come_go_and_are_killed(api: Workbench, tmp_path: Path) -> None:
    api.model("slow", slow, example=NUMBERS)
    output = tmp_path / "out.jsonl"
    stream = api.stream("slow", "queue:numbers", output="out.jsonl", most=40, workers=3)
    assert "3 workers" in str(stream)
    process = stream.job.process

    def scaled(count: int) -> Any:
        again = api.stream("slow", "queue:numbers", output="out.jsonl", most=40, workers=count)
        until(lambda: len(workers(api)) == (count if count > 1 else 0))
        return again

    def killed() -> None:
        before = workers(api)
        os.kill(before[0], signal.SIGKILL)
        until(lambda: set(workers(api)) != set(before) and len(workers(api)) == len(before))

    for number in range(ROUNDS):
        api.put("queue:numbers", numbers(6000 * number, 6000 * (number + 1)), key="key")
        until(lambda: output.exists() and output.stat().st_size)
        killed()
        assert f"workers {4 if number else 3} → 1" in str(scaled(1))
        assert "workers 1 → 4" in str(scaled(4))
    assert api.status("stream/slow").job.process == process  # it went on all the time
    api.model("slow", slower, example=NUMBERS)
    former = set(workers(api))
    assert api.promote("slow").promoted
    until(lambda: former.isdisjoint(now := workers(api)) and now)  # which processes there are is told a little later
    assert api.status("stream/slow").job.process == process
    killed()
    assert process
    os.kill(process.pid, signal.SIGKILL)
    count = 6000 * ROUNDS + 300
    api.put("queue:numbers", numbers(count - 300, count), key="key")
    stream.until(lambda facts: facts.get("offset") == count, timeout=PATIENCE * ROUNDS)
    found = answers(output)
    assert [one["n"] for one in found] == list(range(count))
    factors = [one["prediction"] / one["n"] for one in found[1:]]
    assert factors == sorted(factors)  # one version after the other, between two batches
    assert set(factors) == {2.0, 3.0}


def test_a_row_that_ends_its_process_is_put_aside(api: Workbench, tmp_path: Path) -> None:
    api.model("deadly", deadly, example=NUMBERS)
    stream = api.stream("deadly", "queue:numbers", output="out.jsonl", workers=2)
    api.put("queue:numbers", numbers(1000, 1100))
    stream.until(lambda facts: facts.get("lag") == 0 and facts.get("dead") == 1)
    assert [one["n"] for one in answers(tmp_path / "out.jsonl")] == [n for n in range(1000, 1100) if n != 1066]
    (dead,) = api.tail("queue:numbers.deadly.dead")
    assert "ended its process: Segmentation fault" in dead.headers["error"]
