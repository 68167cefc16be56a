"""Sweeps that are killed at any moment, again and again, end as one that nobody touched."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notebook_parts import notebook

HERE = Path(__file__).parent
KILLS = max(1, int(os.environ.get("WORKBENCH_TEST_KILLS", "6")) // 6)
"""How many sweeps are killed, twice each; set the variable to hundreds for a long run by hand."""
POINTS = [{"depth": depth} for depth in (1, 2)]
CELLS = ("import workbench\nprint('deep', depth)", "workbench.result(square=depth**2, name=f'n{depth}')")


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Callable[..., int]]:
    notebook(tmp_path, *CELLS, parameters="depth = 1")
    process = subprocess.Popen(
        [sys.executable, HERE / "killed_sweeps.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def run(at: str, moment: int | None = None) -> int:
        assert process.stdin
        assert process.stdout
        line = [str(tmp_path / "nb.ipynb"), POINTS, str(tmp_path / at), str(tmp_path / f"{at}-scratch"), moment]
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    with process:
        yield run
        assert process.stdin
        process.stdin.close()


def made(folder: Path) -> dict[str, Any]:
    """All that a sweep has left, but for the times at which it did so."""
    found: dict[str, Any] = {}
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        name = str(file.relative_to(folder))
        if file.suffix == ".ipynb":
            cells = json.loads(file.read_text())["cells"]
            found[name] = json.dumps([[cell["source"], cell.get("outputs")] for cell in cells])
        elif file.suffix == ".csv":
            table = pd.read_csv(file).drop(columns=["seconds", "notebook"])
            found[name] = table.to_csv(index=False)
        else:
            found[name] = file.read_bytes()
    return found


def test_a_sweep_that_is_killed_at_any_moment_ends_the_same(sweep: Callable[..., int], tmp_path: Path) -> None:
    last = sweep("whole")
    whole = made(tmp_path / "whole")
    assert len([name for name in whole if name.endswith(".ipynb")]) == len(POINTS)
    chosen = random.Random(7)
    for _ in range(KILLS):
        for moment in sorted(chosen.randrange(1, last) for _ in range(2)):
            sweep("cut", moment)
        assert sweep("cut") > 0
        assert made(tmp_path / "cut") == whole, moment
        for left in ("cut", "cut-scratch"):
            shutil.rmtree(tmp_path / left)
