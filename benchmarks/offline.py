"""Offline prediction over a Parquet file beside the tuned Arrow loop: `python benchmarks/offline.py [ROWS]`.

30 columns of float64 and a linear model in numpy; each line is a process of its own, timed from outside, the
best of three; `beyond` is its time without that of the imports. The tuned loop reads and writes all that
Workbench does: the input's columns, then the prediction. `loop, prediction alone` leaves the input out of the output.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS, PIECE = 30, 65_536
REACH = 1.15

IMPORTS = """
import numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.patterns.offline import predict
weights = np.linspace(-1, 1, 30)
"""
LOOP = """
import sys
given = pq.ParquetFile(sys.argv[1], pre_buffer=False, buffer_size=1 << 20)
kept = given.schema_arrow if {whole} else pa.schema([])
with pq.ParquetWriter(sys.argv[2], kept.append(pa.field("prediction", pa.float64())), use_dictionary=False) as out:
    for batch in given.iter_batches(batch_size=65_536):
        matrix = np.array([column.to_numpy() for column in batch.columns])
        prediction = pa.array(weights @ matrix)
        out.write_table(pa.table([*(batch.columns if {whole} else []), prediction], schema=out.schema))
"""
WORKBENCH = """
import sys
example = pd.DataFrame({f"f{i:02}": [0.0, 1.0] for i in range(30)})
predictor = Predictor(lambda frame: frame.to_numpy() @ weights, Schema.infer(example), name="linear", row_wise=True)
predict(predictor, sys.argv[1], sys.argv[2])
"""
PEAK = """
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def make(file: Path, rows: int) -> None:
    """The input: 30 columns, row groups of a quarter of a million rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, names = np.random.default_rng(0), [f"f{i:02}" for i in range(COLUMNS)]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(file, schema, use_dictionary=False) as writer:
        for start in range(0, rows, 250_000):
            values = rng.normal(size=(COLUMNS, min(250_000, rows - start)))
            writer.write_table(pa.table(list(values), schema=schema))


def measure(code: str, given: Path, out: Path) -> tuple[float, int]:
    """Seconds from start to end of a process, and its peak memory in MB."""
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    command = [sys.executable, "-c", IMPORTS + code + PEAK, str(given), str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return time.perf_counter() - start, int(ran.stdout)


def main(rows: int = 3_000_000) -> None:
    jobs = {
        "imports": "",
        "loop, prediction alone": LOOP.format(whole=False),
        "tuned loop": LOOP.format(whole=True),
        "workbench": WORKBENCH,
    }
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "in.parquet"), Path(folder, "out.parquet")
        subprocess.run([sys.executable, __file__, "make", str(given), str(rows)], check=True)
        rounds = [{name: measure(code, given, out) for name, code in jobs.items()} for _ in range(3)]
        print(f"{rows:,} rows x {COLUMNS} columns, {given.stat().st_size / 1e6:,.0f} MB of Parquet".replace(",", " "))
    best = {name: min(seconds for seconds, _ in (r[name] for r in rounds)) for name in jobs}
    floor = best["tuned loop"] - best["imports"]
    print(f"{'':24}{'seconds':>9}{'beyond':>9}{'ratio':>8}{'peak MB':>9}")
    for name, seconds in best.items():
        beyond, peak = seconds - best["imports"], max(r[name][1] for r in rounds)
        print(f"{name:24}{seconds:9.2f}{beyond:9.2f}{beyond / floor:8.2f}{peak:9}")
    print(f"reach: workbench <= {REACH} x the tuned loop, <= 600 MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
