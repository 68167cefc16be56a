"""The bundle as MLflow calls it, in a process that has no Workbench."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
from bundles import make

from workbench.inference.schema import Schema

MODEL = """\
import helper
class Model:
    def load(self):
        self.factor = helper.FACTOR
    def predict(self, frame):
        assert str(frame["plan"].dtype) == "category", frame.dtypes
        return {"risk": frame["a"] * self.factor, "parts": frame[["a", "a"]].to_numpy()}
"""
SCRIPT = """\
import importlib, sys
import pandas as pd
model = importlib.import_module("{package}._wb.inference.pyfunc")._load_pyfunc({folder!r})
given = pd.DataFrame({{"plan": ["u", "v"], "a": [1, 2], "more": [0, 0]}}, index=[7, 8])
answer = model.predict(given, params=None)
print(answer.to_json(orient="split"), "workbench" in sys.modules)
"""


def test_mlflow_needs_no_workbench(tmp_path: Path) -> None:
    schema = Schema.infer(pd.DataFrame({"a": [1.0], "plan": pd.Categorical(["u"], categories=["u", "v"])}))
    folder = tmp_path / "bundle"
    package = make(
        folder,
        MODEL,
        modules={"helper.py": "FACTOR = 2"},
        entry="Model",
        entry_kind="class",
        name="churn",
        schema=schema.to_json(),
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "code")}
    script = SCRIPT.format(package=package, folder=str(folder))
    ran = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    answer, workbench = ran.stdout.strip().rsplit(" ", 1)
    assert workbench == "False"
    assert json.loads(answer) == {
        "columns": ["risk", "parts"],
        "index": [7, 8],
        "data": [[2.0, [1.0, 1.0]], [4.0, [2.0, 2.0]]],
    }
