"""Streams under what befalls them: a disk that fills up in the middle, records that are huge."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from broker_servers import SERVERS
from disks import disk_of
from stream_parts import Until, caught_up, part_rows, predictor, queued, rows, scores, stream
from waiting import until

from workbench.errors import StorageError
from workbench.patterns.streaming import overdue, parquet_sink
from workbench.patterns.streaming.put import put

HUGE = int(os.environ.get("WORKBENCH_RECORD", "2000000"))
"""Bytes of a record: `WORKBENCH_RECORD=50000000` is the large one."""


def fill(disk: Path) -> None:
    with (disk / "filled").open("wb") as file, suppress(OSError):
        while True:
            os.write(file.fileno(), bytes(4096))


def numbers(place: str, disk: Path) -> list[int]:
    if place.startswith("sqlite"):
        with sqlite3.connect(disk / "a.db") as connection:
            return [n for (n,) in connection.execute("select n from scores order by rowid")]
    if place.endswith("parts/"):
        return [row["n"] for row in part_rows(disk / "parts")]
    if place.startswith("queue"):
        return [json.loads(record.value)["n"] for record in queued("answers")]
    found = (disk / place.rpartition("/")[2]).read_text().splitlines()
    return [
        json.loads(line)["n"] if line[0] == "{" else int(line.partition(",")[0]) for line in found if line[0] != "n"
    ]


@pytest.mark.parametrize(
    "output", ["{}/a.jsonl", "{}/a.csv", "{}/parts/", "sqlite:///{}/a.db?table=scores", "queue:answers"]
)
def test_a_disk_that_fills_up(output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the sink, or that of the queues; it says so, and goes on by itself once there is room."""
    monkeypatch.setattr(parquet_sink, "PART_ROWS", 5)
    filled: list[int] = []
    with disk_of("4m", tmp_path / "disk") as disk:
        if output.startswith("queue"):
            monkeypatch.setenv("WORKBENCH_HOME", str(disk / "home"))
        put("queue:rows", [row | {"city": "Ulm"} for row in rows(20, 120)])

        def going(control: Until) -> bool:
            if not filled and control.seen.get("records", 0) >= 10:
                fill(disk)
                filled.append(1)
            if control.blocked and (disk / "filled").exists():
                assert "full" in control.blocked
                (disk / "filled").unlink()
            return bool(control.blocked) and caught_up(control)

        place = output.format(disk)
        stream(place, most=5, control=Until(going))
        assert numbers(place, disk) == list(range(20, 120))


def test_a_model_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said that it does, and what comes meanwhile is counted; when it answers, that is over."""
    monkeypatch.setattr(overdue, "LONG", 0.1)
    monkeypatch.setattr(overdue, "_EVERY", 0.01)
    control = Until(caught_up)

    def hangs(frame: pd.DataFrame) -> pd.DataFrame:
        until(lambda: "has not answered" in control.blocked)
        if 0 in set(frame.n):
            put("queue:rows", rows(7, 12))
            until(lambda: control.seen["lag"] == 12)
        return scores(frame)

    put("queue:rows", rows(0, 7))
    stream("queue:answers", control=control, model=predictor(hangs))
    assert control.states[-1][0] == "ready"
    assert len(queued("answers")) == 12


@pytest.mark.parametrize("kind", ["queue", *SERVERS])
def test_a_huge_record(kind: str, brokers: Callable[[str], Any], tmp_path: Path) -> None:
    """Passes like any other where the broker takes it; where it does not, who puts it is told, and of what a stream
    writes there it dies alone."""
    place = "queue:huge" if kind == "queue" else brokers(kind).place("huge")
    given = rows(4, 7)
    given[1]["city"] = "x" * HUGE
    put("queue:rows", given)
    stream(place, control=Until(caught_up))
    if dead := queued("rows.churn.dead"):
        assert kind in ("kafka", "nats")
        assert dead[0].headers
        assert "bytes at most, and one has" in dead[0].headers["error"]
        with pytest.raises(StorageError, match="bytes at most"):
            put(place, given[1:2])
        del given[1]
    output = tmp_path / "a.jsonl"
    stream(str(output), input=place, control=Until(caught_up))
    found = {row["n"]: len(row["city"] or "") for row in map(json.loads, output.read_text().splitlines())}
    assert found == {row["n"]: len(row["city"] or "") for row in given}
