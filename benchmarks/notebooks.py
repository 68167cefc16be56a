"""Running notebooks with parameters, beside papermill and nbclient: `python benchmarks/notebooks.py [RUNS]`.

A notebook of five short cells is run with other parameters again and again: by papermill and by nbclient, each in this
process, whose imports are done; by Workbench with a kernel that was started ahead; by a sweep of Workbench, one at a
time and two at a time, which starts the next kernel while one works, so that what counts is how fast kernels start.
`each` is the time of all divided by their number; `beyond` is without the cells' own time, which is that of the same
cells in a kernel that runs already. Ratios count: each line is measured in one run on one machine.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import papermill
from nbclient import NotebookClient

from workbench.patterns.batch.kernel import Kernel
from workbench.patterns.batch.notebook import run_notebook
from workbench.patterns.batch.sweep import Sweep, run_sweep

REACH = 0.10
CELLS = (
    "values = [month * i for i in range(1000)]",
    "import json, statistics",
    "mean = statistics.mean(values)",
    "text = json.dumps(values)",
    "print(month, mean, len(text))",
)


def make(file: Path) -> None:
    """The notebook; its first cell is tagged `parameters`."""
    tagged = nbformat.v4.new_code_cell("month = 1", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[tagged, *map(nbformat.v4.new_code_cell, CELLS)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, file)


def by_papermill(file: Path, folder: Path, month: int) -> None:
    papermill.execute_notebook(file, folder / f"p{month}.ipynb", {"month": month}, progress_bar=False)


def by_nbclient(file: Path, folder: Path, month: int) -> None:
    """It knows no parameters: the cell is put in by hand."""
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_code_cell(f"month = {month}"))
    NotebookClient(notebook, kernel_name="python3").execute()
    nbformat.write(notebook, folder / f"n{month}.ipynb")


def by_sweep(file: Path, folder: Path, runs: int, at_once: int) -> float:
    """Seconds for each of so many runs."""
    points = [{"month": month} for month in range(1, runs + 1)]
    begun = time.perf_counter()
    found = run_sweep(Sweep(file, points, at_once), folder / f"at-{at_once}", scratch=folder / f"scratch-{at_once}")
    assert found.state == "done", found
    return (time.perf_counter() - begun) / runs


def own_time() -> float:
    """The cells in a kernel that runs already."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        begun = time.perf_counter()
        for cell in ("month = 1", "month = 2", *CELLS):
            client.execute_interactive(cell, output_hook=lambda _: None)
        return time.perf_counter() - begun
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def by_kernel_ahead(file: Path, folder: Path, runs: int) -> float:
    """Seconds for each of so many runs, whose kernel was up before they were asked for."""
    took = 0.0
    for month in range(1, runs + 1):
        kernel = Kernel(folder, folder)
        asyncio.run(kernel.up())
        begun = time.perf_counter()
        run_notebook(file, folder / f"a{month}.ipynb", {"month": month}, scratch=folder, start=lambda k=kernel: k)
        took += time.perf_counter() - begun
    return took / runs


def each(run: Callable[[Path, Path, int], None], file: Path, folder: Path, runs: int) -> float:
    begun = time.perf_counter()
    for month in range(1, runs + 1):
        run(file, folder, month)
    return (time.perf_counter() - begun) / runs


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(file := folder / "notebook.ipynb")
        run_notebook(file, folder / "warm.ipynb", {"month": 1}, scratch=folder)  # the imports
        own = own_time()
        few = min(runs, 10)
        found = {
            "papermill": each(by_papermill, file, folder, few),
            "nbclient": each(by_nbclient, file, folder, few),
            "Workbench, its kernel started ahead": by_kernel_ahead(file, folder, few),
            "Workbench, a sweep one at a time": by_sweep(file, folder, few, 1),
            f"Workbench, {runs} runs, two at a time": by_sweep(file, folder, runs, 2),
        }
        print(f"{'':38} {'each':>8} {'beyond':>8}")
        print(f"{'the cells in a running kernel':38} {own:8.3f}")
        for name, seconds in found.items():
            print(f"{name:38} {seconds:8.3f} {seconds - own:8.3f}")
        print(f"\nto reach: {REACH} s beyond, with a kernel started ahead")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
