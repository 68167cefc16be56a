"""Notebooks that tests make, and what became of their cells."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import nbformat

from workbench.jobs import identity

TELL = "import os, pathlib\nprint('told')\n_ = pathlib.Path('kernel').write_text(str(os.getpid()))"
LONG = "import time\nfor _ in range(6000):\n    time.sleep(0.01)"


def notebook(folder: Path, *cells: str, parameters: str | None = None, name: str = "nb.ipynb") -> str:
    """A notebook of these cells; one that begins with # is text."""
    made = nbformat.v4.new_notebook()
    if parameters is not None:
        made.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for cell in cells:
        new = nbformat.v4.new_markdown_cell if cell.startswith("#") else nbformat.v4.new_code_cell
        made.cells.append(new(cell))
    nbformat.write(made, folder / name)
    return name


def printed(file: Path | str) -> list[str]:
    """What the cells of an executed notebook printed."""
    nbformat.validate(there := nbformat.read(file, as_version=4))
    return [
        output.text.strip()
        for cell in there.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream" and output.name == "stdout"
    ]


def of(folder: Path) -> identity.Identity | None:
    """The kernel that wrote its number."""
    with suppress(FileNotFoundError, ValueError):
        return identity.of(int((folder / "kernel").read_text()))
    return None
