"""From a cell that ran to a proven, stored version: `python benchmarks/capture.py`.

The floor of a small model, in the same run, is a fresh Python that only imports what the model needs; that of a
large one is to pickle its state into a file and to read it again. The pre-warmed process is started before, as
`%load_ext workbench` does.
"""

from __future__ import annotations

import pickle
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
LARGE = """
import numpy as np, pandas as pd
X = pd.DataFrame({"row": np.arange(2000)})
"""
LARGE_CELL = """
vectors = {{part: np.random.default_rng(part + {run}).normal(size=(6_250, 1_000)) for part in range(10)}}
def predict(df):
    return vectors[3][df["row"].to_numpy()].sum(axis=1)
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


def large(workbench: Workbench, folder: Path) -> list[tuple[float, float]]:
    """Seconds of each capture of a model of 500 MB, and of writing and reading its state, in turn."""
    shell = InteractiveShell.instance()
    shell.run_cell(LARGE).raise_error()
    times = []
    for run in range(RUNS):
        cell = LARGE_CELL.format(run=run)
        shell.run_cell(cell).raise_error()
        session = Session(shell.user_ns, (Cell(1, LARGE), Cell(2, cell)))
        start = time.perf_counter()
        workbench.model("vectors", shell.user_ns["predict"], example=shell.user_ns["X"], session=session)
        between = time.perf_counter()
        write_and_read(shell.user_ns["vectors"], folder / f"{run}.pkl")
        times.append((between - start, time.perf_counter() - between))
    return times[1:]


def write_and_read(value: object, file: Path) -> None:
    with file.open("wb") as stream:
        pickle.dump(value, stream, protocol=5)
    with file.open("rb") as stream:
        pickle.load(stream)


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
        print(f"\n{'500 MB of state':24}{'captured and proven':>22}{'write and read':>16}{'ratio':>8}   reach ≤ 1.3")
        for captured, floor in large(workbench, Path(folder)):
            print(f"{'':24}{captured:20.2f} s{floor:14.2f} s{captured / floor:8.2f}")


if __name__ == "__main__":
    main()
