"""A pipeline is compiled by Kubeflow's own compiler and run by its local runner, in environments of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from contained import environment
from export_models import ROWS, first

from workbench.api import Workbench

RUN = """
import runpy, sys
from kfp import local

local.init(runner=local.SubprocessRunner(use_venv=False), raise_on_error=True)
runpy.run_path("pipeline.py")["pipeline"](input=sys.argv[1], output=sys.argv[2])
"""


def run(python: Path, folder: Path, *places: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The pipeline, run as the cluster runs it but for the containers."""
    image = folder / "images" / "1"
    own = {"WORKBENCH_REGISTRY": str(image / "models"), "WORKBENCH_JOB": str(image / "job.json"), **env}
    command = [str(python), "-c", RUN, *map(str, places)]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=200, check=False
    )


@pytest.mark.slow
def test_a_pipeline_proves_and_scores(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workbench, rows = Workbench(home), tmp_path / "rows.csv"
    workbench.model("late_departure", first, example=ROWS, row_wise="yes")
    ROWS.to_csv(rows, index=False)
    how: dict[str, Any] = {"every": "monday 6:00", "zone": "Europe/Berlin", "catch_up": "all"}
    workbench.batch("late_departure", str(rows), output=str(tmp_path / "scored.csv"), **how)
    exported = workbench.export("schedule/late_departure", to="kubeflow", output="out", image="registry.example/late")
    workbench.shutdown(all=True)
    folder = tmp_path / "out"
    compiled = yaml.safe_load((folder / "pipeline.yaml").read_text())
    executors = compiled["deploymentSpec"]["executors"].values()
    assert {one["container"]["image"] for one in executors} == {"registry.example/late:1"}
    assert compiled["root"]["dag"]["tasks"]["score"]["dependentTasks"] == ["prove"]
    recurring = (folder / "recurring.py").read_text()
    assert "cron_expression='0 0 6 * * 1'" in recurring
    assert "no_catchup=False" in recurring
    assert any("Europe/Berlin" in note for note in exported.notes)

    python = environment(folder / "images" / "1", tmp_path / "venv")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "kfp", "pip"], check=True)
    own = {"WORKBENCH_HOME": str(tmp_path / "state")}
    done = run(python, folder, rows, tmp_path / "there.csv", **own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "late_departure@1 ✓ a clean process answers what its cell answered (120 rows" in done.stdout
    assert (tmp_path / "there.csv").read_text().count("\n") == 121
    assert run(python, folder, tmp_path / "none.csv", tmp_path / "x.csv", **own).returncode != 0
