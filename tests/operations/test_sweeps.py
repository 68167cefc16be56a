"""Sweeps: points, what they hand back, what is compared, and what a kill leaves."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notebook_parts import notebook, printed
from waiting import until

from workbench.api import Workbench
from workbench.cards.jobs import RunCard
from workbench.errors import BadInput, JobFailed, NotFound, UsageError
from workbench.patterns.batch import points as reading

PARAMETERS = "depth = 1\nrate: float = 0.5\nname = 'all'"
SCORE = "import workbench\nworkbench.result(auc=1 - abs(depth - 5) / 10 - rate, name=name)"


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    notebook(tmp_path, SCORE, parameters=PARAMETERS)
    return tmp_path / "nb.ipynb"


def values(file: Path, sweep: dict[str, Any], samples: int | None = None, **fixed: Any) -> list[tuple[Any, ...]]:
    return [tuple(point[n] for n in sweep) for point in reading.points(file, sweep, None, fixed, samples)]


def test_points_are_lists_ranges_and_their_combinations(swept: Path) -> None:
    assert values(swept, {"depth": "3,5, 8"}) == [(3,), (5,), (8,)]
    assert values(swept, {"depth": "3..6", "name": "'a,b',c"}) == [(d, n) for d in (3, 4, 5, 6) for n in ("a,b", "c")]
    assert values(swept, {"rate": "0.1..0.5:0.1", "depth": "2..8:3"})[:3] == [
        (0.1, 2), (0.1, 5), (0.1, 8),
    ]  # fmt: skip
    assert [v for (v,) in values(swept, {"rate": "0.1..0.5:0.1"})] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert values(swept, {"depth": [3, 4]}) == values(swept, {"depth": range(3, 5)}) == [(3,), (4,)]
    assert len(values(swept, {"depth": "3,3,3"})) == 1


def test_samples_are_drawn_the_same_each_time(swept: Path) -> None:
    drawn = values(swept, {"rate": "1e-4..1:log", "depth": "1..9"}, samples=50)
    assert drawn == values(swept, {"rate": "1e-4..1:log", "depth": "1..9"}, samples=50)
    assert len(drawn) == 50
    assert all(1e-4 <= rate <= 1 and 1 <= depth <= 9 for rate, depth in drawn)
    assert sum(rate < 1e-2 for rate, _ in drawn) > 10, "by their size, not evenly"
    assert len(set(values(swept, {"depth": "1..9:1"}, samples=5))) == 5


REFUSED = {
    "unknown": ({"dept": "3"}, None, {}, "no parameter 'dept'"),
    "no value": ({"depth": "3,x"}, None, {}, "depth is an int, not 'x'"),
    "twice": ({"depth": "3"}, None, {"depth": 1}, "depth is given twice"),
    "no end": ({"rate": "0.1..1"}, None, {}, "has no end of values"),
    "backwards": ({"depth": "8..3"}, None, {}, "is no range"),
    "of zero": ({"rate": "0..1:log"}, 3, {}, "is no range"),
    "none": ({"depth": ""}, None, {}, "no value for depth"),
    "many": ({"depth": "1..999", "rate": "1..999"}, None, {}, "a sweep of 998001 points"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_points_that_cannot_be_are_refused_before_anything_runs(case: str, swept: Path) -> None:
    sweep, samples, fixed, said = REFUSED[case]
    with pytest.raises(UsageError, match=said):
        reading.points(swept, sweep, None, fixed, samples)


def test_a_sweep_compares_what_is_handed_back(api: Workbench, swept: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"parameters": {"name": "x"}, "best": "auc", "at_once": 2, "output": "runs", "wait": True}
    run = api.batch("nb.ipynb", sweep={"depth": "3,5,8", "rate": "0.1,0.2"}, **options)
    assert run.best == {"name": "x", "depth": 5, "rate": 0.1}
    table = run.comparison
    assert table["auc"].round(3).tolist() == [0.7, 0.6, 0.9, 0.8, 0.6, 0.5]
    assert set(table["state"]) == {"done"}
    written = pd.read_csv(tmp_path / "runs" / "comparison.csv", index_col="point")
    pd.testing.assert_frame_equal(written, table, check_dtype=False)
    assert sorted(Path(file).name for file in table["notebook"])[0] == "1-name=x+depth=3+rate=0.1.ipynb"
    said = str(run)
    assert "6 of 6 points" in said
    lines = said.split("\n\n")[1].split("\n")
    assert lines[0].split() == ["point", "depth", "rate", "state", "auc", "seconds"], "what is the same is left out"
    assert lines[1].split()[:6] == ["★", "3", "5", "0.1", "done", "0.9"]
    shown = RunCard(run).parts()["figures"]
    assert shown.count("<circle") == 12
    assert shown.count("<tr>") == 7, "a header and six points"
    assert "★" in shown


def test_a_sweep_of_a_table_in_which_points_fail(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "if depth == 2: 1 / 0", SCORE, parameters=PARAMETERS)
    pd.DataFrame({"depth": [1, 2, None], "rate": [0.1, 0.2, 0.3]}).to_csv("points.csv", index=False)
    with pytest.raises(JobFailed, match=r"1 of 3 points failed, the first in cell 2: ZeroDivisionError"):
        api.batch("nb.ipynb", points="points.csv", best="auc", output="runs", wait=True)
    [run] = api.runs()
    assert run.comparison["state"].tolist() == ["done", "failed", "done"]
    assert run.comparison["auc"].round(2).fillna(-1).tolist() == [0.5, -1, 0.3]
    assert "2 of 3 points, 1 failed" in str(run)
    before = run.comparison["notebook"].map(lambda file: Path(file).stat().st_mtime_ns).tolist()
    notebook(tmp_path, SCORE, parameters=PARAMETERS)
    api.resume(run.name)
    run = api.wait(run.name)
    after = run.comparison["notebook"].map(lambda file: Path(file).stat().st_mtime_ns).tolist()
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True], "what is done is kept"
    with pytest.raises(BadInput, match="holds no points"):
        api.batch("nb.ipynb", points=pd.DataFrame({"depth": []}))


GATED = """\
import os, pathlib, time
with open(f"ran-{depth}", "a") as file:
    file.write("x")
while not os.path.exists("open") and depth > 2:
    time.sleep(0.01)
print(depth)
"""


def test_a_sweep_that_is_killed_goes_on_with_what_is_left(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, GATED, parameters=PARAMETERS)
    run = api.batch("nb.ipynb", sweep={"depth": "1..4"}, at_once=2, output="runs")
    begun = [tmp_path / "ran-3", tmp_path / "ran-4"]
    until(lambda: all(file.exists() and file.read_text() for file in begun))
    until(lambda: [p["state"] for p in run.refresh().facts.get("points", [])][:2] == ["done", "done"])
    run.refresh().job.process.signal(signal.SIGKILL)
    (tmp_path / "open").touch()
    run = api.wait(run.name)
    assert [(tmp_path / f"ran-{i}").read_text() for i in (1, 2, 3, 4)] == ["x", "x", "xx", "xx"]
    assert [printed(file) for file in sorted((tmp_path / "runs").glob("*.ipynb"))] == [["1"], ["2"], ["3"], ["4"]]


def test_a_sweep_that_is_stopped_is_resumed(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, GATED, parameters=PARAMETERS)
    run = api.batch("nb.ipynb", sweep={"depth": "1..4"}, at_once=1, output="runs")
    until(lambda: (tmp_path / "ran-3").exists())
    assert api.stop(run.name).state == "stopped"
    assert not (tmp_path / "ran-4").exists()
    (tmp_path / "open").touch()
    api.resume(run.name)
    assert api.wait(run.name).comparison["state"].tolist() == ["done"] * 4
    assert (tmp_path / "ran-1").read_text() == "x"
    with pytest.raises(NotFound, match="has no best point"):
        api.wait(run.name).best  # noqa: B018


RESULTS = """\
import pandas as pd, workbench
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().plot([1, 2])
workbench.result(auc=0.91, worst=pd.DataFrame({"a": [1, 2, 3]}), curve=figure)
workbench.result(auc=0.92)
"""


def test_what_a_notebook_hands_back_is_part_of_its_run(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, RESULTS)
    run = api.batch("nb.ipynb", wait=True)
    assert "nb.ipynb · auc 0.92 · worst 3 rows × 1 · curve → curve.png" in str(run)
    assert run.results["auc"] == 0.92
    assert run.results["worst"]["a"].tolist() == [1, 2, 3]
    assert run.results["curve"].read_bytes()[:4] == b"\x89PNG"
    assert "data:image/png;base64," in RunCard(run).parts()["figures"]
    notebook(tmp_path, "import workbench\nworkbench.result(a=object())")
    with pytest.raises(JobFailed, match="a is a object, which cannot be kept"):
        api.batch("nb.ipynb", wait=True)


def test_outside_of_a_run_results_are_only_shown() -> None:
    import workbench

    assert str(workbench.result(auc=0.5)) == "auc 0.5\n  note  kept where this runs as a batch"
