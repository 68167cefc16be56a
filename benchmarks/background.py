"""From a stored version to the first answer of its endpoint, and what one more deployment costs in memory:
`python benchmarks/background.py`.

The floor of a cold start, in the same run, is a fresh Python that only imports what such a worker has imported. Memory
is what would be free if the deployment's processes ended; what they share with others is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from measure.processes import family, own_memory
from sklearn.linear_model import LogisticRegression

from workbench.api import Workbench
from workbench.faces.session import session_of_script
from workbench.spawn.client import cool, warm, warm_pid

RUNS = 7
IMPORTS = "import pandas, pyarrow, sklearn.linear_model, uvicorn, uvloop, httptools, orjson, sqlite3, asyncio"
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 30))
logistic = LogisticRegression().fit(X, X[:, 0] > 0)


def linear(rows: Any) -> Any:
    return logistic.predict_proba(rows)[:, 1]


def first_answer(api: Workbench) -> float:
    """Seconds from asking for the deployment to the first answer over HTTP."""
    start = time.perf_counter()
    service = api.serve("linear")
    answer = httpx.post(
        f"{service.url}/predict", json=X[:1].tolist(), headers={"Authorization": f"Bearer {service.token}"}
    )
    answer.raise_for_status()
    took = time.perf_counter() - start
    service.stop()
    api.remove(service.name)
    return took


def imports() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - start


def memory(api: Workbench) -> float:
    """Megabytes of one deployment, while another runs."""
    api.serve("linear", name="first")
    service = api.serve("linear", name="second")
    body, token = X[:1].tolist(), {"Authorization": f"Bearer {service.token}"}
    for _ in range(100):
        httpx.post(f"{service.url}/predict", json=body, headers=token).raise_for_status()
    return own_memory(family(service.job.process.pid)) / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_HOME"] = folder
        api = Workbench(Path(folder))
        try:
            warm()
            api.model("linear", linear, example=X, session=session_of_script())
            while warm_pid() is None:
                time.sleep(0.01)
            first = first_answer(api)
            warmed = [first_answer(api) for _ in range(RUNS)]
            print(f"first answer, pre-warmed  {statistics.median(warmed):.3f} s (with the supervisor {first:.3f} s)")
            print(f"memory of one more        {memory(api):.1f} MB")
            cool()
            cold = [first_answer(api) for _ in range(3) if api.shutdown(all=True)]
            floor = [imports() for _ in range(3)]
            print(f"first answer, cold        {min(cold):.3f} s; the imports alone {min(floor):.3f} s")
        finally:
            api.shutdown(all=True)


if __name__ == "__main__":
    main()
