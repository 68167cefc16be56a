"""What is written down of requests: whole batches or nothing, of values of all kinds, and what no disk took is counted."""

from __future__ import annotations

import enum
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.monitoring import spool
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
    writing = spool.Spool(tmp_path)
    for version, ended in ((1, 1001.0), (2, 1002.0), (1, 1003.0)):
        writing.write(version, ["a"], [line([[1.0, None, math.inf]], {"p": ["x", True, 2**70]})], ended)
    file = only(tmp_path)
    found = list(spool.batches(file))
    assert [(batch.version, batch.ended, batch.names) for batch in found] == [
        (1, 1001.0, ("a",)),
        (2, 1002.0, ("a",)),
        (1, 1003.0, ("a",)),
    ]
    assert found[0].lines == [line([[1.0, None, math.inf]], {"p": ["x", True, 2**70]})]
    assert [batch.version for batch in spool.batches(file, since=1001.5)] == [2, 1]
    whole = file.read_bytes()
    for end in range(len(whole) - 40, len(whole)):
        file.write_bytes(whole[:end])
        assert len(list(spool.batches(file))) == 2


def test_values_of_all_kinds_are_kept(tmp_path: Path) -> None:
    writing = spool.Spool(tmp_path)
    numbers = np.arange(6.0).reshape(3, 2)
    writing.write(1, ["a"], [line({"a": spool.packed(numbers)}, {"p": [Plan.basic, 2.5, {"k": (1,)}]})], 1.0)
    ((*_, x, y),) = next(iter(spool.batches(only(tmp_path)))).lines
    assert spool.listed(x["a"]) == numbers.tolist()
    assert y["p"] == ["b", 2.5, {"k": (1,)}]


def test_what_no_disk_takes_is_counted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writing = spool.Spool(tmp_path / "log")
    (tmp_path / "log").rmdir()
    for _ in range(3):
        writing.write(1, ["a"], [line(None, None), line(None, None)], 1.0)
    assert writing.lost == 6
    assert "2 requests could not be logged" in capsys.readouterr().err
    os.mkdir(tmp_path / "log")
    writing.write(1, ["a"], [line(None, None)], 1.0)
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
