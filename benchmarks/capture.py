"""From a cell that ran to a proven, stored version: `python benchmarks/capture.py`.

The floor, in the same run, is a fresh Python that only imports what the model needs. The pre-warmed process
is started before, as `%load_ext workbench` does.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from workbench.api import Workbench
from workbench.capture.captured import Cell, Session
from workbench.spawn.client import warm

RUNS = 5
SETUP = """
import numpy as np, pandas as pd
from sklearn.{module} import {kind}
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(2000, 10)), columns=list("abcdefghij"))
y = X.a + rng.normal(size=2000) > 0
"""
CELL = """
clf = {kind}({options}).fit(X, y)
SHIFT = {run}
def predict(df):
    return clf.predict_proba(df)[:, 1] + SHIFT
"""
MODELS = (("linear_model", "LogisticRegression", ""), ("ensemble", "RandomForestClassifier", "20, random_state=0"))


def versions(workbench: Workbench, module: str, kind: str, options: str) -> list[float]:
    """Seconds of each capture of a model that changed."""
    shell = InteractiveShell.instance()
    times = []
    cells = [SETUP.format(module=module, kind=kind)]
    shell.run_cell(cells[0]).raise_error()
    for run in range(RUNS + 1):
        cell = CELL.format(kind=kind, options=options, run=run)
        shell.run_cell(cell).raise_error()
        session = Session(shell.user_ns, tuple(Cell(i, text) for i, text in enumerate([*cells, cell], 1)))
        start = time.perf_counter()
        workbench.model(kind.lower(), shell.user_ns["predict"], example=shell.user_ns["X"], session=session)
        times.append(time.perf_counter() - start)
    return times[1:]


def fresh_imports(module: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import pandas, sklearn.{module}"], check=True)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workbench = Workbench(Path(folder))
        warm()
        print(f"{'model':24}{'captured and proven':>22}{'imports alone':>16}{'ratio':>8}   reach ≤ 1.0 s")
        for module, kind, options in MODELS:
            median = statistics.median(versions(workbench, module, kind, options))
            floor = statistics.median(fresh_imports(module) for _ in range(3))
            print(f"{kind:24}{median:20.2f} s{floor:14.2f} s{median / floor:8.2f}")


if __name__ == "__main__":
    main()
