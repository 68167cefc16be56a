"""What is written down of requests: whole batches or nothing, of values of all kinds, and what no disk took is counted."""

from __future__ import annotations

import enum
import math
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.bundle.registry import Registry
from workbench.monitoring import spool
from workbench.monitoring.gathered import ABOUT
from workbench.monitoring.segments import tables
from workbench.monitoring.veil import Veil


class Plan(enum.StrEnum):
    """Text that marshal does not take for text."""

    basic = "b"


def line(x: Any, y: Any, *, name: bytes = b"1") -> spool.Line:
    return name, 1000.0, "/predict", "ada", 200, "", 1, x, y


def only(folder: Path) -> Path:
    (file,) = folder.glob(f"*{spool.ENDING}")
    return file


def test_what_was_written_whole_is_there_and_nothing_of_what_was_cut_off(tmp_path: Path) -> None:
    writing, written = spool.Spool(tmp_path), line([[1.0, None, math.inf]], {"p": ["x", True, 2**70]})
    before = [time.time()]
    for version in (1, 2, 1):
        writing.write(version, ["a"], [written])
        before.append(time.time())
    file = only(tmp_path)
    found = list(spool.batches(file))
    assert [(batch.version, batch.names, batch.lines) for batch in found] == [
        (version, ("a",), [written]) for version in (1, 2, 1)
    ]
    assert all(first <= batch.ended <= then for first, batch, then in zip(before, found, before[1:], strict=False))
    assert [batch.version for batch in spool.batches(file, since=before[1])] == [2, 1]
    whole = file.read_bytes()
    for end in range(len(whole) - 40, len(whole)):
        file.write_bytes(whole[:end])
        assert len(list(spool.batches(file))) == 2


def test_a_disk_that_is_slow_leaves_requests_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a request came is told by two clocks, which must be of one moment."""
    now, opened = [1000.0], os.open

    def slow(*how: Any) -> int:
        now[0] += 5
        return opened(*how)

    writing = spool.Spool(tmp_path)
    monkeypatch.setattr(spool, "time", SimpleNamespace(time=lambda: now[0], perf_counter=lambda: now[0]))
    monkeypatch.setattr(os, "open", slow)
    writing.write(1, ["a"], [line([[1.0]], {"p": [1.0]})])
    monkeypatch.undo()
    (batch,) = spool.batches(only(tmp_path))
    assert batch.ended == batch.clock == 1000.0


def test_values_of_all_kinds_are_kept(tmp_path: Path) -> None:
    writing = spool.Spool(tmp_path)
    numbers = np.arange(6.0).reshape(3, 2)
    writing.write(1, ["a"], [line({"a": spool.packed(numbers)}, {"p": [Plan.basic, 2.5, {"k": (1,)}]})])
    ((*_, x, y),) = next(iter(spool.batches(only(tmp_path)))).lines
    assert spool.listed(x["a"]) == numbers.tolist()
    assert y["p"] == ["b", 2.5, {"k": (1,)}]


def test_what_no_disk_takes_is_counted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writing = spool.Spool(tmp_path / "log")
    (tmp_path / "log").rmdir()
    for _ in range(3):
        writing.write(1, ["a"], [line(None, None), line(None, None)])
    assert writing.lost == 6
    assert "2 requests could not be logged" in capsys.readouterr().err
    os.mkdir(tmp_path / "log")
    writing.write(1, ["a"], [line(None, None)])
    assert "6 requests were not logged; now they are again" in capsys.readouterr().err
    assert len(list(spool.batches(only(tmp_path / "log")))) == 1


def test_a_veil_lets_nothing_through(tmp_path: Path) -> None:
    veil = Veil(["name"], ["age"], spool.key(tmp_path))
    shown = veil.columns({"name": ["Ada"], "age": [41, 41.0, None, "41", 42], "city": ["Rome"]})
    assert shown.keys() == {"age", "city"}
    same, again, missing, said, other = shown["age"]
    assert same == again == said != other
    assert missing is None
    assert veil.said("Ada is 41, not 'Ada'", {"name": ["Ada"], "age": [41]}) == "… is …, not …"
    assert Veil(["name"], ["age"], spool.key(tmp_path)).columns({"age": [41]})["age"] == [same]


def test_requests_that_were_asked_together_have_their_rows_beside_those_that_were_alone(tmp_path: Path) -> None:
    writing = spool.Spool(tmp_path)
    shown = {"a": spool.packed(np.array([1, 2, 3])), "b": ["x", None, "y"]}, {"p": spool.packed(np.array([0.5, 1, 2]))}
    several = [(name, 0.0, "/", "", 200, "", rows) for name, rows in ((b"two", 2), (b"one", 1))]
    writing.write(1, ["a", "b"], several, shown)
    writing.write(1, ["a", "b"], [line([[4], ["z"]], {"p": [4.0]}, name=b"alone")])
    writing.write(1, ["a", "b"], several, shown)
    found = tables(spool.batches(only(tmp_path)), "m", Registry(tmp_path / "models"))
    rows = found["v1"].to_pandas().set_axis([*ABOUT, "a", "b", "p"], axis=1)
    assert rows["request"].tolist() == ["alone", *["two", "two", "one"] * 2]
    assert rows["row"].tolist() == [0, *[0, 1, 0] * 2]
    assert rows["a"].tolist() == [4, *[1, 2, 3] * 2]
    assert rows["b"].fillna("-").tolist() == ["z", *["x", "-", "y"] * 2]
    assert rows["p"].tolist() == [4.0, *[0.5, 1.0, 2.0] * 2]
