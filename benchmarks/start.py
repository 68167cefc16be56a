"""What a person waits for first: `%load_ext workbench` and `workbench --help`: `python benchmarks/start.py`.

The floors, in the same run: an extension that does nothing, loaded by the same IPython, and a Python that does
nothing. Each run is a fresh process; the pre-warmed process is started in it, as in a notebook.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 9
LOAD_MS, HELP_SECONDS = 60, 0.25
LOAD = """
import sys, time, types
from IPython.core.interactiveshell import InteractiveShell
empty = types.ModuleType("empty")
empty.load_ipython_extension = lambda shell: None
sys.modules["empty"] = empty
shell = InteractiveShell.instance()
shell.run_cell("1")
times = []
for name in ("empty", "workbench"):
    start = time.perf_counter()
    shell.run_line_magic("load_ext", name)
    times.append(str(time.perf_counter() - start))
print(*times)
"""
HELP = "import sys; from workbench.faces.shell import main; sys.exit(main())"


def load_ext() -> tuple[float, float]:
    """Seconds of loading an empty extension, and ours."""
    ran = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    empty, ours = map(float, ran.stdout.split("\n")[-2].split())
    return empty, ours


def process(*words: str) -> float:
    """Seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> int:
    loads = [load_ext() for _ in range(RUNS + 1)][1:]
    helps = [(process("-c", "pass"), process("-c", HELP, "--help")) for _ in range(RUNS + 1)][1:]
    empty, ours = (statistics.median(times) * 1000 for times in zip(*loads, strict=True))
    bare, shown = (statistics.median(times) for times in zip(*helps, strict=True))
    print(f"%load_ext workbench  {ours:6.1f} ms   an empty extension  {empty:5.2f} ms   (reach: {LOAD_MS} ms)")
    print(f"workbench --help     {shown:6.3f} s    bare Python         {bare:5.3f} s    (reach: +{HELP_SECONDS} s)")
    return int(ours > LOAD_MS or shown - bare > HELP_SECONDS)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["WORKBENCH_HOME"] = home
        os.environ["IPYTHONDIR"] = str(Path(home) / "ipython")
        sys.exit(main())
